"""Transactions in a log: where it is stable, what was aborted in it, and that a start finds both again."""

from pathlib import Path

import pytest

from tivo.log.disk import OsDisk
from tivo.log.lines import encode_line
from tivo.log.meta import read_meta
from tivo.log.partition import Partition
from tivo.log.settings import LogSettings
from tivo.log.transactions import Aborted, OpenTransaction
from tivo.model.errors import WireError
from tivo.wire.control import Marker, build_marker
from tivo.wire.record_batch import CONTROL, TRANSACTIONAL, Record, build

SMALL = LogSettings(segment_bytes=400, checkpoint_bytes=200, index_bytes=100)
ONE_SEGMENT = LogSettings(index_bytes=100)


def opened(directory: Path, settings: LogSettings = ONE_SEGMENT, *, clean: bool = False) -> Partition:
    return Partition.open(directory, topic="quakes", partition=0, settings=settings, clean=clean)


def write(partition: Partition, producer_id: int = -1, *, epoch: int = 0) -> int:
    """One batch of one record, of a transaction where a producer is named; gives its offset."""
    attributes = TRANSACTIONAL if producer_id >= 0 else 0
    batch = build(
        [Record(0, 1_000, None, b"v" * 20)], attributes=attributes, producer_id=producer_id, producer_epoch=epoch
    )
    return partition.append(batch, now_us=1).base_offset


def end(partition: Partition, producer_id: int, marker: Marker) -> int:
    batch = build_marker(marker, producer_id=producer_id, producer_epoch=0, timestamp_ms=1_000)
    return partition.append(batch, now_us=1).base_offset


def aborted(partition: Partition, offset: int = 0) -> list[Aborted]:
    return partition.aborted(offset, partition.log_end)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "quakes-0"


# ---------------------------------------------------------------- stable


def test_log_without_transactions_is_stable_to_its_end(directory: Path) -> None:
    partition = opened(directory)
    write(partition)

    assert 1 == partition.stable_offset(1)
    assert () == partition.open_transactions


def test_oldest_open_transaction_bounds_what_is_stable(directory: Path) -> None:
    partition = opened(directory)
    write(partition)
    write(partition, 7)
    write(partition, 8, epoch=3)

    assert [0, 1, 1, 1] == [partition.stable_offset(upto) for upto in range(4)]
    assert (OpenTransaction(7, 0, 1), OpenTransaction(8, 3, 2)) == partition.open_transactions


@pytest.mark.parametrize("marker", Marker)
def test_marker_frees_what_lies_below_the_next_open_one(directory: Path, marker: Marker) -> None:
    partition = opened(directory)
    write(partition, 7)
    write(partition, 8)
    end(partition, 7, marker)

    assert 1 == partition.stable_offset(3)
    end(partition, 8, marker)
    assert 4 == partition.stable_offset(4)


def test_marker_counts_once_it_may_be_read_itself(directory: Path) -> None:
    partition = opened(directory)
    write(partition)
    write(partition, 7)
    marker = end(partition, 7, Marker.COMMIT)

    assert [1, 1] == [partition.stable_offset(upto) for upto in (1, marker)]
    assert marker + 1 == partition.stable_offset(marker + 1)


def test_log_that_starts_inside_an_open_transaction_is_stable_to_its_start(directory: Path) -> None:
    partition = opened(directory)
    write(partition, 7)
    write(partition)
    partition.truncate_before(1)

    assert 1 == partition.stable_offset(2)


def test_control_batch_that_cannot_be_read_is_not_appended(directory: Path) -> None:
    partition = opened(directory)
    batch = build([Record(0, 0, None, b"")], attributes=TRANSACTIONAL | CONTROL, producer_id=7, producer_epoch=0)

    with pytest.raises(WireError, match="has a key of 0 bytes"):
        partition.append(batch, now_us=1)

    assert 0 == partition.log_end


# ---------------------------------------------------------------- aborted


def test_aborted_transactions_are_told_of_the_part_they_reach_into(directory: Path) -> None:
    partition = opened(directory)
    write(partition, 7)
    end(partition, 7, Marker.ABORT)
    write(partition, 8)
    end(partition, 8, Marker.COMMIT)
    write(partition, 7)
    end(partition, 7, Marker.ABORT)

    assert [Aborted(7, 0, 1, 2), Aborted(7, 4, 5, 6)] == aborted(partition)
    assert [Aborted(7, 4, 5, 6)] == aborted(partition, 2)
    assert [Aborted(7, 0, 1, 2)] == partition.aborted(0, 4)


def test_aborted_transactions_reach_over_segments(directory: Path) -> None:
    partition = opened(directory, SMALL)
    begun = write(partition, 7)
    for _ in range(20):
        write(partition)
    marker = end(partition, 7, Marker.ABORT)
    assert partition.segments > 2

    assert [Aborted(7, begun, marker, marker + 1)] == partition.aborted(0, 3)


def scenario(partition: Partition) -> None:
    """Transactions over several segments: aborted, committed, and open at the end."""
    write(partition, 1)
    for number in range(12):
        write(partition, 2 + number % 3)
        write(partition)
        if number % 4 == 3:
            end(partition, 2 + number % 3, Marker.ABORT if number % 8 == 3 else Marker.COMMIT)
    end(partition, 1, Marker.ABORT)
    write(partition, 9, epoch=4)


@pytest.mark.parametrize("settings", [SMALL, ONE_SEGMENT])
@pytest.mark.parametrize("ending", ["clean", "synced", "never synced", "synced half way"])
def test_start_finds_the_transactions_again(directory: Path, settings: LogSettings, ending: str) -> None:
    partition = opened(directory, settings)
    scenario(partition)
    if ending == "synced half way":
        partition.sync()
        scenario(partition)
    if ending == "synced":
        partition.sync()
    if ending == "clean":
        partition.close()

    again = opened(directory, settings, clean=ending == "clean")

    before = opened_fresh(directory.parent / "other", settings, twice=ending == "synced half way")
    assert before.open_transactions == again.open_transactions
    assert aborted(before) == aborted(again)
    assert before.stable_offset(before.log_end) == again.stable_offset(again.log_end)
    assert aborted(again)


def opened_fresh(directory: Path, settings: LogSettings, *, twice: bool) -> Partition:
    partition = opened(directory, settings)
    for _ in range(2 if twice else 1):
        scenario(partition)
    return partition


@pytest.mark.parametrize("harm", ["missing", "cut short", "flipped"])
@pytest.mark.parametrize("what", ["*.txnindex", "*.meta"])
@pytest.mark.parametrize("clean", [True, False])
def test_what_is_lost_is_made_again_from_the_log(directory: Path, harm: str, what: str, clean: bool) -> None:
    partition = opened(directory, SMALL)
    scenario(partition)
    expected = aborted(partition), partition.open_transactions
    partition.close()
    assert list(directory.glob("*.txnindex"))
    for path in directory.glob(what):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.unlink() if harm == "missing" else path.write_bytes(content[:-1] if harm == "cut short" else content)

    again = opened(directory, SMALL, clean=clean)

    assert expected == (aborted(again), again.open_transactions)


def test_markers_end_what_segments_before_have_begun(directory: Path) -> None:
    partition = opened(directory, SMALL)
    write(partition, 7)
    while partition.segments < 4:
        write(partition)
    partition.close()

    again = opened(directory, SMALL, clean=True)
    marker = end(again, 7, Marker.ABORT)

    assert [Aborted(7, 0, marker, marker + 1)] == aborted(again)


def test_segments_that_go_take_their_transactions_along(directory: Path) -> None:
    partition = opened(directory, SMALL)
    for _ in range(10):
        write(partition, 7)
        end(partition, 7, Marker.ABORT)
    partition.truncate_before(10)

    assert [10, 12, 14, 16, 18] == [each.first_offset for each in aborted(partition, 10)]


def test_meta_of_before_there_were_transactions_is_read(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(encode_line(b'{"bytes":10,"next_offset":3}'))

    meta = read_meta(OsDisk(), tmp_path / "m")

    assert meta is not None
    assert ((), (), 0) == (meta.open_before, meta.open, meta.aborted.entries)
