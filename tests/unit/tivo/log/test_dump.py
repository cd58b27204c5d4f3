"""What stands in a log."""

from pathlib import Path

import pytest

from tests.support.batches import batch
from tests.support.partitions import SETTINGS, SIZE, contents, fill, flip, logs
from tivo.log.disk import ReadOnlyDisk
from tivo.log.dump import dump
from tivo.log.facts import BatchFacts, DamageFacts, RecordFacts
from tivo.log.partition import Partition
from tivo.log.places import Place
from tivo.model.errors import LogError
from tivo.wire.compression import Codec
from tivo.wire.control import Marker, build_marker
from tivo.wire.record_batch import Record, build

DISK = ReadOnlyDisk()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return fill(tmp_path)


def test_all_batches(place: Place) -> None:
    found = [facts for facts in dump(place, DISK) if isinstance(facts, BatchFacts)]

    assert list(range(40)) == [facts.offset for facts in found]
    assert (f"{13:020d}.log", 2 * SIZE, SIZE) == (found[15].file, found[15].position, found[15].bytes)


def test_all_records_from_an_offset_on(place: Place) -> None:
    found = [facts for facts in dump(place, DISK, from_offset=25, as_records=True) if isinstance(facts, RecordFacts)]

    assert [(number, f"value {number:02}") for number in range(25, 40)] == [
        (facts.offset, facts.value) for facts in found
    ]


def test_batch_that_holds_the_offset_is_the_first(place: Place) -> None:
    partition = Partition.open(place.directory, topic="quakes", partition=0, settings=SETTINGS, clean=True)
    partition.append(batch(b"a", b"b", b"c"), now_us=1_000_000)
    partition.close()

    (found,) = dump(place, DISK, from_offset=41)
    (last,) = dump(place, DISK, from_offset=42, as_records=True)

    assert isinstance(found, BatchFacts) and (40, 42) == (found.offset, found.last_offset)
    assert isinstance(last, RecordFacts) and "c" == last.value


def test_what_is_deleted_is_not_shown(place: Place) -> None:
    partition = Partition.open(place.directory, topic="quakes", partition=0, settings=SETTINGS, clean=True)
    partition.truncate_before(20)
    partition.close()

    first = next(iter(dump(place, DISK)))

    assert 20 == first.offset


@pytest.mark.parametrize("as_records", [False, True])
def test_damage_is_shown_where_it_lies(place: Place, as_records: bool) -> None:
    flip(logs(place)[1], 2 * SIZE + 70)

    found = list(dump(place, DISK, as_records=as_records))

    damage = found[15]
    assert isinstance(damage, DamageFacts)
    assert (15, 16, 2 * SIZE, SIZE) == (damage.offset, damage.next_offset, damage.position, damage.bytes)
    assert [number for number in range(40) if number != 15] == [
        facts.offset for facts in found if not isinstance(facts, DamageFacts)
    ]


def test_records_that_cannot_be_read_are_damage(place: Place) -> None:
    inflated = build([Record(0, 1, None, b"x" * 1_000)], codec=Codec.GZIP)
    broken = build([Record(0, 1, None, b"y" * (len(inflated) - 100))])
    partition = Partition.open(place.directory, topic="quakes", partition=0, settings=SETTINGS, clean=True)
    partition.append(broken_codec(broken), now_us=1_000_000)
    partition.close()

    *_, last = dump(place, DISK, as_records=True)

    assert isinstance(last, DamageFacts) and (40, 41) == (last.offset, last.next_offset)


def broken_codec(data: bytearray) -> bytearray:
    """The batch says that it is compressed, and is not; its check sum is right."""
    from crc32c import crc32c  # noqa: PLC0415

    data[22] = Codec.GZIP
    data[17:21] = crc32c(memoryview(data)[21:]).to_bytes(4)
    return data


def test_end_of_a_transaction_is_shown(place: Place) -> None:
    partition = Partition.open(place.directory, topic="quakes", partition=0, settings=SETTINGS, clean=True)
    marker = build_marker(Marker.COMMIT, producer_id=7, producer_epoch=0, timestamp_ms=1)
    partition.append(marker, now_us=1_000_000)
    partition.close()

    *_, last = dump(place, DISK, as_records=True)

    assert isinstance(last, RecordFacts) and (True, "commit") == (last.control, last.marker)


def test_nothing_is_changed(tmp_path: Path, place: Place) -> None:
    before = contents(tmp_path)

    assert 40 == len(list(dump(place, DISK)))

    assert before == contents(tmp_path)


def test_log_that_cannot_be_read_is_told(place: Place) -> None:
    logs(place)[1].unlink()
    (place.directory / f"{13:020d}.log").mkdir()

    with pytest.raises(LogError, match="quakes/0 cannot be read"):
        list(dump(place, DISK))
