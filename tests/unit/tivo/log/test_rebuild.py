import errno
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from tests.support.faulty_disk import Fault, FaultyDisk
from tests.support.segments import BASE, damage, expected, filled, read_all, sealed
from tivo.log.scan import DamagedBatch
from tivo.log.segment import Segment
from tivo.log.segment_files import OFFSETS, TIMES


@pytest.mark.parametrize("suffix", [OFFSETS, TIMES])
@pytest.mark.parametrize("harm", ["missing", "short", "altered"])
def test_an_index_that_is_not_right_is_built_anew(tmp_path: Path, suffix: str, harm: str) -> None:
    segment, _ = filled(tmp_path)
    sealed(segment)
    right = segment.path(suffix).read_bytes()
    if harm == "missing":
        segment.path(suffix).unlink()
    else:
        segment.path(suffix).write_bytes(right[:-1] if harm == "short" else b"\xff" + right[1:])

    assert (70, BASE + 7) == segment.first_at(70, from_offset=BASE)
    assert expected(30) == list(read_all(segment))
    assert right == segment.path(suffix).read_bytes()


def test_an_index_is_built_in_memory_where_the_disk_is_full(tmp_path: Path) -> None:
    segment, _ = filled(tmp_path)
    sealed(segment).path(OFFSETS).unlink()
    full = Segment(FaultyDisk(Fault(operation="pwrite", error=errno.ENOSPC)), tmp_path, BASE, index_bytes=200)
    full.load_meta()

    assert expected(30) == list(read_all(full))


def test_an_index_is_built_past_damage(tmp_path: Path) -> None:
    segment, positions = filled(tmp_path)
    sealed(segment).path(OFFSETS).unlink()
    damage(segment, positions[17])

    assert expected(30, lost=(17,)) == list(read_all(segment))


class InterruptedDisk(FaultyDisk):
    """Before the log is read for the first time, somebody else does something."""

    def __init__(self, somebody: Callable[[], None]) -> None:
        super().__init__()
        self.somebody: Callable[[], None] | None = somebody

    def meet(self, operation: str, path: Path) -> Fault | None:
        if operation == "pread" and path.suffix == ".log" and self.somebody is not None:
            somebody, self.somebody = self.somebody, None
            somebody()
        return super().meet(operation, path)


def test_an_index_is_seen_by_others_once_it_is_whole(tmp_path: Path) -> None:
    entries = len(sealed(filled(tmp_path)[0]).opened().indexes.offsets)
    (tmp_path / f"{BASE:020d}{OFFSETS}").unlink()
    seen: list[Future[int]] = []

    with ThreadPoolExecutor() as workers:

        def look() -> None:
            seen.append(workers.submit(lambda: len(segment.opened().indexes.offsets)))
            wait(seen, timeout=0.1)  # one that does not wait has its answer by then

        segment = Segment(InterruptedDisk(look), tmp_path, BASE, index_bytes=200)
        segment.load_meta()

        assert entries == len(segment.opened().indexes.offsets) > 5
        assert entries == seen[0].result()


def test_a_rebuild_that_meets_damage_leaves_nothing_half_built(tmp_path: Path) -> None:
    segment, positions = filled(tmp_path)
    sealed(segment).path(OFFSETS).unlink()
    damage(segment, positions[17])

    for _ in range(2):
        with pytest.raises(DamagedBatch):
            segment.opened()
