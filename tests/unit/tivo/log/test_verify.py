"""A look at a partition's files."""

from pathlib import Path

import msgspec
import pytest

from tests.support.partitions import SETTINGS, SIZE, contents, cut, fill, flip, logs
from tests.unit.tivo.log import test_compactor
from tivo.log.disk import OsDisk, ReadOnlyDisk
from tivo.log.meta import Damage, PartitionState, read_state, write_checked
from tivo.log.partition import Partition
from tivo.log.places import Place
from tivo.log.verdict import Verdict
from tivo.log.verify import verify
from tivo.model.errors import LogError


def verified(place: Place) -> Verdict:
    return verify(place, ReadOnlyDisk())


def told(verdict: Verdict) -> list[tuple[str, int | None, int | None, bool]]:
    """Of every trouble: file, offsets, whether it is set aside."""
    return [(each.file, each.first_offset, each.next_offset, each.set_aside) for each in verdict.troubles]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """40 batches in 4 segments of 13, 13, 13 and 1, stopped cleanly."""
    return fill(tmp_path)


@pytest.mark.parametrize("clean", [True, False])
def test_good_log(tmp_path: Path, clean: bool) -> None:
    verdict = verified(fill(tmp_path, clean=clean))

    assert (4, 40, 40, 40 * SIZE, 0, 40) == (
        verdict.segments, verdict.batches, verdict.records, verdict.bytes, verdict.log_start, verdict.log_end
    )  # fmt: skip
    assert (True, ()) == (verdict.is_good, verdict.troubles)


def test_empty_log(tmp_path: Path) -> None:
    verdict = verified(fill(tmp_path, count=0))

    assert (1, 0, 0, ()) == (verdict.segments, verdict.records, verdict.log_end, verdict.troubles)


def test_compacted_log(tmp_path: Path) -> None:
    partition = test_compactor.filled(tmp_path / "state-0")
    assert test_compactor.cleaned(partition) is not None
    partition.close()

    verdict = verified(Place("state", 0, tmp_path / "state-0", clean=True))

    assert (60, ()) == (verdict.log_end, verdict.troubles)
    assert verdict.records < 20


def test_compaction_that_was_cut_short_is_told(place: Place) -> None:
    meta = place.directory / f"{13:020d}.meta"
    (place.directory / f"{13:020d}-{26:020d}.swap").write_bytes(meta.read_bytes())

    assert ["compaction was cut short"] == [trouble.what[2:26] for trouble in verified(place).troubles]


def test_log_that_was_cut_at_its_start(tmp_path: Path, place: Place) -> None:
    partition = Partition.open(place.directory, topic="quakes", partition=0, settings=SETTINGS, clean=True)
    partition.truncate_before(20)
    partition.close()

    verdict = verified(place)

    assert (3, 20, 40, ()) == (verdict.segments, verdict.log_start, verdict.log_end, verdict.troubles)


def test_nothing_is_changed(tmp_path: Path, place: Place) -> None:
    flip(logs(place)[1], 100)
    before = contents(tmp_path)

    verified(place)

    assert before == contents(tmp_path)


def test_every_altered_byte_of_a_log_is_found(place: Place) -> None:
    """All but the leader epoch, which no check sum covers and which changes no record."""
    log = logs(place)[1]
    whole = log.read_bytes()
    for position in range(SIZE, 2 * SIZE):
        if position - SIZE in range(12, 16):
            continue
        flip(log, position)
        verdict = verified(place)
        assert not verdict.is_good, position
        assert 38 <= verdict.records < 40, position
        log.write_bytes(whole)
    assert verified(place).is_good


@pytest.mark.parametrize("suffix", ["meta", "index", "timeindex"])
def test_every_altered_byte_beside_a_log_is_found(place: Place, suffix: str) -> None:
    (path, *_) = sorted(place.directory.glob(f"*.{suffix}"))
    for position in range(len(path.read_bytes())):
        flip(path, position)
        verdict = verified(place)
        assert [path.name] == [trouble.file for trouble in verdict.troubles], position
        flip(path, position)
    assert verified(place).is_good


@pytest.mark.parametrize("name", ["state", "synced"])
def test_damaged_file_of_the_partition_is_found(tmp_path: Path, name: str) -> None:
    place = fill(tmp_path, clean=False)
    Partition.open(place.directory, topic="quakes", partition=0, settings=SETTINGS, clean=False).close()
    flip(place.directory / name, 3)

    assert name in {trouble.file for trouble in verified(place).troubles}


@pytest.mark.parametrize("size", [1, SIZE, 5 * SIZE - 1, 13 * SIZE - 1])
def test_segment_that_is_cut_short_is_found(place: Place, size: int) -> None:
    cut(logs(place)[1], size)

    verdict = verified(place)

    assert not verdict.is_good
    assert 40 == verdict.log_end
    assert size // SIZE + 27 == verdict.records


def test_end_that_is_missing_is_found(place: Place) -> None:
    cut(logs(place)[3], 0)

    assert ("quakes-0", 39, 40, False) in told(verified(place))


def test_segment_that_is_missing_is_found(place: Place) -> None:
    gone = logs(place)[1]
    gone.unlink()

    assert [(logs(place)[1].name, 13, 26, False)] == told(verified(place))


def test_first_segment_that_is_missing_is_found(place: Place) -> None:
    logs(place)[0].unlink()

    assert [(logs(place)[0].name, 0, 13, False)] == told(verified(place))


def test_segments_that_overlap_are_found(place: Place) -> None:
    log = logs(place)[1]
    log.rename(log.with_name(f"{12:020d}.log"))

    assert any("ends at 13" in trouble.what for trouble in verified(place).troubles)


def test_directory_that_is_missing_is_found(place: Place) -> None:
    place.directory.rename(place.directory.with_name("away"))

    assert ["the directory is missing"] == [trouble.what for trouble in verified(place).troubles]


def test_meta_that_is_missing_after_a_clean_stop_is_found(place: Place) -> None:
    (place.directory / f"{13:020d}.meta").unlink()

    assert [f"{13:020d}.meta: it is missing"] == [str(trouble) for trouble in verified(place).troubles]


def test_meta_may_be_missing_after_a_kill(tmp_path: Path) -> None:
    place = fill(tmp_path, clean=False)
    (place.directory / f"{26:020d}.meta").unlink()

    assert verified(place).is_good


def test_meta_of_a_shorter_log_is_found(place: Place) -> None:
    with logs(place)[3].open("ab") as log:
        log.write(b"more")

    assert ["it tells of 76 bytes, the log has 80", "it is cut short at 80"] == [
        trouble.what for trouble in verified(place).troubles
    ]


def test_damage_that_is_set_aside_is_told_and_good(place: Place) -> None:
    flip(logs(place)[1], 2 * SIZE + 70)
    partition = Partition.open(place.directory, topic="quakes", partition=0, settings=SETTINGS, clean=True)
    assert 40 == sum(1 for _ in partition.headers(0)) + 1
    partition.close()

    verdict = verified(place)

    assert [(logs(place)[1].name, 15, 16, True)] == told(verdict)
    assert (True, 39, 40) == (verdict.is_good, verdict.records, verdict.log_end)


def test_loss_that_is_written_down_is_told_and_good(place: Place) -> None:
    cut(logs(place)[1], 12 * SIZE)
    Partition.open(place.directory, topic="quakes", partition=0, settings=SETTINGS, clean=False).close()

    verdict = verified(place)

    assert [(logs(place)[1].name, 25, 26, True)] == told(verdict)
    assert verdict.is_good


def test_loss_that_is_written_down_elsewhere_is_known_too(place: Place) -> None:
    logs(place)[1].unlink()
    lost = Damage(0, 13 * SIZE, 13 * SIZE, 13, 26)
    state = read_state(OsDisk(), place.directory / "state") or PartitionState()
    write_checked(OsDisk(), place.directory / "state", msgspec.structs.replace(state, damage=(lost,)))

    assert [(logs(place)[0].name, 13, 26, True)] == told(verified(place))


def test_files_that_cannot_be_read_are_told(place: Place) -> None:
    logs(place)[1].unlink()
    logs_name = place.directory / f"{13:020d}.log"
    logs_name.mkdir()

    with pytest.raises(LogError, match="quakes/0 cannot be read"):
        verified(place)
