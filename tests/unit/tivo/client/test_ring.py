import sys

from tivo.client.ring import EVENT_BYTES, Ring, weight
from tivo.model.event import Event, Lost
from tivo.model.record import Record, to_event
from tivo.playback.effects import TailPlace

BIG = 2**30


def event(offset: int, partition: int = 0, value: bytes = b"x") -> Event:
    return to_event(Record("t", partition, offset, offset, None, value, ()), received_us=0)


def place(offset: int | None, *, partition: int = 0, upto: int | None = None, limit: int = 100) -> TailPlace:
    return TailPlace(partition, offset, upto, limit)


def filled(count: int, *, max_bytes: int = BIG) -> Ring:
    ring = Ring(starts={0: 0}, max_bytes=max_bytes)
    ring.append(0, [event(offset) for offset in range(count)], next=count, log_end=count)
    return ring


def offsets(ring: Ring, at: TailPlace, max_bytes: int = BIG) -> list[int]:
    return [each.offset for each in ring.slice(at, max_bytes=max_bytes).events]


def test_slice_begins_at_the_offset_asked_for() -> None:
    ring = filled(5)

    read = ring.slice(place(2), max_bytes=BIG)

    assert (2, 5, 5) == (read.base, read.next, read.log_end)
    assert [2, 3, 4] == [each.offset for each in read.events]


def test_limit_and_upto_bound_a_slice() -> None:
    ring = filled(9)

    assert [1, 2] == offsets(ring, place(1, limit=2))
    assert 3 == ring.slice(place(1, limit=2), max_bytes=BIG).next
    assert [1, 2, 3] == offsets(ring, place(1, upto=4))
    assert 4 == ring.slice(place(1, upto=4), max_bytes=BIG).next


def test_a_slice_holds_at_least_one_event_however_few_bytes_are_allowed() -> None:
    ring = filled(3)

    assert [0] == offsets(ring, place(0), max_bytes=1)


def test_holes_behind_the_last_event_count_as_read() -> None:
    ring = Ring(starts={0: 0}, max_bytes=BIG)
    ring.append(0, [event(0), event(4)], next=9, log_end=9)

    assert 9 == ring.slice(place(1), max_bytes=BIG).next
    assert [4] == offsets(ring, place(1))
    assert 7 == ring.slice(place(5, upto=7), max_bytes=BIG).next


def test_oldest_event_of_any_partition_goes_first() -> None:
    one = weight(event(0))
    ring = Ring(starts={0: 0, 1: 0}, max_bytes=3 * one)
    ring.append(0, [event(0)], next=1, log_end=1)
    ring.append(1, [event(0, 1)], next=1, log_end=1)
    ring.append(0, [event(1), event(2)], next=3, log_end=3)

    assert not ring.reaches(place(0))
    assert ring.reaches(place(1))
    assert ring.reaches(place(0, partition=1))
    assert [1, 2] == offsets(ring, place(1))


def test_ring_stays_right_when_it_has_turned_over_many_times() -> None:
    ring = Ring(starts={0: 0}, max_bytes=50 * weight(event(0)))
    for offset in range(5_000):
        ring.append(0, [event(offset)], next=offset + 1, log_end=offset + 1)

    assert list(range(4_950, 5_000)) == offsets(ring, place(4_950))
    assert not ring.reaches(place(4_949))


def test_ring_reaches_neither_the_unknown_nor_what_it_has_not_seen() -> None:
    ring = filled(3)

    assert ring.reaches(place(3))
    assert not ring.reaches(place(4))
    assert not ring.reaches(place(None))
    assert not ring.reaches(place(0, partition=7))


def test_only_what_lies_behind_a_place_has_moved() -> None:
    ring = filled(3)

    assert ring.has_moved(place(2))
    assert not ring.has_moved(place(3))


def test_restart_drops_the_events_of_that_partition_alone() -> None:
    ring = Ring(starts={0: 0, 1: 0}, max_bytes=2 * weight(event(0)))
    ring.append(0, [event(0)], next=1, log_end=1)
    ring.append(1, [event(0, 1)], next=1, log_end=1)

    ring.restart(0, 40)
    ring.append(0, [event(40)], next=41, log_end=41)

    assert {0: 41, 1: 1} == ring.positions
    assert [40] == offsets(ring, place(40))
    assert [0] == offsets(ring, place(0, partition=1))


def test_an_added_partition_begins_at_its_first_offset() -> None:
    ring = filled(3)

    ring.add(0)
    ring.add(1)

    assert {0: 3, 1: 0} == ring.positions


def test_headers_weigh_too() -> None:
    plain = to_event(Record("t", 0, 0, 0, None, b"", ()), received_us=0)
    headed = to_event(Record("t", 0, 0, 0, None, b"", (("name", b"value"),)), received_us=0)

    assert weight(plain) + 9 < weight(headed)


def test_a_ring_shrinks_by_its_oldest_events() -> None:
    ring = filled(5)
    one = weight(event(0))

    assert 2 * one == ring.shrink(one + 1)
    assert 3 * one == ring.bytes
    assert not ring.reaches(place(1))
    assert ring.reaches(place(2))
    assert 3 * one == ring.shrink(BIG)


def with_losses(*, max_bytes: int = BIG) -> Ring:
    """Events 0, 3 and 6; 1, 4 and 5 cannot be given, 2 is a hole."""
    ring = Ring(starts={0: 0}, max_bytes=max_bytes)
    lost = [Lost(0, 1, 2, "quarantine"), Lost(0, 4, 6, "quarantine")]
    ring.append(0, [event(0), event(3), event(6)], next=7, log_end=7, lost=lost)
    return ring


def losses(ring: Ring, at: TailPlace, max_bytes: int = BIG) -> list[tuple[int, int]]:
    return [(each.base, each.next) for each in ring.slice(at, max_bytes=max_bytes).lost]


def test_what_cannot_be_given_comes_with_the_slice_that_covers_it() -> None:
    ring = with_losses()

    assert ([0, 3, 6], [(1, 2), (4, 6)]) == (offsets(ring, place(0)), losses(ring, place(0)))
    assert ([3, 6], [(4, 6)]) == (offsets(ring, place(2)), losses(ring, place(2)))
    assert ([6], []) == (offsets(ring, place(6)), losses(ring, place(6)))
    assert ring.has_moved(place(4))


def test_of_a_loss_that_a_slice_cuts_only_that_is_told_which_lies_in_it() -> None:
    ring = with_losses()

    assert [(5, 6)] == losses(ring, place(5))
    assert [(4, 5)] == losses(ring, place(3, upto=5))
    assert 5 == ring.slice(place(3, upto=5), max_bytes=BIG).next
    assert [] == losses(ring, place(3, upto=4))


def test_losses_count_towards_the_limit_and_the_bytes_of_a_slice() -> None:
    ring = with_losses()

    assert ([0], [(1, 2)]) == (offsets(ring, place(0, limit=2)), losses(ring, place(0, limit=2)))
    assert (3, 6) == tuple(ring.slice(place(at, limit=2), max_bytes=BIG).next for at in (0, 3))
    assert ([], [(1, 2)]) == (offsets(ring, place(1), 1), losses(ring, place(1), 1))


def test_losses_are_dropped_in_their_turn_and_bounded_as_events_are() -> None:
    ring = Ring(starts={0: 0}, max_bytes=10 * EVENT_BYTES)
    for offset in range(5_000):
        ring.append(0, [], next=offset + 1, log_end=offset + 1, lost=[Lost(0, offset, offset + 1, "quarantine")])

    assert 10 * EVENT_BYTES == ring.bytes
    assert ring.reaches(place(4_990))
    assert not ring.reaches(place(4_989))
    assert [(4_998, 4_999), (4_999, 5_000)] == losses(ring, place(4_998))


def test_behind_a_loss_that_was_dropped_the_ring_reaches_back_to_its_end() -> None:
    ring = with_losses()

    ring.shrink(weight(event(0)) + 1)

    assert not ring.reaches(place(1))
    assert ring.reaches(place(2))


def test_an_event_that_was_dropped_is_held_no_more() -> None:
    value = bytes(1_000)
    held = sys.getrefcount(value)
    ring = Ring(starts={0: 0}, max_bytes=1)

    ring.append(0, [event(0, value=value)], next=1, log_end=1)

    assert held == sys.getrefcount(value)
