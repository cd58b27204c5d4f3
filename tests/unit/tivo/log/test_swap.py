from pathlib import Path

import pytest

from tests.support.faulty_disk import FaultyDisk
from tivo.log import swap
from tivo.log.disk import OsDisk

SUFFIXES = (".log", ".index", ".timeindex", ".arrival", ".meta")


def name(base: int, suffix: str) -> str:
    return f"{base:020d}{suffix}"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Segments that begin at 0, 10 and 20, and a cleaned one that is to stand for the first two."""
    for base in (0, 10, 20):
        for suffix in SUFFIXES:
            (tmp_path / name(base, suffix)).write_text(f"old {base}")
    for suffix in SUFFIXES:
        (tmp_path / name(0, suffix + swap.CLEANED)).write_text("new")
    (tmp_path / "state").write_text("state")
    return tmp_path


def contents(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in directory.iterdir()}


OTHERS = {name(20, suffix): "old 20" for suffix in SUFFIXES} | {"state": "state"}
OLD = {name(base, suffix): f"old {base}" for base in (0, 10) for suffix in SUFFIXES} | OTHERS
NEW = {name(0, suffix): "new" for suffix in SUFFIXES} | OTHERS


def test_one_segment_takes_the_place_of_two(directory: Path) -> None:
    swap.commit(OsDisk(), directory, 0, 20)
    swap.finish(OsDisk(), directory, 0, 20)

    assert NEW == contents(directory)


def test_what_was_not_committed_is_undone(directory: Path) -> None:
    swap.settle(OsDisk(), directory)

    assert OLD == contents(directory)


def test_what_was_committed_is_finished(directory: Path) -> None:
    swap.commit(OsDisk(), directory, 0, 20)

    swap.settle(OsDisk(), directory)

    assert NEW == contents(directory)


def test_what_a_kill_left_committed_is_durable_before_anything_goes(directory: Path) -> None:
    (directory / name(0, ".meta.cleaned")).rename(directory / f"{0:020d}-{20:020d}.swap")

    swap.settle(disk := FaultyDisk(), directory)

    assert ("fsync_dir", directory.name) == disk.done[0]
    assert NEW == contents(directory)


def test_what_was_finished_in_part_is_finished(directory: Path) -> None:
    swap.commit(OsDisk(), directory, 0, 20)
    (directory / name(0, ".log.cleaned")).rename(directory / name(0, ".log"))
    (directory / name(10, ".log")).unlink()

    swap.settle(OsDisk(), directory)
    swap.settle(OsDisk(), directory)

    assert NEW == contents(directory)
