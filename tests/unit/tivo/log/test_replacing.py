"""What of a log may be replaced, and by whom it is let go. Cleanings as a whole are in `test_compactor.py`."""

import errno
from pathlib import Path

import pytest

from tests.support.faulty_disk import Fault, FaultyDisk
from tests.support.small_log import NOW_US, add, opened, values
from tivo.log.compaction import Plan
from tivo.log.partition import Partition
from tivo.log.settings import Compaction, LogSettings
from tivo.model.errors import LogError

COMPACTED = LogSettings(segment_bytes=1_000, compaction=Compaction(dirty_ratio=0.1))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "quakes-0"


def planned(partition: Partition) -> Plan:
    found = partition.cleaning_plan(upto=partition.synced, now_us=NOW_US)
    assert found is not None
    return found


def test_sealed_segments_of_a_compacted_log_may_be_cleaned(directory: Path) -> None:
    partition = opened(directory, settings=COMPACTED)
    add(partition, 40)
    assert partition.cleaning_plan(upto=0, now_us=NOW_US) is None
    partition.sync()

    assert [0, 13, 26] == [segment.base for segment in planned(partition).segments]
    with partition.cleaning(planned(partition)) as segments:
        assert [0, 13, 26] == [segment.base for segment in segments]


def test_log_that_is_not_compacted_or_is_read_only_is_not_cleaned(directory: Path, tmp_path: Path) -> None:
    kept, compacted = opened(directory), opened(tmp_path / "ships-0", disk := FaultyDisk(), settings=COMPACTED)
    for partition in (kept, compacted):
        add(partition, 40)
        partition.sync()
    disk.faults.append(Fault(operation="fdatasync", name=".log", error=errno.EIO))
    add(compacted)
    with pytest.raises(LogError):
        compacted.sync()

    assert kept.cleaning_plan(upto=40, now_us=NOW_US) is None
    assert compacted.cleaning_plan(upto=40, now_us=NOW_US) is None


def test_segments_that_went_since_the_plan_are_not_cleaned(directory: Path) -> None:
    partition = opened(directory, settings=COMPACTED)
    add(partition, 40)
    partition.sync()
    plan = planned(partition)
    partition.truncate_before(30)

    with partition.cleaning(plan) as segments:
        assert [26] == [segment.base for segment in segments]


def test_what_was_cleaned_is_not_cleaned_again(directory: Path) -> None:
    partition = opened(directory, disk := FaultyDisk(), settings=COMPACTED)
    add(partition, 40)
    partition.sync()
    disk.faults.append(Fault(operation="rename", name="state", error=errno.EIO))
    with pytest.raises(LogError, match="quakes-0: cannot note what is clean"):
        partition.note_cleaned(39)
    assert planned(partition)
    disk.faults.clear()

    partition.note_cleaned(39)

    assert partition.cleaning_plan(upto=40, now_us=NOW_US) is None
    partition.close()
    again = opened(directory, clean=True, settings=COMPACTED)
    assert again.cleaning_plan(upto=40, now_us=NOW_US) is None
    assert list(range(40)) == values(again)


def test_rest_of_a_cleaning_ends_when_the_log_is_let_go(directory: Path) -> None:
    partition = opened(directory, settings=COMPACTED)
    partition.pause(0)

    partition.close()

    with pytest.raises(LogError, match="quakes-0 is let go"):
        partition.pause(0)
