from hypothesis import given
from hypothesis import strategies as st

from tivo.model.event import Event, ValueKind
from tivo.store import image
from tivo.store.image import Fold, behind, cut_before, held_bytes, key_order, latest, parts, place_of, won
from tivo.store.page import MAX_BYTES, MAX_EVENTS, row_bytes


def event(offset: int, key: bytes | None = b"a", *, value: bytes = b"1") -> Event:
    return Event(offset, "sensors", 0, offset, key, value, (), 0, ValueKind.JSON)


keys = st.one_of(st.none(), st.binary(max_size=2))
some_events = st.lists(keys, max_size=30).map(lambda found: [event(at, key) for at, key in enumerate(found)])


@given(keys, keys)
def test_no_key_comes_before_all_keys_and_these_by_their_bytes(one: bytes | None, other: bytes | None) -> None:
    assert ((one is not None, one or b"") < (other is not None, other or b"")) == (key_order(one) < key_order(other))


@given(keys, keys)
def test_nothing_lies_between_a_key_and_the_place_behind_it(one: bytes | None, other: bytes | None) -> None:
    assert (key_order(other) <= key_order(one)) == (key_order(other) < behind(key_order(one)))
    assert image.FIRST <= key_order(one)


@given(some_events, st.randoms())
def test_a_fold_has_the_last_event_of_every_key_in_whatever_order_they_came(
    events: list[Event], chance: object
) -> None:
    shuffled = [*events, *events]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    fold = Fold()
    for each in shuffled:
        fold.take([each])

    assert latest(events) == fold.in_order()
    assert fold.bound is None


@given(some_events, st.integers(1, 2_000), st.lists(st.integers(1, 9), min_size=1))
def test_folds_that_let_go_of_keys_are_together_what_one_is(events: list[Event], most: int, sizes: list[int]) -> None:
    found: list[Event] = []
    start: bytes | None = image.FIRST
    while start is not None:
        fold = Fold(start, max_bytes=most)
        at = 0
        for turn in range(len(events)):
            size = sizes[turn % len(sizes)]
            fold.take(events[at : at + size])
            at += size
        found += fold.in_order()
        start = fold.bound

    assert latest(events) == found


def test_a_fold_counts_what_events_take_beside_their_bytes() -> None:
    fold = Fold(max_bytes=4 * held_bytes(event(0, b"0")))
    fold.take([event(at, b"%d" % at) for at in range(4)])
    assert fold.bound is None
    fold.take([event(4, b"4")])

    assert key_order(b"2") == fold.bound


def test_a_fold_holds_no_more_than_it_may() -> None:
    fold = Fold(max_bytes=1_000)
    for offset in range(500):
        fold.take([event(offset, b"%03d" % (offset * 7 % 500))])

    assert sum(map(row_bytes, fold.in_order())) <= 1_000
    assert fold.bound is not None


def test_one_event_is_held_however_large_it_is() -> None:
    fold = Fold(max_bytes=10)
    fold.take([event(0)])

    assert [event(0)] == fold.in_order()
    assert fold.bound is None


def test_a_later_event_takes_the_bytes_of_the_one_before() -> None:
    fold = Fold(max_bytes=1_000 + 2 * image.HELD_BYTES)
    fold.take([event(0, value=b"1" * 500), event(1, b"b")])
    fold.take([event(2, value=b"1" * 600)])

    assert [b"a", b"b"] == [each.key for each in fold.in_order()]
    assert fold.bound is None


def test_a_fold_knows_its_stretch_of_keys_only() -> None:
    fold = Fold(key_order(b"b"), key_order(b"d"))
    fold.take([event(at, key) for at, key in enumerate((None, b"a", b"b", b"c", b"d", b"e"))])

    assert [b"b", b"c"] == [each.key for each in fold.in_order()]


def test_what_lies_before_a_place() -> None:
    events = [event(0, None), event(1, b"a"), event(2, b"b")]

    assert (2, 3) == (cut_before(events, key_order(b"b")), cut_before(events, None))


def test_what_is_later_than_what_is_held_wins() -> None:
    held = [event(5, b"a"), event(5, b"b"), event(5, b"c")]

    assert [event(6, b"a"), event(1, b"d")] == won(
        held, [event(6, b"a"), event(4, b"b"), event(5, b"c"), event(1, b"d")]
    )


@given(some_events, some_events)
def test_the_latest_of_two_runs_is_the_latest_of_all(one: list[Event], other: list[Event]) -> None:
    assert latest([*one, *other]) == latest(one, other)
    assert sorted(map(place_of, latest(one))) == [*map(place_of, latest(one))]


def test_parts_are_as_large_as_pages() -> None:
    assert [] == list(parts([]))
    small, large = [event(at) for at in range(MAX_EVENTS + 1)], [event(at, value=b"1" * MAX_BYTES) for at in range(3)]

    assert [MAX_EVENTS, 1] == [len(part) for part in parts(small)]
    assert [1, 1, 1] == [len(part) for part in parts(large)]
