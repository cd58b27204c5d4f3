from collections.abc import Iterator
from hashlib import blake2b

import msgspec
import pytest
import zstandard
from crc32c import crc32c
from hypothesis import given
from hypothesis import strategies as st

from tivo.model.errors import StoreError
from tivo.model.event import Event, ValueKind
from tivo.model.timeline import HOUR_US, SECOND_US
from tivo.store import page
from tivo.store.page import (
    HEADER_BYTES,
    MAX_BYTES,
    MAX_EVENTS,
    SMALL_BYTES,
    SMALL_EVENTS,
    SPREAD_EVENTS,
    Packer,
    PageHeader,
    read_header,
)


def event(offset: int, time_us: int, value: bytes | None = b"{}", headers: tuple = ()) -> Event:
    return Event(time_us, "sensors", 3, offset, b"key", value, headers, time_us + 1, ValueKind.JSON)


def pack(events: list[Event], *, bucket_us: int = HOUR_US, span_us: int = HOUR_US) -> list[tuple[PageHeader, bytes]]:
    return list(Packer().pack(events, bucket_us=bucket_us, span_us=span_us))


def sizes(events: list[Event], *, bucket_us: int = HOUR_US, span_us: int = HOUR_US) -> list[int]:
    return [header.events for header, _ in pack(events, bucket_us=bucket_us, span_us=span_us)]


events = st.lists(
    st.builds(
        Event,
        time_us=st.integers(-(10**15), 10**15),
        topic=st.just("sensors"),
        partition=st.just(3),
        offset=st.integers(0, 2**62),
        key=st.one_of(st.none(), st.binary(max_size=9)),
        value=st.one_of(st.none(), st.binary(max_size=30)),
        headers=st.lists(st.tuples(st.text(max_size=4), st.one_of(st.none(), st.binary(max_size=4)))).map(tuple),
        received_us=st.integers(0, 10**15),
        kind=st.sampled_from(ValueKind),
    ),
    min_size=1,
    max_size=20,
    unique_by=lambda event: event.offset,
).map(sorted)


@given(events)
def test_times_are_those_of_the_events(written: list[Event]) -> None:
    (_, packed), *_ = pack(written, bucket_us=10**18, span_us=10**18)

    assert [event.time_us for event in Packer().unpack(packed)] == Packer().times(packed)


def test_times_of_a_damaged_page_are_not_told() -> None:
    ((_, packed),) = pack([event(0, 1)])

    with pytest.raises(StoreError, match="check sum"):
        Packer().times(packed[:-1] + b"?")


@given(events)
def test_unpacked_events_are_those_packed(written: list[Event]) -> None:
    found = [event for _, packed in pack(written) for event in Packer().unpack(packed)]

    assert written == found


@given(events)
def test_header_tells_what_the_page_holds(written: list[Event]) -> None:
    for header, packed in pack(written):
        held = Packer().unpack(packed)

        assert header == read_header(packed)
        assert (3, len(held)) == (header.partition, header.events)
        assert (held[0].time_us, held[-1].time_us) == (header.min_time_us, header.max_time_us)
        assert min(event.offset for event in held) == header.base
        assert max(event.offset for event in held) + 1 == header.next


def test_digest_is_of_the_rows_before_compression() -> None:
    written = [event(0, 1), event(1, 2)]

    ((header, _),) = pack(written)

    assert blake2b(msgspec.msgpack.encode(written), digest_size=16).digest() == header.digest


def test_no_events_make_no_page() -> None:
    assert [] == pack([])


def test_page_ends_at_the_edge_of_its_bucket() -> None:
    assert [2, 2, 1] == sizes([event(at, time) for at, time in enumerate((8, 9, 10, 19, 20))], bucket_us=10)


def test_page_ends_at_its_most_events() -> None:
    assert [MAX_EVENTS, 1] == sizes([event(at, at) for at in range(MAX_EVENTS + 1)])


def test_page_ends_before_it_grows_too_large() -> None:
    third = b"x" * (MAX_BYTES // 3)

    assert [2, 2] == sizes([event(at, at, third) for at in range(4)])


def test_headers_weigh_too() -> None:
    half = (("name", b"x" * (MAX_BYTES // 2)), ("null", None))

    assert [1, 1] == sizes([event(at, at, None, half) for at in range(2)])


def test_event_larger_than_a_page_has_its_own() -> None:
    assert [1, 1, 1] == sizes([event(0, 0), event(1, 1, b"x" * 2 * MAX_BYTES), event(2, 2)])


def test_long_page_is_cut_once_it_holds_enough() -> None:
    spread = [event(at, at * SECOND_US) for at in range(SPREAD_EVENTS * 2 + 1)]

    assert [SPREAD_EVENTS, SPREAD_EVENTS, 1] == sizes(spread, span_us=SECOND_US)


def test_quiet_page_may_span_its_bucket() -> None:
    assert [SPREAD_EVENTS] == sizes([event(at, at * SECOND_US) for at in range(SPREAD_EVENTS)], span_us=SECOND_US)


@given(st.lists(st.integers(0, SMALL_BYTES - 100), min_size=2, max_size=60))
def test_small_pages_leave_one_small_page_at_most(lengths: list[int]) -> None:
    """So every merge of two small pages or more makes fewer of them, and merging ends."""
    assert 1 >= sum(header.is_small for header, _ in pack([event(at, at, b"x" * n) for at, n in enumerate(lengths)]))


def test_page_is_small_below_both_bounds() -> None:
    ((few, _),) = pack([event(at, at) for at in range(SMALL_EVENTS - 1)])
    ((many, _),) = pack([event(at, at) for at in range(SMALL_EVENTS)])
    ((large, _),) = pack([event(0, 0, b"x" * SMALL_BYTES)])

    assert [True, False, False] == [few.is_small, many.is_small, large.is_small]


def damaged() -> Iterator[tuple[str, bytes]]:
    ((_, packed),) = pack([event(at, at) for at in range(50)])
    yield "a header alone", packed[: HEADER_BYTES - 1]
    yield "begins with", b"else" + packed[4:]
    yield "version 2", packed[:4] + b"\x02" + packed[5:]
    yield "codec 9", packed[:5] + b"\x09" + packed[6:]
    yield "check sum", packed[:-1] + bytes([packed[-1] ^ 1])
    yield "check sum", packed[:-1]
    yield "check sum", packed[:20] + bytes([packed[20] ^ 1]) + packed[21:]


@pytest.mark.parametrize(("evidence", "packed"), list(damaged()))
def test_damaged_page_is_refused_with_evidence(evidence: str, packed: bytes) -> None:
    with pytest.raises(StoreError, match=evidence):
        Packer().unpack(packed)


@given(st.data())
def test_no_flipped_bit_goes_unseen(data: st.DataObject) -> None:
    ((_, packed),) = pack([event(at, at) for at in range(5)])
    bit = data.draw(st.integers(0, len(packed) * 8 - 1))
    flipped = bytearray(packed)
    flipped[bit // 8] ^= 1 << bit % 8

    with pytest.raises(StoreError):
        Packer().unpack(bytes(flipped))


def forged(rows: bytes, **told: int) -> bytes:
    """A page whose check sum is right and whose header is not."""
    ((header, _),) = pack([event(at, at) for at in range(5)])
    head = page._HEAD.pack(page._MAGIC, 1, 1, *header._replace(**told))
    return head + page._CRC.pack(crc32c(rows, crc32c(head))) + rows


def test_rows_that_are_no_events_are_refused() -> None:
    with pytest.raises(StoreError, match="rows are damaged"):
        Packer().unpack(forged(b"not zstd"))
    with pytest.raises(StoreError, match="rows are damaged"):
        Packer().unpack(forged(zstandard.compress(b"not rows")))


def test_header_that_tells_of_other_rows_is_refused() -> None:
    rows = msgspec.msgpack.encode([event(0, 0)])

    with pytest.raises(StoreError, match=r"tells of 5 events in .* the rows hold 1"):
        Packer().unpack(forged(zstandard.compress(rows), raw_bytes=len(rows)))
    with pytest.raises(StoreError, match="tells of 1 events in 9 bytes, the rows hold 1"):
        Packer().unpack(forged(zstandard.compress(rows), events=1, raw_bytes=9))


def test_a_part_keeps_the_order_it_came_in_and_tells_the_times_it_has() -> None:
    given = [event(7, 30), event(2, 10), event(5, 20)]

    header, packed = Packer().pack_part(given)

    assert given == Packer().unpack(packed)
    assert (10, 30, 2, 8) == (header.min_time_us, header.max_time_us, header.base, header.next)
