"""Where a worker stands: placing, cutting, the frontier, rewinding, topics made anew."""

from collections.abc import Callable

import pytest

from streams.models import LostRecords, to_page
from streams.places import STALLED_US, Begin, Cut, Most, Places, Stop, decide, parts
from tests.unit.streams.fetched import NOW, OTHER, OTHER_ID, PARTITION, TOPIC_ID, FetchedRecord, cut, placed, records
from tivo.model.timeline import Now
from tivo.store.base import Owned

NEW_ID = b"topic id anew..."


def test_unset_frontier_begins_at_the_start_of_the_log() -> None:
    assert Begin(7, 7) == decide(frontier=None, log_start=7, log_end=100)


def test_partition_begins_at_its_frontier() -> None:
    assert Begin(40, 40) == decide(frontier=40, log_start=7, log_end=100)


def test_fetching_begins_where_the_log_does_and_the_store_stands_below() -> None:
    assert Begin(55, 40) == decide(frontier=40, log_start=55, log_end=100)


def test_log_that_ends_below_the_frontier_stops_the_partition() -> None:
    told = decide(frontier=40, log_start=0, log_end=39)

    assert isinstance(told, Stop)
    assert "39" in told.reason
    assert "40" in told.reason


def test_stopped_partition_stays_stopped_when_its_log_grows_past_the_frontier() -> None:
    assert Stop("went back") == decide(frontier=40, log_start=0, log_end=90, stopped="went back")


def test_frontier_at_the_end_of_the_log_is_no_reason_to_stop() -> None:
    assert Begin(40, 40) == decide(frontier=40, log_start=0, log_end=40)


# ---------------------------------------------------------------- cutting


def test_parts_hold_at_most_so_many_records() -> None:
    assert [[0, 1], [2, 3], [4]] == [[r.offset for r in part] for part in parts(records(0, 1, 2, 3, 4), Most(2, 10**6))]


def test_parts_are_at_most_so_large_and_a_larger_record_stands_alone() -> None:
    sizes = [30, 30, 500, 60, 30, 10]
    fetched = [FetchedRecord(offset=i, key=b"", value=b"x" * size) for i, size in enumerate(sizes)]

    assert [[30, 30], [500], [60, 30, 10]] == [
        [len(r.value or b"") for r in part] for part in parts(fetched, Most(100, 100))
    ]


def test_headers_count_towards_the_size() -> None:
    fetched = [FetchedRecord(offset=i, headers=(("name", b"x" * 90), ("none", None))) for i in range(2)]

    assert 2 == len(list(parts(fetched, Most(100, 110))))


def test_pages_follow_each_other_without_a_hole() -> None:
    pages = cut(placed(10), 10, 11, 12, 20, 21, page_events=2)

    assert [(10, 12), (12, 21), (21, 22)] == [(page.base, page.next) for page in pages]


def test_next_fetch_goes_on_where_the_last_one_ended() -> None:
    places = placed(10)
    cut(places, 10, 11)

    (page,) = cut(places, 15)

    assert (12, 16) == (page.base, page.next)


def test_nothing_is_cut_for_a_partition_that_is_not_placed() -> None:
    places = Places()
    places.assign([PARTITION])

    assert [] == cut(places, 0)
    assert {PARTITION} == places.unplaced


def test_records_below_the_place_are_not_handed_out_and_unplace_the_partition() -> None:
    places = placed(10)

    assert [] == cut(places, 9, 10)
    assert {PARTITION} == places.unplaced


def test_expected_offset_is_the_base_or_behind_the_last_record() -> None:
    places = placed(10)

    assert 10 == places.expected(PARTITION)
    cut(places, 30, 31)
    assert 32 == places.expected(PARTITION)
    assert places.expected(OTHER) is None


def test_holes_behind_the_last_record_are_a_page_of_their_own() -> None:
    places = placed(10)

    (page, holes) = places.cut(PARTITION, records(10), most=Most(9, 999), now=NOW, upto=15)

    assert (10, 11) == (page.base, page.next)
    assert (11, 15, ()) == (holes.base, holes.next, holes.records)
    assert [] == places.cut(PARTITION, (), most=Most(9, 999), now=NOW, upto=15)


def test_loss_is_a_page_in_its_turn() -> None:
    places = placed(10)
    cut(places, 10)

    (page,) = places.lose(PARTITION, LostRecords(records(12), 14, "quarantine", "why"), now=NOW)

    assert (11, 14, [12]) == (page.base, page.next, [record.offset for record in page.records])
    assert ("quarantine", "why") == (page.loss, page.why)
    assert 14 == places.expected(PARTITION)


def test_loss_of_what_lies_behind_a_partition_is_none() -> None:
    lost = LostRecords((), 10, "retention", "why")

    assert [] == placed(10).lose(PARTITION, lost, now=NOW)
    assert [] == placed().lose(OTHER, lost, now=NOW)


# ---------------------------------------------------------------- placing and rewinding


def test_assigned_partitions_are_unplaced() -> None:
    places = placed()

    places.assign([PARTITION, OTHER])

    assert {PARTITION, OTHER} == places.unplaced
    assert set() == places.wanted([PARTITION, OTHER])
    assert 2 == places.assignments


def test_placed_partition_is_wanted() -> None:
    places = placed()

    assert {PARTITION} == places.wanted([PARTITION, OTHER])
    assert TOPIC_ID == places.id_of(PARTITION)
    assert places.id_of(OTHER) is None


def test_rewound_partition_is_unplaced_and_its_pages_are_stale() -> None:
    places = placed()
    (page,) = cut(places, 0)

    places.rewind(PARTITION)

    assert {PARTITION} == places.unplaced
    assert not places.is_current(page)


def test_page_of_an_earlier_placing_is_stale_though_the_partition_is_placed_again() -> None:
    places = placed()
    (page,) = cut(places, 0)
    places.rewind_all()
    places.put(PARTITION, TOPIC_ID, 0, now_us=0)

    assert not places.is_current(page)
    places.stored(page, now_us=0)
    assert {PARTITION: 0} == places.frontiers()


def test_partition_that_was_put_off_is_due_later_and_told_until_it_is_placed() -> None:
    places = Places()
    places.assign([PARTITION, OTHER])
    assert {PARTITION, OTHER} == places.due(now_us=0)

    places.put_off(PARTITION, "no leader", until_us=7)

    assert {OTHER} == places.due(now_us=6)
    assert {PARTITION, OTHER} == places.due(now_us=7)
    assert {PARTITION: "no leader"} == places.waiting

    places.put(PARTITION, TOPIC_ID, 0, now_us=8)

    assert {} == places.waiting


@pytest.mark.parametrize(
    "settle", [lambda places: places.assign([]), lambda places: places.stop(PARTITION, TOPIC_ID, "")]
)
def test_partition_that_is_stopped_or_of_others_does_not_wait(settle: Callable[[Places], None]) -> None:
    places = Places()
    places.assign([PARTITION])
    places.put_off(PARTITION, "no leader", until_us=7)

    settle(places)

    assert {} == places.waiting


def test_only_an_unplaced_partition_is_put_off() -> None:
    places = placed()

    places.put_off(PARTITION, "no leader", until_us=7)

    assert {} == places.waiting


def test_partition_of_others_is_not_rewound() -> None:
    places = placed()

    places.rewind(OTHER)

    assert set() == places.unplaced


# ---------------------------------------------------------------- topics made anew, stopped partitions


def test_topic_made_anew_is_placed_again_and_its_old_id_retired() -> None:
    places = placed(40)

    places.topics_seen({PARTITION.topic: NEW_ID})
    assert {PARTITION} == places.unplaced
    places.put(PARTITION, NEW_ID, 0, now_us=0)

    assert places.is_retired(TOPIC_ID)
    assert not places.is_retired(NEW_ID)


def test_broker_that_still_tells_the_old_id_changes_nothing() -> None:
    places = placed()
    places.put(PARTITION, NEW_ID, 0, now_us=0)

    places.topics_seen({PARTITION.topic: TOPIC_ID})

    assert set() == places.unplaced


@pytest.mark.parametrize("seen", [{}, {PARTITION.topic: TOPIC_ID}])
def test_same_id_or_none_changes_nothing(seen: dict[str, bytes]) -> None:
    places = placed()

    places.topics_seen(seen)

    assert {PARTITION} == places.wanted([PARTITION])


def test_stopped_partition_is_neither_wanted_nor_unplaced() -> None:
    places = placed()

    places.stop(PARTITION, TOPIC_ID, "went back")

    assert {PARTITION: "went back"} == places.stopped
    assert set() == places.unplaced | places.wanted([PARTITION])


def test_stop_is_remembered_across_assignments_for_its_topic_id_alone() -> None:
    places = placed()
    places.stop(PARTITION, TOPIC_ID, "went back")

    places.assign([PARTITION])

    assert {} == places.stopped
    assert "went back" == places.stop_reason(PARTITION, TOPIC_ID)
    assert places.stop_reason(PARTITION, NEW_ID) is None


def test_stopped_partition_is_placed_again_when_its_topic_is_made_anew() -> None:
    places = placed()
    places.stop(PARTITION, TOPIC_ID, "went back")

    places.topics_seen({PARTITION.topic: TOPIC_ID})
    assert {PARTITION: "went back"} == places.stopped

    places.topics_seen({PARTITION.topic: NEW_ID})
    assert {} == places.stopped
    assert {PARTITION} == places.unplaced


def test_new_leader_epoch_rewinds_its_partition_alone() -> None:
    places = Places()
    places.assign([PARTITION, OTHER])
    places.put(PARTITION, TOPIC_ID, 5, now_us=0, owned=Owned(0, 3))
    places.put(OTHER, OTHER_ID, 5, now_us=0, owned=Owned(0, 3))

    places.epochs_seen(PARTITION.topic, {PARTITION.partition: 3, 77: 9})
    places.epochs_seen(OTHER.topic, {})
    assert set() == places.unplaced

    places.epochs_seen(PARTITION.topic, {PARTITION.partition: 4})
    assert {PARTITION} == places.unplaced


def test_pages_tell_whose_they_are() -> None:
    places = Places()
    places.assign([PARTITION])
    places.put(PARTITION, TOPIC_ID, 5, now_us=0, owned=Owned(2, 3))

    (page,) = cut(places, 5)

    assert (2, 3) == (page.owner_epoch, page.leader_epoch)
    assert (2, 3) == (to_page(page).owner_epoch, to_page(page).leader_epoch)


@pytest.mark.parametrize(
    ("frontier", "log_end", "epoch_end", "told"),
    [
        (10, 20, None, Begin(10, 10)),
        (10, 20, 10, Begin(10, 10)),
        (10, 20, 12, Begin(10, 10)),
        (10, 20, 7, Cut(7)),
        (10, 7, 7, Cut(7)),
        (None, 7, 3, Begin(0, 0)),
    ],
)
def test_a_log_that_lost_its_end_since_the_store_wrote_has_the_store_cut(
    frontier: int | None, log_end: int, epoch_end: int | None, told: Begin | Cut
) -> None:
    assert told == decide(frontier=frontier, log_start=0, log_end=log_end, epoch_end=epoch_end)


def test_a_shorter_log_that_has_no_new_epoch_is_another_log() -> None:
    assert isinstance(decide(frontier=10, log_start=0, log_end=7), Stop)


# ---------------------------------------------------------------- the frontier


def test_stored_page_moves_the_frontier() -> None:
    places = placed(10)
    (page,) = cut(places, 10, 11)
    assert places.is_current(page)
    assert places.is_behind()

    places.stored(page, now_us=0)

    assert {PARTITION: 12} == places.frontiers()
    assert not places.is_behind()


def test_only_frontiers_that_kafka_was_not_told_are_committed() -> None:
    places = placed(10)
    assert {PARTITION: 10} == places.to_commit()

    places.committed({PARTITION: 10, OTHER: 5})
    assert {} == places.to_commit()

    (page,) = cut(places, 10)
    places.stored(page, now_us=0)
    assert {PARTITION: 11} == places.to_commit()


def test_pages_that_do_not_move_for_long_are_stalled() -> None:
    places = placed()
    cut(places, 0)

    assert [] == places.stalled(now_us=NOW.steady_us + STALLED_US)
    assert [PARTITION] == places.stalled(now_us=NOW.steady_us + STALLED_US + 1)


def test_time_without_pages_under_way_does_not_count_as_stalled() -> None:
    places = placed()
    late = Now(0, 100 * STALLED_US)

    places.cut(PARTITION, records(0), most=Most(10, 1_000), now=late)

    assert [] == places.stalled(now_us=late.steady_us + 1)


def test_stalled_counts_from_the_last_page_stored() -> None:
    places = placed()
    (first, _) = cut(places, 0, 1, page_events=1)
    places.stored(first, now_us=3 * STALLED_US)
    cut(places, 2)

    assert [] == places.stalled(now_us=4 * STALLED_US)
    assert [PARTITION] == places.stalled(now_us=4 * STALLED_US + 1)
