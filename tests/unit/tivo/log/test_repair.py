"""Damaged partitions are put right."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.partitions import SETTINGS, SIZE, contents, cut, fill, flip, logs
from tivo.log.catalog import Catalog
from tivo.log.data_dir import CLEAN
from tivo.log.disk import ReadOnlyDisk
from tivo.log.dump import dump
from tivo.log.facts import RecordFacts
from tivo.log.partition import Partition
from tivo.log.places import Place
from tivo.log.recovery import SYNCED
from tivo.log.repair import CUT_DIR, CopyingDisk, Repaired, repair
from tivo.log.verify import verify
from tivo.model.errors import LogError

DISK = ReadOnlyDisk()


def repaired(place: Place) -> list[Repaired]:
    return list(repair(place.directory.parent, [place], name="now"))


def offsets(place: Place) -> list[int]:
    return [facts.offset for facts in dump(place, DISK, as_records=True) if isinstance(facts, RecordFacts)]


def served(place: Place, *, clean: bool) -> list[int]:
    """The offsets of what a broker would serve."""
    partition = Partition.open(place.directory, topic="quakes", partition=0, settings=SETTINGS, clean=clean)
    found = [header.base_offset for header in partition.headers(0)]
    partition.close()
    return found


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return fill(tmp_path)


def test_good_log_is_left_alone(tmp_path: Path, place: Place) -> None:
    before = contents(tmp_path)

    assert [] == repaired(place)

    assert before == contents(tmp_path)


def test_damage_in_the_middle_is_set_aside_and_nothing_is_cut(place: Place) -> None:
    flip(logs(place)[1], 2 * SIZE + 70)
    damaged = logs(place)[1].read_bytes()

    (done,) = repaired(place)

    assert (False, True, ()) == (done.before.is_good, done.after.is_good, done.copies)
    assert damaged == logs(place)[1].read_bytes()
    assert [number for number in range(40) if number != 15] == served(place, clean=True)
    assert [] == repaired(place)


def test_torn_end_is_cut_and_kept(tmp_path: Path) -> None:
    place = fill(tmp_path, clean=False)
    with logs(place)[3].open("ab") as log:
        log.write(b"torn")

    (done,) = repaired(place)

    (copy,) = done.copies
    assert (tmp_path / CUT_DIR / "now" / "quakes-0" / f"{39:020d}.log.from-76", b"torn") == (copy, copy.read_bytes())
    assert list(range(40)) == offsets(place)
    assert done.after.is_good


@pytest.mark.parametrize("suffix", ["meta", "index", "timeindex"])
def test_damaged_file_beside_a_log_is_built_anew(place: Place, suffix: str) -> None:
    path = place.directory / f"{13:020d}.{suffix}"
    flip(path, 5)

    (done,) = repaired(place)

    assert ([path.name], (), ()) == ([each.file for each in done.before.troubles], done.after.troubles, done.copies)
    assert list(range(40)) == served(place, clean=True)


def test_segment_that_does_not_join_is_kept(tmp_path: Path) -> None:
    """Never synced, and what should lie before it is not there: a start drops it."""
    place = fill(tmp_path, clean=False)
    (place.directory / "synced").unlink()
    for path in place.directory.glob("*.meta"):
        path.unlink()
    cut(logs(place)[1], 5 * SIZE)
    later = [log.read_bytes() for log in logs(place)[2:]]

    (done,) = repaired(place)

    assert later == [copy.read_bytes() for copy in sorted(done.copies)]
    assert list(range(18)) == offsets(place)


def test_compaction_that_was_cut_short_is_brought_to_its_end(place: Place) -> None:
    meta = place.directory / f"{13:020d}.meta"
    swap = place.directory / f"{13:020d}-{26:020d}.swap"
    swap.write_bytes(meta.read_bytes())

    (done,) = repaired(place)

    assert (True, False, list(range(40))) == (done.after.is_good, swap.exists(), served(place, clean=True))


def test_directory_that_is_missing_is_made(place: Place) -> None:
    place.directory.rename(place.directory.with_name("away"))

    (done,) = repaired(place)

    assert (True, 0) == (done.after.is_good, done.after.records)


def test_clean_stop_stays_one(tmp_path: Path, place: Place) -> None:
    flip(logs(place)[1], 2 * SIZE + 70)
    repaired(place)
    assert (tmp_path / CLEAN).exists()

    flip(logs(place)[2], 2 * SIZE + 70)
    (tmp_path / CLEAN).unlink()
    repaired(place)
    assert not (tmp_path / CLEAN).exists()


def test_consumers_are_told_by_a_new_leader_epoch(place: Place) -> None:
    flip(logs(place)[1], 2 * SIZE + 70)
    repaired(place)

    partition = Partition.open(place.directory, topic="quakes", partition=0, settings=SETTINGS, clean=True)

    assert 1 == partition.leader_epoch


def test_only_what_is_damaged_is_touched(tmp_path: Path, place: Place) -> None:
    other = fill(tmp_path, topic="ships")
    flip(logs(place)[1], 2 * SIZE + 70)
    before = contents(other.directory)

    assert ["quakes"] == [done.after.place.topic for done in repair(tmp_path, [place, other], name="now")]

    assert before == contents(other.directory)


def test_disk_that_fails_is_told(place: Place) -> None:
    flip(logs(place)[1], 2 * SIZE + 70)
    (place.directory / "state.new").mkdir()

    with pytest.raises(LogError, match="quakes"):
        repaired(place)


def test_line_that_is_cut_off_the_catalog_is_kept(tmp_path: Path, place: Place) -> None:
    with (tmp_path / "catalog").open("ab") as catalog:
        catalog.write(b"torn")
    disk = CopyingDisk(tmp_path / CUT_DIR / "now")

    Catalog.open(tmp_path, disk=disk).close(clean=True)

    assert [b"torn"] == [copy.read_bytes() for copy in disk.copies]


@settings(max_examples=40, deadline=None)
@given(alterations=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 13 * SIZE - 1)), min_size=1, max_size=4))
def test_every_good_record_is_there_after_any_alterations(
    tmp_path_factory: pytest.TempPathFactory, alterations: list[tuple[int, int]]
) -> None:
    place = fill(tmp_path_factory.mktemp("log"))
    for number, position in alterations:
        log = logs(place)[number]
        flip(log, position % log.stat().st_size)
    good = offsets(place)

    for done in repaired(place):
        assert done.after.is_good

    assert good == offsets(place) == served(place, clean=True)
    assert verify(place, DISK).is_good


def damage(place: Place, how: str, number: int, position: int) -> None:
    """One of the partition's files, altered, cut short, filled up with zeros, or gone.

    But for the mark of what was synced: without it, what lies behind damage may have been acknowledged by nobody.
    """
    files = sorted(path for path in place.directory.iterdir() if path.name != SYNCED)
    path = files[number % len(files)]
    size = path.stat().st_size
    if how == "gone":
        path.unlink()
    elif how == "zeros":
        path.write_bytes(path.read_bytes() + bytes(position % 200))
    elif size:
        (flip if how == "flip" else cut)(path, position % size)


@settings(max_examples=60, deadline=None)
@given(
    damages=st.lists(
        st.tuples(st.sampled_from(["flip", "cut", "zeros", "gone"]), st.integers(0, 30), st.integers(0, 1_000)),
        min_size=1,
        max_size=3,
    ),
    clean=st.booleans(),
)
def test_a_good_verdict_is_kept_and_a_bad_one_can_be_mended(
    tmp_path_factory: pytest.TempPathFactory, damages: list[tuple[str, int, int]], clean: bool
) -> None:
    place = fill(tmp_path_factory.mktemp("log"), clean=clean)
    for one in damages:
        damage(place, *one)
    good, verdict = offsets(place), verify(place, DISK)

    done = repaired(place)

    assert verdict.is_good == (done == [])
    assert all(one.after.is_good for one in done)
    assert verify(place, DISK).is_good
    assert good == served(place, clean=True)
