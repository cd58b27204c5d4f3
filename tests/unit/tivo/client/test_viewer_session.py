import json
from typing import Any

import pytest

from tests.unit.tivo.playback.events import now, topic
from tivo.client.viewer_session import REMEMBERED_PLACES, Frame, ShownEvent, ViewerSession
from tivo.playback.effects import Tell
from tivo.playback.encoding import encode
from tivo.playback.protocol import decode
from tivo.playback.session import Session


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
    assert not {"speed", "pos"} & resume.keys()


def test_after_tail_a_loop_and_a_fit_which_need_an_end_are_not_asked_for_again() -> None:
    playing = session()
    playing.keep({"action": "play", "id": "1", "fit": 20, "loop": True})
    playing.become({"status": "playing", "epoch": 1, "speed": 50, "fit": 20, "loop": True})

    playing.keep({"action": "tail", "id": "2", "delay_ms": 500})
    playing.become({"status": "tailing", "epoch": 2, "end_us": None, "speed": 50, "loop": False})

    resume = playing.resume()[0]
    assert (False, 50) == (resume["loop"], resume["speed"])
    assert not {"fit", "delay_ms"} & resume.keys()


def test_nor_where_the_window_went_on_into_the_live_stream_at_its_end() -> None:
    playing = session()
    playing.keep({"action": "play", "id": "1", "fit": 20, "loop": 2, "end_action": "tail"})

    playing.hear({"type": "state", "status": "tailing", "epoch": 2, "end_us": None, "speed": 50, "loop": False})

    resume = playing.resume()[0]
    assert (False, 50, "tail") == (resume["loop"], resume["speed"], resume["end_action"])
    assert "fit" not in resume


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ({"speed": None, "rate": 5, "loop": False}, {"rate": 5, "loop": False}),
        ({"speed": 9, "fit": 3, "loop": True}, {"fit": 3, "loop": True}),
        (
            {"speed": "unlimited", "loop": {"count": 3, "mode": "restart", "gap_ms": 5}},
            {"speed": "unlimited", "loop": {"count": 3, "mode": "restart", "gap_ms": 5}},
        ),
    ],
)
def test_pacing_and_loop_are_asked_for_as_they_were_told(told: dict[str, Any], wanted: dict[str, Any]) -> None:
    playing = session()
    playing.keep({"action": "play", "id": "1", "fit": 60, "loop": True})

    playing.hear({"type": "state", "status": "playing", "epoch": 1, **told})

    resume = playing.resume()[0]
    assert wanted == {name: resume[name] for name in ("speed", "fit", "rate", "loop") if name in resume}


def refused(state: dict[str, Any] | None = None, *, times: int) -> ViewerSession:
    playing = session({"pos_us": 7_000_000, **(state or {})})
    playing.keep({"action": "play", "id": "1", "filter": {"key": "a*"}, "loop": True, "speed": 1})
    playing.refused = times
    return playing


SINGLY = [
    {"action": "set", "filter": {"key": "a*"}},
    {"action": "set", "loop": True},
    {"action": "set", "speed": 1},
]


def test_refused_with_its_controls_it_goes_on_without_them_and_asks_for_one_after_the_other() -> None:
    playing = refused(times=1)

    resume = {"action": "resume", "id": "resume", "cursor": "c0", "after": None, "offsets": {}}
    assert [resume, *SINGLY] == playing.resume()


def test_refused_then_and_paused_it_is_paused_again() -> None:
    assert {"action": "pause"} == refused({"status": "paused"}, times=1).resume()[-1]


@pytest.mark.parametrize(
    ("state", "move"),
    [
        ({}, {"action": "play", "pos": 0.002}),
        ({"status": "paused"}, {"action": "set", "pos": 0.002}),
        ({"status": "ended"}, {"action": "set", "pos": None}),
        ({"status": "tailing", "end_us": None}, {"action": "tail"}),
        ({"status": "tailing"}, {"action": "play", "pos": 0.002}),
    ],
)
def test_refused_once_more_it_begins_anew_where_it_was(state: dict[str, Any], move: dict[str, Any]) -> None:
    playing = refused({"start_us": 500_000, "end_us": 2_000_000, **state}, times=2)
    playing.take(frame(event(1, time_us=2_000)))

    end = None if state.get("end_us", 0) is None else 2.0
    assert [{"action": "set", "start": 0.5, "end": end}, *SINGLY, {"id": "resume", **move}] == playing.resume()


def test_without_an_event_since_it_begins_anew_at_the_position_told() -> None:
    assert {"id": "resume", "action": "play", "pos": 7.0} == refused(times=2).resume()[-1]


def test_topics_are_kept_once_in_the_order_they_came() -> None:
    playing = session()

    playing.keep({"action": "subscribe", "topics": ["a", "quakes", "b"]})
    playing.keep({"action": "unsubscribe", "topics": ["quakes"]})

    assert ["a", "b"] == playing.topics


def test_other_commands_leave_nothing_behind() -> None:
    playing = session()

    playing.keep({"action": "seek", "pos": 5})

    assert "pos" not in playing.resume()[0]


def test_other_notices_leave_the_place_as_it_is() -> None:
    playing = session()
    before = playing.resume()

    for notice in ({"type": "clock", "pos_us": 5}, {"type": "gap", "topic": "quakes", "reason": "retention"}):
        playing.hear(notice)

    assert before == playing.resume()


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


class Gateway:
    """A session as a gateway runs it, without the socket."""

    def __init__(self) -> None:
        self._session = Session(sid="s", server="test", topics=("a",), catalogue={"a": topic()})
        self._session.open(now())

    def asked(self, viewer: ViewerSession, *commands: dict[str, Any]) -> list[Any]:
        """Say commands, and let the viewer take what is told; the codes of what was refused."""
        refused = []
        for command in commands:
            effects = self._session.receive(decode(json.dumps(command)), now())
            for notice in (json.loads(encode(effect.notice)) for effect in effects if isinstance(effect, Tell)):
                match notice["type"]:
                    case "ack":
                        viewer.keep(command)
                        viewer.become(notice["state"])
                    case "error":
                        refused.append(notice["code"])
                    case _:
                        viewer.hear(notice)
        return refused


@pytest.mark.parametrize("refused", [0, 1, 2])
@pytest.mark.parametrize("pacing", [{"fit": 20}, {"speed": 7.3}, {"rate": 5}])
@pytest.mark.parametrize(
    "moved",
    [[], [{"action": "pause"}], [{"action": "stop"}], [{"action": "tail"}], [{"action": "tail", "delay_ms": 5}]],
)
def test_a_gateway_takes_whatever_is_asked_for_after_a_reconnect(
    moved: list[dict[str, Any]], pacing: dict[str, Any], refused: int
) -> None:
    viewer = ViewerSession(["a"])
    play = {"action": "play", "start": "-1h", "end": "-1m", "loop": 3, "max_rate": 9, "filter": {"key": "b*"}, **pacing}
    assert [] == Gateway().asked(viewer, play, *moved)
    viewer.refused = refused
    before = viewer.state

    assert [] == Gateway().asked(viewer, *viewer.resume())

    after = viewer.state
    assert (before.start_us, before.end_us, before.speed, before.loop) == (
        after.start_us, after.end_us, after.speed, after.loop
    )  # fmt: skip
    assert after.status == (before.status if refused < 2 or before.status != "ended" else "paused")
