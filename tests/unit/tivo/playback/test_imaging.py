"""The image of an epoch: what is read for it, and how it is told."""

from collections.abc import Iterator
from itertools import count

from tests.unit.tivo.playback.events import WALL_US, event, topic
from tivo.model.event import Event
from tivo.model.timeline import MAX_TIME_US, Window
from tivo.playback.effects import Cancel, Effect, ReadImage, Tell
from tivo.playback.facts import BoundsRead, ImageRead, ReadFailed, Source
from tivo.playback.handoff import Track
from tivo.playback.imaging import Imaging
from tivo.playback.merge import behind
from tivo.playback.notices import Image
from tivo.playback.progress import Bounds, Plan, Progress, Start

PLACE = event(WALL_US, partition=1, offset=7).cursor


def track(
    name: str = "a", *, start_us: int | None = WALL_US, progress: Progress | None = None, start: Start = Start.HISTORY
) -> Track:
    return Track(topic(name), Window(start_us, None), progress or Progress(), start=start, plan=Plan(Bounds()))


def reads(effects: list[Effect]) -> list[ReadImage]:
    return [effect for effect in effects if isinstance(effect, ReadImage)]


def told(effects: list[Effect]) -> list[tuple[int, list[bytes | None], bool]]:
    notices = [effect.notice for effect in effects if isinstance(effect, Tell)]
    return [
        (image.part, [shown.event.key for shown in image.events], image.last)
        for image in notices
        if isinstance(image, Image)
    ]


def ids() -> Iterator[int]:
    return count(1)


def test_at_a_time_it_holds_what_lies_before() -> None:
    imaging = Imaging(1, [track()], None, pos_us=WALL_US)

    (read,) = reads(imaging.advance(ids(), 0))

    assert (behind(WALL_US - 1), {}, None) == (read.until, read.upto, read.after)


def test_behind_an_order_key_it_holds_what_was_sent() -> None:
    imaging = Imaging(1, [track(progress=Progress(frontier={0: 9}, cursor=PLACE))], None, pos_us=WALL_US)

    (read,) = reads(imaging.advance(ids(), 0))

    assert (PLACE, {0: 9}) == (read.until, read.upto)


def test_behind_what_was_sent_in_live_it_holds_all_below() -> None:
    sent = [Progress(base={0: 9}), Progress(base={0: 9}, frontier={0: 12}, cursor=PLACE)]

    found = [reads(Imaging(1, [track(progress=each)], None, pos_us=1).advance(ids(), 0))[0] for each in sent]

    assert [(behind(MAX_TIME_US), {0: 9}), (behind(MAX_TIME_US), {0: 12})] == [(r.until, r.upto) for r in found]


def test_at_the_live_edge_it_waits_for_the_log_ends() -> None:
    edge = track(start=Start.EDGE)
    imaging = Imaging(1, [edge], None, pos_us=WALL_US)
    before = imaging.advance(ids(), 0)

    edge.take_bounds(BoundsRead(5, {0: 3}))
    (read,) = reads(imaging.advance(ids(), 0))

    assert [] == before
    assert (behind(MAX_TIME_US), {0: 3}) == (read.until, read.upto)


def test_at_the_first_event_it_is_empty_and_told_at_once() -> None:
    imaging = Imaging(1, [track(start_us=None)], None, pos_us=None)

    effects = imaging.advance(ids(), 0)

    assert [(1, [], True)] == told(effects)
    assert imaging.done


def test_topics_come_one_after_the_other_in_parts() -> None:
    imaging = Imaging(1, [track("a"), track("b")], None, pos_us=WALL_US)
    numbers = ids()
    imaging.advance(numbers, 0)
    assert imaging.take(ImageRead(1, [event(1, key=b"x")], b"next"), 0)

    first = imaging.advance(numbers, 0)
    imaging.take(ImageRead(2, [event(1, key=b"y")], None), 0)
    second = imaging.advance(numbers, 0)
    imaging.take(ImageRead(3, [event(1, topic="b", key=b"x")], None), 0)
    third = imaging.advance(numbers, 0)

    assert [(1, [b"x"], False)] == told(first)
    assert ("a", b"next") == (reads(first)[0].topic.name, reads(first)[0].after)
    assert [(2, [b"y"], False)] == told(second)
    assert ("b", None) == (reads(second)[0].topic.name, reads(second)[0].after)
    assert [(3, [b"x"], True)] == told(third)
    assert imaging.done


def test_what_the_filter_leaves_out_is_not_told_but_for_the_end() -> None:
    def passes(found: Event) -> bool:
        return found.key == b"x"

    imaging = Imaging(1, [track()], passes, pos_us=WALL_US)
    numbers = ids()
    imaging.advance(numbers, 0)
    imaging.take(ImageRead(1, [event(1, key=b"y")], b"next"), 0)

    first = imaging.advance(numbers, 0)
    imaging.take(ImageRead(2, [event(1, key=b"z")], None), 0)

    assert [] == told(first)
    assert [(1, [], True)] == told(imaging.advance(numbers, 0))


def test_one_read_is_under_way_and_ends_with_the_epoch() -> None:
    imaging = Imaging(1, [track()], None, pos_us=WALL_US)
    imaging.advance(ids(), 0)

    assert [] == imaging.advance(ids(), 0)
    assert [Cancel((1,))] == imaging.close()
    assert [] == imaging.close()


def test_an_answer_to_another_read_is_stale() -> None:
    imaging = Imaging(1, [track()], None, pos_us=WALL_US)
    imaging.advance(ids(), 0)

    assert not imaging.take(ImageRead(7, [], None), 0)


def test_a_read_that_failed_is_tried_again_later_each_time() -> None:
    imaging = Imaging(1, [track()], None, pos_us=WALL_US)
    numbers = ids()
    imaging.advance(numbers, 0)

    imaging.take(ReadFailed(1, Source.LOG, "away"), 0)
    early = imaging.advance(numbers, 249_999)
    again = imaging.advance(numbers, 250_000)
    away = imaging.away
    imaging.take(ReadFailed(2, Source.LOG, "away"), 250_000)
    later_us = imaging.retry_us
    imaging.advance(numbers, 750_000)
    imaging.take(ImageRead(3, [], None), 750_000)

    assert [] == early
    assert [2] == [read.read for read in reads(again)]
    assert (Source.LOG, 750_000, None) == (away, later_us, imaging.away)
