from tests.unit.tivo.playback.events import WALL_US, now, past, topic
from tests.unit.tivo.playback.player import Player
from tivo.model.event import Cursor
from tivo.model.timeline import SECOND_US, Window
from tivo.playback.beginnings import Scope, resumed, sent_of
from tivo.playback.commands import At, Change, Place, Play, Tail
from tivo.playback.controls import Controls
from tivo.playback.cursor import Kept, Standing
from tivo.playback.merge import FIRST
from tivo.playback.notices import Gap
from tivo.playback.progress import Bounds, Progress, Start

MINUTE = Window(WALL_US - 60 * SECOND_US, WALL_US - 50 * SECOND_US)


def scope(*names: str, window: Window | None = None) -> Scope:
    return Scope({name: topic(name) for name in names}, Controls(window=window or Window()), Bounds())


def standing(**topics: Kept) -> Standing:
    return Standing(
        version=1,
        mode="playing",
        epoch=3,
        start_us=None,
        end_us=None,
        from_us=7,
        at_us=10,
        iteration=1,
        delay_us=None,
        thinned=0,
        cursor=(10, "a", 0, 1),
        topics=topics,
    )


def test_a_window_in_the_past_owes_what_the_log_holds_now() -> None:
    assert Start.PAST is scope("a", window=MINUTE).start(now())
    assert Start.HISTORY is scope("a", window=Window(0, WALL_US + 1)).start(now())
    assert Start.HISTORY is scope("a").start(now())


def test_topics_share_what_is_read_ahead_and_each_has_a_little() -> None:
    many = scope(*(f"t{number}" for number in range(1_000)))

    (first, *_) = many.history(5, now(), goals={"t0": {0: 3}}, sent={})

    assert Window(5, None) == first.window
    assert {0: 3} == first.goal
    assert 8 == first._room.events
    assert 64 << 10 == first._room.bytes


def test_in_live_a_topic_goes_on_behind_what_was_sent_of_it() -> None:
    sent = {topic("a").topic_id: Progress(base={0: 9})}

    a, b = scope("a", "b").live(sent, Start.EDGE)

    assert {0: 9} == a.progress(FIRST).base
    assert (False, True) == (a.at_edge, b.at_edge)


def test_nothing_was_sent_before_anything_is_near_the_live_edge() -> None:
    player = Player()
    player.has(past(50, 40))
    player.do(Play(change=Change(start=At(MINUTE.start_us or 0), end=Place.UNBOUNDED)))

    assert ({}, FIRST) == sent_of(None)
    assert ({}, FIRST) == sent_of(player.session._playback.epoch)


def test_what_was_sent_in_live_is_told_by_offsets() -> None:
    player = Player()
    player.has(past(50, 40))
    player.do(Tail())

    sent, cursor = sent_of(player.session._playback.epoch)

    assert {topic().topic_id: Progress(base={0: 2})} == sent
    assert FIRST == cursor


def test_a_resume_goes_on_behind_the_token_and_the_viewers_places() -> None:
    kept = Kept(topic("a").topic_id, {0: 1}, {0: 5}, None, False)

    found = resumed(scope("a"), standing(a=kept), Cursor(20, "a", 0, 3), {"a": {0: 2}}, now())

    (track,) = found.tracks
    assert Progress(base={0: 2}, frontier={0: 5}, cursor=Cursor(20, "a", 0, 3)) == track._told
    assert Window(7, None) == track.window
    assert ({}, []) == (found.awaited, found.gone)


def test_a_topic_made_anew_since_is_gone_and_begins_anew() -> None:
    kept = Kept(topic("a", made=0).topic_id, {0: 1}, {0: 5}, None, False)

    found = resumed(scope("a"), standing(a=kept), None, {}, now())

    assert [Gap(topic="a", partition=0, from_offset=0, to_offset=5, reason="deleted")] == found.gone
    assert Progress() == found.tracks[0]._told


def test_a_topic_that_is_not_there_yet_is_awaited() -> None:
    kept = Kept(topic("b").topic_id, {0: 1}, {}, None, False)

    found = resumed(scope("a"), standing(b=kept), None, {}, now())

    assert kept == found.awaited["b"].kept


def test_an_edge_that_was_never_told_is_looked_for_again() -> None:
    kept = Kept(topic("a").topic_id, {}, {}, None, True)

    again = resumed(scope("a"), standing(a=kept), None, {}, now())
    known = resumed(scope("a"), standing(a=kept), None, {"a": {0: 4}}, now())

    assert again.tracks[0].at_edge
    assert not known.tracks[0].at_edge


def test_on_the_way_to_live_what_was_sent_is_told_by_place() -> None:
    player = Player(topic("a"), topic("b"))
    player.has(past(50, 40))
    player.do(Tail())
    player.answers = False
    player.change(topic("a"))  # live begins anew behind what was sent of the other one, and nothing is read yet

    epoch = player.session._playback.epoch
    sent, cursor = sent_of(epoch)

    assert epoch is not None and epoch.hurry and not epoch.reading.live
    assert {topic("a").topic_id: Progress(base={0: 2})} == sent
    assert FIRST == cursor
