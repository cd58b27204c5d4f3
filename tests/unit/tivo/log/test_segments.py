from pathlib import Path

import pytest

from tivo.log.disk import OsDisk
from tivo.log.meta import SegmentMeta
from tivo.log.segment import Segment
from tivo.log.segments import MAX_OPEN_SEALED, Segments


@pytest.fixture
def segments(tmp_path: Path) -> Segments:
    """Segments that begin at 0, 10, 20 … 60; all but the last two are sealed."""
    made = []
    for base in range(0, 70, 10):
        segment = Segment(OsDisk(), tmp_path, base, index_bytes=100)
        segment.create()
        segment.save(segment.snapshot())
        segment.take(SegmentMeta(bytes=base, next_offset=base + 10))
        segment.sealed = base < 50
        made.append(segment)
    return Segments(made)


def bases(some: tuple[Segment, ...] | list[Segment]) -> list[int]:
    return [segment.base for segment in some]


def test_the_last_segment_is_the_active_one(segments: Segments) -> None:
    assert 60 == segments.active.base
    assert sum(range(0, 70, 10)) == segments.size_bytes


def test_the_segment_that_holds_an_offset_comes_first(segments: Segments) -> None:
    assert [30, 40, 50, 60] == bases(segments.at_or_after(30)) == bases(segments.at_or_after(39))
    assert [60] == bases(segments.at_or_after(1_000))


def test_an_offset_before_all_segments_leads_to_the_first(segments: Segments) -> None:
    segments.drop_before(20)

    assert [20, 30, 40, 50, 60] == bases(segments.at_or_after(5))


def test_a_new_segment_is_the_active_one_and_the_one_before_waits_to_be_sealed(
    segments: Segments, tmp_path: Path
) -> None:
    segments.add(Segment(OsDisk(), tmp_path, 70, index_bytes=100))

    assert 70 == segments.active.base
    assert [50, 60] == bases(segments.unsealed())


def test_segments_that_lie_whole_before_an_offset_are_dropped(segments: Segments) -> None:
    before = segments.all

    assert [0, 10] == bases(segments.drop_before(29))
    assert [20, 30, 40, 50, 60] == bases(segments.all)
    assert [] == segments.drop_before(29)
    assert 7 == len(before)


def test_the_sealed_segment_used_longest_ago_is_closed(segments: Segments) -> None:
    sealed = list(segments.all[:5])
    for segment in (*sealed[:MAX_OPEN_SEALED], sealed[0]):
        segments.use(segment)
    files = [segment.opened() for segment in sealed[:4]]

    segments.use(sealed[4])

    assert [True, False, True, True] == [
        segment.opened() is held for segment, held in zip(sealed[:4], files, strict=True)
    ]


def test_segments_that_are_not_sealed_stay_open(segments: Segments) -> None:
    files = [segment.opened() for segment in segments.all[5:]]
    for segment in (*segments.all[5:], *segments.all[:5]):
        segments.use(segment)

    assert all(segment.opened() is held for segment, held in zip(segments.all[5:], files, strict=True))


def test_cleared_segments_are_gone(segments: Segments) -> None:
    segments.use(segments.all[0])

    segments.clear()

    assert () == segments.all == segments.at_or_after(0)


def test_one_segment_stands_where_some_did(segments: Segments, tmp_path: Path) -> None:
    before = segments.all
    segments.use(before[1])
    made = Segment(OsDisk(), tmp_path, 10, index_bytes=100)

    segments.replace(before[1:4], made)

    assert [0, 10, 40, 50, 60] == bases(segments.all)
    assert made is segments.all[1]
    assert 7 == len(before)


def test_a_segment_that_was_replaced_is_not_held_open_by_a_read(segments: Segments) -> None:
    sealed = list(segments.all[:5])
    sealed[0].let_replace()
    held = sealed[0].opened()

    for segment in sealed:
        segments.use(segment)
    sealed[0].release()

    assert sealed[0].opened() is held
