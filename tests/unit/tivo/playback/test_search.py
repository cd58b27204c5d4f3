from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.tivo.playback.events import event, topic
from tivo.model.event import Cursor, Event
from tivo.model.timeline import Window
from tivo.playback.commands import StepBy
from tivo.playback.effects import ReadNear
from tivo.playback.facts import NearRead, Scanned
from tivo.playback.merge import FIRST, LAST, behind, order_key
from tivo.playback.progress import Bounds
from tivo.playback.search import Search


def search(
    *names: str,
    wanted: int = 2,
    by: StepBy = StepBy.EVENT,
    reverse: bool = True,
    keys: tuple[bytes, ...] = (),
    beside: Cursor,
) -> Search:
    passes = (lambda found: found.key in keys) if keys else None
    topics = {name: topic(name) for name in names or ("a",)}
    return Search(topics, Window(), passes, beside=beside, wanted=wanted, by=by, reverse=reverse)


def answer(read: ReadNear, events: list[Event], most: int = 1 << 30) -> NearRead:
    """What a store of these events says."""
    near = sorted(
        (
            found
            for found in events
            if found.topic == read.topic.name
            and found.time_us in read.window
            and (found.cursor < read.beside if read.reverse else found.cursor > read.beside)
        ),
        reverse=read.reverse,
    )
    most = min(most, read.limit)
    return NearRead(read.read, near[:most], len(near) <= most, {0: 9})


def run(given: Search, events: list[Event], most: int = 1 << 30) -> tuple[list[Cursor], int]:
    """The units found, and how many reads it took."""
    ids, reads = count(1), 0
    while given.found is None:
        for read in given.reads(ids):
            reads += 1
            assert given.take(answer(read, events, most))
    return given.found, reads


LINE = [event(time_us, offset=time_us) for time_us in range(40)]


def test_events_before_a_place_are_found_nearest_first() -> None:
    found, reads = run(search(beside=order_key(LINE[7])), LINE)

    assert [order_key(LINE[6]), order_key(LINE[5])] == found
    assert 1 == reads


def test_events_behind_a_place_are_found_too() -> None:
    found, _ = run(search(beside=order_key(LINE[7]), reverse=False), LINE)

    assert [order_key(LINE[8]), order_key(LINE[9])] == found


def test_there_may_be_fewer_or_none() -> None:
    assert ([order_key(LINE[0])], 1) == run(search(beside=order_key(LINE[1])), LINE)
    assert ([], 1) == run(search(beside=order_key(LINE[0])), LINE)


def test_without_topics_nothing_is_read() -> None:
    nothing = Search({}, Window(), None, beside=FIRST, wanted=1, by=StepBy.EVENT, reverse=True)

    assert ([], 0) == run(nothing, LINE)


def test_a_read_under_way_is_not_asked_for_again() -> None:
    given = search(beside=LAST)
    (read,) = given.reads(count(1))

    assert [] == given.reads(count(2))
    assert (1,) == given.waiting
    assert given.take(answer(read, LINE))
    assert () == given.waiting
    assert not given.take(answer(read, LINE))


def test_short_pages_are_gone_on_from() -> None:
    found, reads = run(search(wanted=5, beside=LAST), LINE, most=2)

    assert [order_key(each) for each in LINE[:-6:-1]] == found
    assert 3 == reads


def test_events_that_the_filter_does_not_let_pass_do_not_count() -> None:
    events = [event(time_us, offset=time_us, key=b"ab"[time_us % 2 :][:1]) for time_us in range(40)]

    found, _ = run(search(beside=LAST, keys=(b"a",)), events, most=3)

    assert [order_key(events[38]), order_key(events[36])] == found


def test_a_batch_is_one_unit_however_large() -> None:
    events = [event(5, offset=offset) for offset in range(5_000)] + [event(3, offset=9_000), event(2, offset=9_001)]

    found, reads = run(search(by=StepBy.BATCH, beside=LAST), events)

    assert [behind(4), behind(2)] == found
    assert reads < 12


def test_the_nearest_of_several_topics_are_found() -> None:
    events = [*LINE, event(38, topic="b", offset=1), event(1, topic="b")]

    found, _ = run(search("a", "b", wanted=3, beside=LAST), events)

    assert [order_key(LINE[39]), order_key(events[40]), order_key(LINE[38])] == found


def test_a_topic_is_read_no_further_than_what_is_wanted() -> None:
    given = search("a", "b", beside=LAST, wanted=1, keys=(b"k",))
    ids = count(1)
    near, far = given.reads(ids)
    given.take(NearRead(near.read, [event(30, key=b"k")], False, {}))
    given.take(NearRead(far.read, [event(35, topic="b", offset=3)], False, {}))

    (more,) = given.reads(ids)
    assert ("b", Window(30, None)) == (more.topic.name, more.window)
    given.take(NearRead(more.read, [event(29, topic="b", offset=2)], False, {}))
    assert [order_key(event(30))] == given.found


def test_on_the_way_on_a_topic_is_read_no_further_either() -> None:
    given = search("a", "b", beside=FIRST, wanted=1, reverse=False)
    ids = count(1)
    near, far = given.reads(ids)
    given.take(NearRead(near.read, [event(30)], False, {}))
    given.take(NearRead(far.read, [], False, {}))

    (more,) = given.reads(ids)
    assert Window(None, 31) == more.window


def test_what_was_looked_at_first_is_the_frontier() -> None:
    given = search("a", "b", beside=LAST)
    ids = count(1)
    (first, _) = given.reads(ids)
    given.take(NearRead(first.read, [LINE[39]], False, {0: 40}))
    (second,) = given.reads(ids)
    given.take(NearRead(second.read, [], True, {0: 50}))

    assert {"a": {0: 40}, "b": {}} == given.frontiers


def test_the_log_is_gone_through_part_by_part_and_then_the_store() -> None:
    given, ids = search(beside=LAST, wanted=3), count(1)
    (first,) = given.reads(ids)
    assert first.scanned is None
    begun = Scanned({0: 20}, {0: 30}, {0: 40})
    given.take(NearRead(first.read, [LINE[38], LINE[5], LINE[4]], False, begun.read, begun))

    assert given.found is None
    (second,) = given.reads(ids)
    assert (LAST, begun, first.limit) == (second.beside, second.scanned, second.limit)
    over = Scanned({0: 20}, {0: 40}, {})
    given.take(NearRead(second.read, [LINE[39]], False, over.read, over))

    (third,) = given.reads(ids)
    assert (LAST, over, {"a": {0: 40}}) == (third.beside, third.scanned, given.frontiers)
    given.take(NearRead(third.read, [LINE[19], LINE[18]], False, over.read))
    assert [order_key(LINE[39]), order_key(LINE[38]), order_key(LINE[19])] == given.found


def test_reads_of_many_topics_are_bounded_together() -> None:
    names = [f"t{number}" for number in range(256)]
    events = [event(number, topic=name, offset=1) for number, name in enumerate(names)]
    given, ids, asked = search(*names, beside=LAST, wanted=300), count(1), 0

    while given.found is None:
        reads = given.reads(ids)
        asked += len(reads)
        assert [] == given.reads(ids)
        assert sum(read.max_bytes for read in reads) <= Bounds().bytes
        for read in reads:
            given.take(answer(read, events))

    assert 256 == asked == len(given.found)


def test_a_read_that_is_answered_makes_room_for_another_topic() -> None:
    given, ids = search(*"abcdefgh", beside=LAST), count(1)
    first, *_ = given.reads(ids)

    given.take(answer(first, []))

    (more,) = given.reads(ids)
    assert "e" == more.topic.name


@given(
    places=st.lists(st.tuples(st.integers(0, 9), st.sampled_from("ab"), st.booleans()), max_size=30),
    beside=st.integers(-1, 10),
    wanted=st.integers(1, 6),
    by=st.sampled_from(StepBy),
    reverse=st.booleans(),
    most=st.integers(1, 4),
)
def test_a_search_finds_what_looking_at_everything_finds(
    places: list[tuple[int, str, bool]], beside: int, wanted: int, by: StepBy, reverse: bool, most: int
) -> None:
    events = [
        event(time_us, topic=name, offset=offset, key=b"k" if passes else b"x")
        for offset, (time_us, name, passes) in enumerate(places)
    ]
    place = behind(beside)
    units = {
        order_key(found) if by is StepBy.EVENT else behind(found.time_us - 1)
        for found in events
        if found.key == b"k" and ((found.cursor < place) if reverse else (found.cursor > place))
    }

    found, _ = run(search("a", "b", wanted=wanted, by=by, reverse=reverse, keys=(b"k",), beside=place), events, most)

    assert sorted(units, reverse=reverse)[:wanted] == found
