from collections.abc import Collection

from tivo.log.offset_map import OffsetMap
from tivo.log.sieve import AbortedRecords, Sieve
from tivo.log.transactions import Aborted
from tivo.wire.control import Marker, build_marker
from tivo.wire.primitives import Buffer
from tivo.wire.record_batch import TRANSACTIONAL, Record, build, read_header, records, stamp

NOW_MS = 100_000


def batch(*pairs: tuple[bytes | None, bytes | None], at: int = 10, producer_id: int = -1, attributes: int = 0) -> bytes:
    """One batch from offset `at` on, its records 1 s old and one ms apart."""
    some = [Record(at + n, NOW_MS - 1_000 + n, key, value) for n, (key, value) in enumerate(pairs)]
    return bytes(build(some, producer_id=producer_id, producer_epoch=0, base_sequence=5, attributes=attributes))


def sieve(
    *,
    newest: dict[bytes, int] | None = None,
    mapped_to: int = 1_000,
    aborted: tuple[Aborted, ...] = (),
    last_batches: Collection[int] = (),
    now_ms: int = NOW_MS,
    tombstone_ms: int = 500,
) -> Sieve:
    found = OffsetMap(10, salt=b"")
    for key, offset in (newest or {}).items():
        found.put(key, offset)
    return Sieve(
        newest=found,
        mapped_to=mapped_to,
        aborted=AbortedRecords(aborted),
        last_batches=last_batches,
        now_ms=now_ms,
        tombstone_ms=tombstone_ms,
    )


def rest(some: Sieve, data: Buffer, *, keeps_tombstones: bool = False) -> Buffer | None:
    return some.rest(data, read_header(data), keeps_tombstones=keeps_tombstones)


def offsets(data: Buffer | None) -> list[int]:
    assert data is not None
    return [record.offset for record in records(data, 0, read_header(data))]


PAIR = batch((b"a", b"1"), (b"b", b"2"))


def test_the_newest_of_each_key_stays() -> None:
    assert [11] == offsets(rest(sieve(newest={b"a": 20, b"b": 11}), PAIR))


def test_a_batch_that_loses_nothing_is_the_same_bytes() -> None:
    assert rest(sieve(newest={b"a": 10}), PAIR) is PAIR
    assert rest(sieve(newest={b"a": 10, b"b": 11}), PAIR) is PAIR


def test_a_batch_that_loses_all_leaves_a_hole() -> None:
    assert None is rest(sieve(newest={b"a": 20, b"b": 20}), PAIR)


def test_the_last_batch_of_a_producer_stays_as_a_header() -> None:
    data = batch((b"a", b"1"), producer_id=7)

    left = rest(sieve(newest={b"a": 20}, last_batches={10}), data)

    assert left is not None
    assert [] == offsets(left)
    assert (7, 5, 10) == (read_header(left).producer_id, read_header(left).base_sequence, read_header(left).last_offset)
    assert left == rest(sieve(newest={b"a": 20}, last_batches={10}), left)
    assert None is rest(sieve(newest={b"a": 20}), left)


def test_what_was_not_looked_at_stays() -> None:
    superseded = {b"a": 20, b"b": 20}

    assert rest(sieve(newest=superseded, mapped_to=10), PAIR) is PAIR
    assert [11] == offsets(rest(sieve(newest=superseded, mapped_to=11), PAIR))


def test_a_record_without_a_key_is_nobodys_older_one() -> None:
    assert [10] == offsets(rest(sieve(newest={b"b": 20}), batch((None, b"1"), (b"b", b"2"))))


TOMBSTONE = batch((b"a", None), (b"b", b"2"))


def test_a_tombstone_stays_at_first_and_has_its_horizon() -> None:
    left = rest(sieve(), TOMBSTONE)

    assert left is not None
    assert (True, NOW_MS + 500) == (read_header(left).has_delete_horizon, read_header(left).base_timestamp)
    assert list(records(TOMBSTONE, 0, read_header(TOMBSTONE))) == list(records(left, 0, read_header(left)))


def test_a_tombstone_may_stay_for_ever() -> None:
    left = rest(sieve(tombstone_ms=2**63 - 1), TOMBSTONE)

    assert left is not None
    assert (True, 2**63 - 1) == (read_header(left).has_delete_horizon, read_header(left).base_timestamp)
    assert list(records(TOMBSTONE, 0, read_header(TOMBSTONE))) == list(records(left, 0, read_header(left)))


def test_a_tombstone_goes_when_its_horizon_has_come() -> None:
    met = rest(sieve(), TOMBSTONE)
    assert met is not None

    assert rest(sieve(now_ms=NOW_MS + 499), met) is met
    assert [11] == offsets(rest(sieve(now_ms=NOW_MS + 500), met))
    assert None is rest(sieve(now_ms=NOW_MS + 500, newest={b"b": 20}), met)


def test_a_tombstone_stays_where_something_before_it_cannot_be_cleaned() -> None:
    met = rest(sieve(), TOMBSTONE)
    assert met is not None

    assert rest(sieve(now_ms=NOW_MS + 500), met, keeps_tombstones=True) is met


def test_a_horizon_is_not_put_off() -> None:
    met = rest(sieve(), TOMBSTONE)
    assert met is not None

    left = rest(sieve(newest={b"b": 20}, now_ms=NOW_MS + 400), met)

    assert left is not None
    assert ([10], NOW_MS + 500) == (offsets(left), read_header(left).base_timestamp)


def test_a_superseded_tombstone_goes_at_once() -> None:
    assert [11] == offsets(rest(sieve(newest={b"a": 20}), TOMBSTONE))


def test_aborted_records_go() -> None:
    data = batch((b"a", b"1"), producer_id=7, attributes=TRANSACTIONAL)

    def left(first: int, last: int, producer_id: int = 7, kept: Collection[int] = ()) -> Buffer | None:
        return rest(sieve(aborted=(Aborted(producer_id, first, last, last + 1),), last_batches=kept), data)

    assert None is left(10, 12)
    assert None is left(5, 10)
    assert [] == offsets(left(10, 12, kept={10}))
    assert left(11, 12) is data
    assert left(5, 9) is data
    assert left(10, 12, producer_id=8) is data


def test_markers_stay() -> None:
    marker = build_marker(Marker.ABORT, producer_id=7, producer_epoch=0, timestamp_ms=NOW_MS)
    stamp(marker, 0, 10, 0)

    assert rest(sieve(newest={b"\0\0\0\0": 20}, aborted=(Aborted(7, 5, 10, 11),)), marker) is marker


def test_records_outside_transactions_are_never_aborted() -> None:
    data = batch((b"a", b"1"), producer_id=7)

    assert rest(sieve(aborted=(Aborted(7, 5, 12, 13),)), data) is data


def test_a_batch_that_nobody_can_read_stays_as_it_is() -> None:
    data = bytearray(batch((b"a", b"1")))
    data[61] = 0xFF

    assert rest(sieve(newest={b"a": 20}), data) is data
