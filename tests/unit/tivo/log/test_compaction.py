from tivo.log.compaction import Plan, Sealed, groups, plan
from tivo.log.settings import Compaction

SEALED = [
    Sealed(0, 10, 300, 10, began_us=1_000, appended_us=1_500, is_damaged=False),
    Sealed(10, 20, 100, 10, began_us=2_000, appended_us=2_500, is_damaged=False),
    Sealed(20, 30, 100, 10, began_us=3_000, appended_us=3_500, is_damaged=False),
]


def planned(
    *, dirty_from: int = 0, upto: int = 1_000, now_us: int = 10_000, settings: Compaction | None = None
) -> Plan | None:
    return plan(SEALED, dirty_from=dirty_from, upto=upto, now_us=now_us, settings=settings or Compaction())


def end(found: Plan | None) -> int | None:
    return None if found is None else found.end


def test_what_was_never_cleaned_is_dirty() -> None:
    assert Plan(tuple(SEALED), 0, 1.0, 30) == planned()


def test_nothing_new_is_nothing_to_do() -> None:
    assert None is planned(dirty_from=30)
    assert None is planned(dirty_from=30, settings=Compaction(dirty_ratio=0.0))


def test_it_begins_when_enough_of_it_is_dirty() -> None:
    assert None is planned(dirty_from=10)
    assert Plan(tuple(SEALED), 10, 0.4, 20) == planned(dirty_from=10, settings=Compaction(dirty_ratio=0.4))
    assert None is planned(dirty_from=10, settings=Compaction(dirty_ratio=0.41))


def test_a_segment_that_was_cleaned_in_part_is_dirty() -> None:
    assert 30 == end(planned(dirty_from=15, settings=Compaction(dirty_ratio=0.4)))


def test_it_begins_when_it_has_waited_long_enough() -> None:
    settings = Compaction(max_lag_us=5_000)

    assert None is planned(dirty_from=10, now_us=6_999, settings=settings)
    assert 30 == end(planned(dirty_from=10, now_us=7_000, settings=settings))


def test_what_may_not_count_yet_is_left_alone() -> None:
    assert 20 == end(planned(upto=29))
    assert 30 == end(planned(upto=30))
    assert None is planned(upto=9)


def test_what_was_appended_lately_is_left_alone_with_all_behind_it() -> None:
    settings = Compaction(min_lag_us=1_000)

    assert 10 == end(planned(now_us=3_499, settings=settings))
    assert 20 == end(planned(now_us=3_500, settings=settings))


def grouped(*sealed: Sealed, segment_bytes: int) -> list[list[int]]:
    return [[segment.base for segment in group] for group in groups(sealed, segment_bytes=segment_bytes)]


def test_segments_are_put_together_up_to_the_size_of_one() -> None:
    assert [[0], [10], [20]] == grouped(*SEALED, segment_bytes=50)
    assert [[0, 10], [20]] == grouped(*SEALED, segment_bytes=400)
    assert [[0, 10, 20]] == grouped(*SEALED, segment_bytes=500)
    assert [] == grouped(segment_bytes=500)


def test_a_damaged_segment_is_left_out() -> None:
    first, second, third = SEALED

    assert [[0], [20]] == grouped(first, second._replace(is_damaged=True), third, segment_bytes=500)
    assert [[10, 20]] == grouped(first._replace(is_damaged=True), second, third, segment_bytes=500)
    assert [[0, 10]] == grouped(first, second, third._replace(is_damaged=True), segment_bytes=500)


def test_segments_are_put_together_as_far_as_an_index_reaches() -> None:
    far = SEALED[1]._replace(next_offset=1 << 31)

    assert [[0, 10]] == grouped(SEALED[0], far, segment_bytes=500)
    assert [[0], [10]] == grouped(SEALED[0], far._replace(next_offset=(1 << 31) + 1), segment_bytes=500)


def test_few_segments_are_put_together_at_once() -> None:
    many = [SEALED[0]._replace(base=at, next_offset=at + 1, bytes=1) for at in range(65)]

    assert [64, 1] == [len(group) for group in grouped(*many, segment_bytes=500)]
