from typing import Any

from tivo.client.viewer_session import REMEMBERED_PLACES, Frame, ShownEvent, ViewerSession


def event(offset: int, **more: Any) -> ShownEvent:
    place = {"topic": "quakes", "partition": 0, "offset": offset, "time_us": offset, "received_us": offset}
    return ShownEvent(**{**place, "id": str(offset), **more})


def frame(*events: ShownEvent, **more: Any) -> Frame:
    return Frame(**{"epoch": 1, "n": 1, "events": events, **more})


def session(state: dict[str, Any] | None = None) -> ViewerSession:
    begun = ViewerSession(["quakes"])
    begun.hear({"type": "state", "status": "playing", "epoch": 1, "cursor": "c0", **(state or {})})
    return begun


def offsets(events: list[ShownEvent]) -> list[int]:
    return [each.offset for each in events]


def test_before_anything_was_heard_there_is_nothing_to_resume() -> None:
    assert [] == ViewerSession(["quakes"]).resume()


def test_a_new_pacing_replaces_the_other() -> None:
    playing = session()
    playing.keep({"action": "play", "id": "1", "speed": 60, "loop": True, "pos": "-1h"})

    playing.keep({"action": "set", "id": "2", "fit": 20})

    resume = playing.resume()[0]
    assert 20 == resume["fit"]
    assert resume["loop"] is True
    assert not {"speed", "pos", "id"} & resume.keys()


def test_topics_are_kept_once_in_the_order_they_came() -> None:
    playing = session()

    playing.keep({"action": "subscribe", "topics": ["a", "quakes", "b"]})
    playing.keep({"action": "unsubscribe", "topics": ["quakes"]})

    assert ["a", "b"] == playing.topics


def test_other_commands_leave_nothing_behind() -> None:
    playing = session()

    playing.keep({"action": "seek", "pos": 5})

    assert "pos" not in playing.resume()[0]


def test_a_frame_of_an_older_epoch_gives_nothing() -> None:
    playing = session()
    playing.hear({"type": "reset", "epoch": 2, "pos_us": 0, "why": "seek"})

    assert [] == playing.take(frame(event(1)))


def test_a_state_of_an_older_epoch_changes_nothing() -> None:
    playing = session({"epoch": 3, "speed": 2})

    playing.hear({"type": "state", "status": "ended", "epoch": 2})

    assert ("playing", 2) == (playing.state.status, playing.state.speed)


def test_a_new_cursor_takes_the_place_of_what_came_before() -> None:
    playing = session()
    playing.take(frame(event(1), event(2)))

    playing.hear({"type": "state", "status": "playing", "epoch": 1, "cursor": "c1"})

    resume = playing.resume()[0]
    assert ("c1", None) == (resume["cursor"], resume["after"])


def test_the_same_cursor_again_keeps_what_came_since() -> None:
    playing = session()
    playing.take(frame(event(1), event(2)))

    playing.become({"status": "playing", "epoch": 1, "cursor": "c0"})

    assert 2 == playing.resume()[0]["after"]["offset"]  # type: ignore[index]  # JSON


def test_a_live_cursor_keeps_the_next_offsets() -> None:
    playing = session({"status": "tailing"})
    playing.hear({"type": "caught_up", "offsets": {"quakes": {"0": 1}}})

    playing.take(frame(event(1), live=True, cursor="c1"))

    assert {"quakes": {"0": 2}} == playing.resume()[0]["offsets"]


def test_in_a_new_epoch_the_same_events_are_no_repeats() -> None:
    playing = session()
    playing.take(frame(event(1), event(2)))
    playing.resume()

    playing.hear({"type": "reset", "epoch": 2, "pos_us": 0, "why": "loop"})

    assert [1, 2] == offsets(playing.take(frame(event(1), event(2), epoch=2)))


def test_the_cursor_of_an_answer_holds_only_where_it_opens_an_epoch() -> None:
    playing = session()
    playing.take(frame(event(1)))

    playing.become({"status": "playing", "epoch": 1, "cursor": "overtakes"})
    same_epoch = playing.resume()[0]
    playing.become({"status": "playing", "epoch": 2, "cursor": "c2"})

    assert ("c0", 1) == (same_epoch["cursor"], same_epoch["after"]["offset"])  # type: ignore[index]  # JSON
    assert "c2" == playing.resume()[0]["cursor"]


def test_a_reset_brings_the_place_where_its_epoch_begins() -> None:
    playing = session()
    playing.take(frame(event(1)))

    playing.hear({"type": "reset", "epoch": 2, "pos_us": 0, "why": "seek", "cursor": "c2"})

    resume = playing.resume()[0]
    assert ("c2", None) == (resume["cursor"], resume["after"])


def test_an_early_event_does_not_move_the_place() -> None:
    playing = session()

    playing.take(frame(event(1), event(9, early=True)))

    assert 1 == playing.resume()[0]["after"]["offset"]  # type: ignore[index]  # JSON


def test_a_topic_made_anew_counts_from_0_again() -> None:
    playing = session({"status": "tailing"})
    playing.hear({"type": "caught_up", "offsets": {"quakes": {"0": 5}, "other": {"0": 7}}})

    playing.hear({"type": "gap", "topic": "quakes", "reason": "deleted"})

    assert {"other": {"0": 7}} == playing.resume()[0]["offsets"]


def test_what_is_remembered_is_bounded() -> None:
    playing = session()
    playing.take(frame(*(event(offset) for offset in range(REMEMBERED_PLACES + 1))))
    playing.resume()

    assert [0] == offsets(playing.take(frame(event(0), event(1))))
