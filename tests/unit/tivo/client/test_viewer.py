"""The viewer against a scripted gateway in the same process, on a real socket; time passes when the test says so."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tivo.client.viewer import ACK_S, FIRST_RETRY_S, HELD_EVENTS, Connection, Viewer, Waits
from tivo.model.errors import CommandError, GatewayError, RequestError

RETRY_S = FIRST_RETRY_S * 0.75
"""The first wait where the draw is one half."""


class Patience:
    """Waits end when the test says so."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self._over: defaultdict[float, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(0))
        self._begun: defaultdict[float, asyncio.Event] = defaultdict(asyncio.Event)

    async def sleep(self, seconds: float) -> None:
        self.asked.append(seconds)
        self._begun[seconds].set()
        await self._over[seconds].acquire()

    def end(self, seconds: float) -> None:
        self._over[seconds].release()

    async def begun(self, seconds: float) -> None:
        await self._begun[seconds].wait()

    @property
    def waits(self) -> Waits:
        return Waits(sleep=self.sleep, draw=lambda: 0.5)


class Line:
    """One connection, from the gateway's side."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket

    @property
    def path(self) -> str:
        assert self.socket.request is not None
        return self.socket.request.path

    async def heard(self) -> dict[str, Any]:
        command: dict[str, Any] = json.loads(await self.socket.recv())
        return command

    async def say(self, *notices: dict[str, Any]) -> None:
        for notice in notices:
            await self.socket.send(json.dumps(notice))

    async def ack(self, state: dict[str, Any] | None = None, **rest: Any) -> dict[str, Any]:
        command = await self.heard()
        await self.say(
            {"type": "ack", "id": command["id"], "action": command["action"], "state": state_of(state), **rest}
        )
        return command

    def lose(self) -> None:
        self.socket.transport.abort()


class Gateway:
    """Gives the connections that viewers open, one after the other."""

    def __init__(self) -> None:
        self.lines: asyncio.Queue[Line] = asyncio.Queue()
        self.url = ""

    async def handle(self, socket: ServerConnection) -> None:
        await self.lines.put(Line(socket))
        await socket.wait_closed()

    async def line(self) -> Line:
        return await self.lines.get()


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    scripted = Gateway()
    async with serve(scripted.handle, "127.0.0.1", 0, subprotocols=["tivo.v1.json"]) as server:  # type: ignore[list-item]  # a NewType of str
        port = next(iter(server.sockets)).getsockname()[1]
        scripted.url = f"http://127.0.0.1:{port}/"
        yield scripted


@pytest.fixture
def patience() -> Patience:
    return Patience()


def state_of(state: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "status": "playing",
        "start_us": 0,
        "end_us": 60_000_000,
        "pos_us": 0,
        "speed": 1,
        "loop": False,
        "iteration": 0,
        "epoch": 1,
        "cursor": "c0",
        **(state or {}),
    }


def event(offset: int, **more: Any) -> dict[str, Any]:
    time_us = offset * 1_000
    place = {"topic": "quakes", "partition": 0, "offset": offset, "time_us": time_us, "received_us": time_us}
    return {**place, "id": str(offset), "key": None, "value": offset, "headers": {}, **more}


def frame(n: int, *events: int | dict[str, Any], **more: Any) -> dict[str, Any]:
    shown = [event(each) if isinstance(each, int) else each for each in events]
    return {"type": "events", "epoch": 1, "n": n, "due_us": 0, "iteration": 0, "events": shown, **more}


async def take(viewer: Viewer, count: int) -> list[object]:
    return [(await anext(viewer)).value for _ in range(count)]


async def test_controls_become_the_first_command(gateway: Gateway, patience: Patience) -> None:
    async with Viewer(gateway.url, "quakes", "metrics.*", waits=patience.waits, autoplay=True, start="-1h", fit=60):
        line = await gateway.line()

        assert {"action": "play", "id": "1", "max_rate": 1000, "start": "-1h", "fit": 60} == await line.heard()
        assert "/ws?topics=quakes,metrics.*" == line.path
        assert "tivo.v1.json" == line.socket.subprotocol


async def test_raw_values_are_asked_for_on_every_connection(gateway: Gateway, patience: Patience) -> None:
    async with Viewer(gateway.url, "quakes", waits=patience.waits, raw=True):
        first = await gateway.line()
        first.lose()
        patience.end(RETRY_S)
        again = await gateway.line()

        assert ["/ws?topics=quakes&raw=1"] * 2 == [first.path, again.path]


async def test_a_token_travels_as_a_sub_protocol(gateway: Gateway, patience: Patience) -> None:
    async with Viewer(gateway.url, "quakes", waits=patience.waits, token="~~~???x"):
        line = await gateway.line()

        assert line.socket.request is not None
        assert "tivo.v1.json, tivo.bearer.fn5-Pz8_eA" == line.socket.request.headers["Sec-WebSocket-Protocol"]


async def test_events_come_in_order_until_the_window_has_ended(gateway: Gateway, patience: Patience) -> None:
    async with Viewer(gateway.url, "quakes", waits=patience.waits, autoplay=True) as viewer:
        line = await gateway.line()
        await line.ack()
        await line.say(frame(1, 1, 2), frame(2, 3), {"type": "state", **state_of({"status": "ended"})})

        assert [1, 2, 3] == [event.value async for event in viewer]


async def test_a_command_gives_the_state_it_led_to(gateway: Gateway, patience: Patience) -> None:
    async with Viewer(gateway.url, "quakes", waits=patience.waits) as viewer, asyncio.TaskGroup() as tasks:
        line = await gateway.line()
        await line.ack()
        asked = tasks.create_task(viewer.seek("+10s"))

        command = await line.ack({"status": "paused", "pos_us": 10_000_000, "epoch": 2})

        assert ("seek", "+10s") == (command["action"], command["pos"])
        assert 10_000_000 == (await asked).pos_us
        assert "paused" == viewer.state.status


async def test_an_answer_that_waited_does_not_undo_a_state_told_meanwhile(gateway: Gateway, patience: Patience) -> None:
    async with Viewer(gateway.url, "quakes", waits=patience.waits) as viewer, asyncio.TaskGroup() as tasks:
        line = await gateway.line()
        await line.ack()
        asked = tasks.create_task(viewer.pause())
        command = await line.heard()

        await line.say({"type": "state", **state_of({"status": "ended"})})
        await line.say({"type": "ack", "id": command["id"], "state": state_of({"status": "paused"})})

        assert "ended" == (await asked).status


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda viewer: viewer.play(speed=60), {"action": "play", "speed": 60}),
        (lambda viewer: viewer.pause(), {"action": "pause"}),
        (lambda viewer: viewer.step(-2, "batch"), {"action": "step", "n": -2, "by": "batch"}),
        (lambda viewer: viewer.tail(), {"action": "tail"}),
        (lambda viewer: viewer.tail(delay_ms=500), {"action": "tail", "delay_ms": 500}),
        (lambda viewer: viewer.set(loop=True), {"action": "set", "loop": True}),
        (lambda viewer: viewer.subscribe("a", "b*"), {"action": "subscribe", "topics": ["a", "b*"]}),
        (lambda viewer: viewer.unsubscribe("a"), {"action": "unsubscribe", "topics": ["a"]}),
    ],
)
async def test_commands_are_said_in_the_words_of_the_protocol(
    ask: Any, said: dict[str, Any], gateway: Gateway, patience: Patience
) -> None:
    async with Viewer(gateway.url, "quakes", waits=patience.waits) as viewer, asyncio.TaskGroup() as tasks:
        line = await gateway.line()
        await line.ack()
        tasks.create_task(ask(viewer))

        command = await line.ack()

        assert {**said, "id": "2"} == command


async def test_questions_give_their_result(gateway: Gateway, patience: Patience) -> None:
    async with Viewer(gateway.url, "quakes", waits=patience.waits) as viewer, asyncio.TaskGroup() as tasks:
        line = await gateway.line()
        await line.ack()
        counts = tasks.create_task(viewer.overview(buckets=2))
        assert 2 == (await line.ack(result={"topics": {"quakes": {"counts": [1, 2]}}}))["buckets"]
        topics = tasks.create_task(viewer.topics())
        await line.ack(result={"topics": [{"name": "quakes"}]})

        assert {"topics": {"quakes": {"counts": [1, 2]}}} == await counts
        assert [{"name": "quakes"}] == await topics


async def test_a_refused_command_raises_what_the_gateway_said(gateway: Gateway, patience: Patience) -> None:
    async with Viewer(gateway.url, "quakes", waits=patience.waits) as viewer, asyncio.TaskGroup() as tasks:
        line = await gateway.line()
        await line.ack()
        asked = tasks.create_task(_error_of(viewer.set(speed=-1)))

        command = await line.heard()
        message = "speed must be above 0, got -1"
        await line.say(
            {"type": "error", "id": command["id"], "code": "bad_speed", "field": "speed", "message": message}
        )

        error = await asked
        assert isinstance(error, CommandError)
        assert (message, "bad_speed", "speed") == (str(error), error.code, error.field)


async def test_refused_controls_are_raised_to_the_reader(gateway: Gateway, patience: Patience) -> None:
    async with Viewer(gateway.url, "quakes", waits=patience.waits, autoplay=True, speed=-1) as viewer:
        line = await gateway.line()
        command = await line.heard()
        await line.say({"type": "error", "id": command["id"], "code": "bad_speed", "message": "no"})

        with pytest.raises(CommandError, match="no"):
            await anext(viewer)
        with pytest.raises(CommandError, match="no"):
            await viewer.play()


async def test_frames_of_an_older_epoch_are_dropped(gateway: Gateway, patience: Patience) -> None:
    async with Viewer(gateway.url, "quakes", waits=patience.waits, autoplay=True) as viewer:
        line = await gateway.line()
        await line.ack()

        reset = {"type": "reset", "epoch": 2, "pos_us": 0, "why": "seek"}
        await line.say(reset, frame(1, 1), frame(2, 2, epoch=2))

        assert [2] == await take(viewer, 1)


async def test_credit_is_returned_for_what_was_taken(gateway: Gateway, patience: Patience) -> None:
    async with Viewer(gateway.url, "quakes", waits=patience.waits, autoplay=True) as viewer:
        line = await gateway.line()
        await line.ack()
        await line.say(frame(1, 1), frame(2, 2, 3), frame(3, 4))

        await take(viewer, 2)
        patience.end(ACK_S)
        assert {"action": "ack", "n": 1} == await line.heard()
        await take(viewer, 2)
        patience.end(ACK_S)

        assert {"action": "ack", "n": 3} == await line.heard()


async def test_credit_for_64_frames_is_returned_at_once(gateway: Gateway, patience: Patience) -> None:
    async with Viewer(gateway.url, "quakes", waits=patience.waits, autoplay=True) as viewer:
        line = await gateway.line()
        await line.ack()
        await line.say(*(frame(n, n) for n in range(1, 65)))

        await take(viewer, 64)

        assert {"action": "ack", "n": 64} == await line.heard()


async def test_every_notice_can_be_heard(gateway: Gateway, patience: Patience) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with Viewer(
        gateway.url, "q", waits=patience.waits, on_notice=lambda notice: heard.put_nowait(notice["type"])
    ):
        line = await gateway.line()
        await line.say({"type": "gap", "reason": "retention"}, {"type": "something_new"})

        assert ["gap", "something_new"] == [await heard.get(), await heard.get()]


async def test_in_history_it_goes_on_behind_the_last_event_in_order(gateway: Gateway, patience: Patience) -> None:
    async with Viewer(gateway.url, "quakes", waits=patience.waits, autoplay=True, start="-1h", fit=60) as viewer:
        line = await gateway.line()
        await line.ack({"fit": 60})
        await line.say(frame(1, 1, 2, cursor="c1"), frame(2, 3, event(0, late=True)))
        await take(viewer, 4)

        line.lose()
        patience.end(RETRY_S)
        line = await gateway.line()

        assert {
            "action": "resume",
            "id": "resume",
            "max_rate": 1000,
            "loop": False,
            "fit": 60,
            "cursor": "c1",
            "after": {"time_us": 3000, "topic": "quakes", "partition": 0, "offset": 3},
            "offsets": {},
        } == await line.heard()


async def test_in_live_it_goes_on_at_the_next_offset(gateway: Gateway, patience: Patience) -> None:
    async with Viewer(gateway.url, "quakes", waits=patience.waits, autoplay=True) as viewer:
        line = await gateway.line()
        await line.ack({"status": "tailing", "end_us": None})
        caught_up = {"type": "caught_up", "time_us": 0, "offsets": {"quakes": {"0": 5, "1": 7}}}
        await line.say(caught_up, frame(1, 5, 6, live=True))
        await take(viewer, 2)

        line.lose()
        patience.end(RETRY_S)
        line = await gateway.line()
        command = await line.heard()

        assert {"quakes": {"0": 7, "1": 7}} == command["offsets"]


async def test_repeats_after_a_reconnect_are_dropped(gateway: Gateway, patience: Patience) -> None:
    async with Viewer(gateway.url, "quakes", waits=patience.waits, autoplay=True) as viewer:
        line = await gateway.line()
        await line.ack()
        await line.say(frame(1, 1, 2), frame(2, event(0, late=True)))
        await take(viewer, 3)

        line.lose()
        patience.end(RETRY_S)
        line = await gateway.line()
        await line.say(frame(1, event(0, late=True), 2, 3, epoch=0), frame(2, 4, epoch=0))

        assert [3, 4] == await take(viewer, 2)


async def test_the_next_turn_of_a_loop_is_no_repeat(gateway: Gateway, patience: Patience) -> None:
    async with Viewer(gateway.url, "quakes", waits=patience.waits, autoplay=True, loop=True) as viewer:
        line = await gateway.line()
        await line.ack()
        await line.say(frame(1, 1, 2))
        await take(viewer, 2)
        line.lose()
        patience.end(RETRY_S)
        line = await gateway.line()

        reset = {"type": "reset", "epoch": 5, "pos_us": 0, "why": "loop"}
        await line.say(reset, frame(1, 1, 2, epoch=5, iteration=1))

        assert [1, 2] == await take(viewer, 2)


async def test_a_paused_viewer_is_paused_again_and_commands_follow(gateway: Gateway, patience: Patience) -> None:
    async with Viewer(gateway.url, "quakes", waits=patience.waits) as viewer, asyncio.TaskGroup() as tasks:
        line = await gateway.line()
        await line.ack({"status": "paused"})
        first = tasks.create_task(viewer.set(speed=9))
        await line.heard()

        line.lose()
        patience.end(RETRY_S)
        line = await gateway.line()

        assert ["resume", "pause"] == [(await line.heard())["action"], (await line.heard())["action"]]
        assert 9 == (await line.ack({"status": "paused", "speed": 9}))["speed"]
        assert 9 == (await first).speed


async def test_waits_grow_to_10_s(gateway: Gateway, patience: Patience) -> None:
    async with Viewer(gateway.url, "quakes", waits=patience.waits):
        for attempt in range(8):
            line = await gateway.line()
            line.lose()
            patience.end(min(0.25 * 2**attempt, 10.0) * 0.75)
        await gateway.line()

    waits = [seconds / 0.75 for seconds in patience.asked if seconds != ACK_S]
    assert [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0] == waits


async def test_what_was_asked_for_in_an_outage_that_is_over_does_not_lengthen_the_wait(
    gateway: Gateway, patience: Patience
) -> None:
    async with Viewer(gateway.url, "quakes", waits=patience.waits, autoplay=True) as viewer:
        line = await gateway.line()
        await line.ack()
        await line.say({"type": "error", "code": "store_unavailable", "message": "away", "retry_ms": 5000}, frame(1, 1))
        await take(viewer, 1)

        line.lose()
        patience.end(RETRY_S)
        await gateway.line()

    assert 5.0 not in patience.asked


async def test_a_longer_wait_that_was_asked_for_is_kept_once_and_a_goodbye_does_not_shorten_it(
    gateway: Gateway, patience: Patience
) -> None:
    async with Viewer(gateway.url, "quakes", waits=patience.waits):
        line = await gateway.line()
        full = {"type": "error", "code": "too_many_sessions", "message": "full", "retry_ms": 3000}
        await line.say(full, {"type": "bye", "code": 1013, "reason": "full"})
        await line.socket.close(1013, "full")
        await patience.begun(3.0)
        patience.end(3.0)
        line = await gateway.line()

        line.lose()
        await patience.begun(2 * RETRY_S)


async def refuse(line: Line, *behind: dict[str, Any]) -> dict[str, Any]:
    """Refuse to go on, whatever way it is asked for, and say more behind that."""
    while (command := await line.heard()).get("id") != "resume":
        pass
    await line.say(
        {"type": "error", "id": "resume", "code": "bad_value", "message": f"no {command['action']}"}, *behind
    )
    return command


async def test_where_it_is_refused_to_go_on_it_asks_for_less_and_says_so(gateway: Gateway, patience: Patience) -> None:
    told: list[Any] = []
    async with Viewer(gateway.url, "q", waits=patience.waits, autoplay=True, on_notice=told.append, loop=2) as viewer:
        line = await gateway.line()
        await line.ack({"loop": True})
        await line.say(frame(1, 1))
        await take(viewer, 1)
        line.lose()
        patience.end(RETRY_S)

        first = await refuse(await gateway.line())
        second = await refuse(await gateway.line())
        third = await refuse(await gateway.line())

        assert ["resume", "resume", "play"] == [each["action"] for each in (first, second, third)]
        assert (True, False) == ("loop" in first, "loop" in second)
        with pytest.raises(GatewayError, match="bad_value: no play"):
            await anext(viewer)
        assert ["no resume", "no resume", "no play"] == [each["message"] for each in told if each["type"] == "error"]


async def test_once_it_goes_on_the_next_resume_asks_for_everything_again(gateway: Gateway, patience: Patience) -> None:
    async with Viewer(gateway.url, "q", waits=patience.waits, autoplay=True) as viewer:
        line = await gateway.line()
        await line.ack()
        line.lose()
        patience.end(RETRY_S)
        await refuse(await gateway.line())
        line = await gateway.line()
        assert "max_rate" not in await line.ack()
        await line.say(frame(1, 1))
        await take(viewer, 1)
        line.lose()
        patience.end(RETRY_S)

        assert 1000 == (await (await gateway.line()).heard())["max_rate"]


async def test_commands_that_wait_are_asked_again_when_the_place_is_found(gateway: Gateway, patience: Patience) -> None:
    async with Viewer(gateway.url, "q", waits=patience.waits, autoplay=True) as viewer, asyncio.TaskGroup() as tasks:
        line = await gateway.line()
        await line.ack()
        asked = tasks.create_task(viewer.pause())
        await line.heard()
        line.lose()
        patience.end(RETRY_S)
        await refuse(await gateway.line(), {"type": "ack", "id": "2", "state": state_of({"pos_us": 1})})

        line = await gateway.line()
        while "pause" != (await line.heard())["action"]:
            pass
        await line.say({"type": "ack", "id": "2", "state": state_of({"pos_us": 2})})

        assert 2 == (await asked).pos_us


@pytest.mark.parametrize(("code", "reason"), [(4401, ""), (4403, "not yours"), (1008, "forbidden"), (1009, "")])
async def test_a_final_close_is_raised_to_whoever_waits(
    code: int, reason: str, gateway: Gateway, patience: Patience
) -> None:
    async with Viewer(gateway.url, "quakes", waits=patience.waits) as viewer, asyncio.TaskGroup() as tasks:
        line = await gateway.line()
        await line.ack()
        asked = tasks.create_task(_error_of(viewer.pause()))
        await line.heard()
        await line.say(frame(1, 1))

        await line.socket.close(code, reason)

        assert [1] == await take(viewer, 1)
        with pytest.raises(GatewayError, match=f"{code}.*{reason}"):
            await anext(viewer)
        assert isinstance(await asked, GatewayError)


@pytest.mark.parametrize(("code", "reason"), [(1001, ""), (1008, "slow: no progress"), (1011, ""), (1013, "")])
async def test_other_closes_are_mended(code: int, reason: str, gateway: Gateway, patience: Patience) -> None:
    async with Viewer(gateway.url, "quakes", waits=patience.waits):
        line = await gateway.line()
        await line.ack()

        await line.socket.close(code, reason)
        patience.end(RETRY_S)
        line = await gateway.line()

        assert "resume" == (await line.heard())["action"]


async def test_a_resume_that_was_lost_with_its_connection_is_said_again(gateway: Gateway, patience: Patience) -> None:
    async with Viewer(gateway.url, "quakes", waits=patience.waits) as viewer:
        line = await gateway.line()
        await line.ack()
        await line.say(frame(1, 1))
        await take(viewer, 1)
        line.lose()
        patience.end(RETRY_S)
        line = await gateway.line()
        await line.heard()

        await line.socket.close(1013, "try later")
        patience.end(2 * RETRY_S)
        line = await gateway.line()

        assert 1 == (await line.heard())["after"]["offset"]


async def test_a_fatal_error_is_final(gateway: Gateway, patience: Patience) -> None:
    async with Viewer(gateway.url, "quakes", waits=patience.waits) as viewer:
        line = await gateway.line()

        await line.say({"type": "error", "code": "unauthorized", "message": "who are you?", "fatal": True})

        with pytest.raises(GatewayError, match="who are you"):
            await anext(viewer)


async def test_a_gateway_that_is_done_ends_the_iteration(gateway: Gateway, patience: Patience) -> None:
    async with Viewer(gateway.url, "quakes", waits=patience.waits) as viewer:
        line = await gateway.line()
        await line.ack()
        await line.say(frame(1, 1))

        await line.socket.close(1000)

        assert [1] == [event.value async for event in viewer]


async def test_an_idle_connection_is_opened_again_by_the_next_command(gateway: Gateway, patience: Patience) -> None:
    async with Viewer(gateway.url, "quakes", waits=patience.waits) as viewer, asyncio.TaskGroup() as tasks:
        line = await gateway.line()
        await line.ack({"status": "paused"})
        await line.socket.close(4408, "idle")
        tasks.create_task(viewer.play())

        line = await gateway.line()

        assert ["resume", "pause"] == [(await line.heard())["action"], (await line.heard())["action"]]
        assert "play" == (await line.ack())["action"]
        assert RETRY_S not in patience.asked


async def test_a_reader_far_behind_lets_go_and_resumes_when_there_is_room(gateway: Gateway, patience: Patience) -> None:
    async with Viewer(gateway.url, "quakes", waits=patience.waits, autoplay=True) as viewer:
        line = await gateway.line()
        await line.ack()
        many = HELD_EVENTS + 1
        await line.say(frame(1, *range(many)))
        await line.socket.wait_closed()
        assert gateway.lines.empty()

        taken = await take(viewer, many)
        line = await gateway.line()

        assert list(range(many)) == taken
        assert many - 1 == (await line.heard())["after"]["offset"]


async def test_it_resumes_though_the_reader_is_there_before_the_connection_is_closed(
    gateway: Gateway, patience: Patience
) -> None:
    async with Viewer(gateway.url, "quakes", waits=patience.waits, autoplay=True) as viewer:
        line = await gateway.line()
        await line.ack()
        line.socket.transport.pause_reading()  # the close is not heard yet
        many = HELD_EVENTS + 1
        await line.say(frame(1, *range(many)))
        await take(viewer, many)
        line.socket.transport.resume_reading()
        await line.socket.wait_closed()

        async with asyncio.TaskGroup() as tasks:
            again, more = tasks.create_task(gateway.line()), tasks.create_task(_next(viewer))
            await asyncio.wait([again, more], return_when=asyncio.FIRST_COMPLETED)

            assert not more.done()
            assert many - 1 == (await (await again).heard())["after"]["offset"]
            more.cancel()


async def _next(viewer: Viewer) -> object:
    return await anext(viewer, None)


async def test_a_gateway_beside_the_protocol_is_refused(gateway: Gateway, patience: Patience) -> None:
    async with Viewer(gateway.url, "quakes", waits=patience.waits) as viewer:
        line = await gateway.line()

        await line.say({"type": "events", "n": "many"})

        with pytest.raises(GatewayError, match=r"not in tivo\.v1\.json"):
            await anext(viewer)


async def test_a_refused_upgrade_is_final(patience: Patience) -> None:
    async def refuse(connection: ServerConnection, request: object) -> object:
        return connection.respond(403, "no\n")

    async with serve(_nobody, "127.0.0.1", 0, process_request=refuse) as server:  # type: ignore[arg-type]
        port = next(iter(server.sockets)).getsockname()[1]
        async with Viewer(f"http://127.0.0.1:{port}", "quakes", waits=patience.waits) as viewer:
            with pytest.raises(GatewayError, match="403"):
                await anext(viewer)


async def test_a_gateway_that_is_away_is_tried_again(patience: Patience) -> None:
    async with serve(_nobody, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]

    async with Viewer(f"http://127.0.0.1:{port}", "quakes", waits=patience.waits) as viewer:
        patience.end(RETRY_S)
        await patience.begun(2 * RETRY_S)
        viewer.close()

        with pytest.raises(GatewayError, match="closed"):
            await viewer.play()


async def test_an_error_of_the_caller_comes_out_as_it_is(gateway: Gateway, patience: Patience) -> None:
    with pytest.raises(ZeroDivisionError):
        async with Viewer(gateway.url, "quakes", waits=patience.waits):
            raise ZeroDivisionError


async def _error_of(asked: Any) -> Exception:
    try:
        await asked
    except (CommandError, GatewayError) as error:
        return error
    raise AssertionError("it was not refused")


async def _nobody(socket: ServerConnection) -> None:
    raise AssertionError("nobody was to come through")


async def test_an_outage_is_told_once_and_so_is_its_end(gateway: Gateway, patience: Patience) -> None:
    news: list[Connection] = []
    async with Viewer(gateway.url, "quakes", waits=patience.waits, on_connection=news.append) as viewer:
        line = await gateway.line()
        await line.ack()
        line.lose()
        await patience.begun(RETRY_S)
        patience.end(RETRY_S)
        line = await gateway.line()
        line.lose()  # it stands, and says nothing
        await patience.begun(RETRY_S * 2)
        patience.end(RETRY_S * 2)
        line = await gateway.line()
        await line.ack()
        await line.say(frame(1, 1))
        await anext(viewer)

    assert [Connection("lost"), Connection("back")] == news


async def test_that_nobody_answers_is_told_with_the_reason(patience: Patience) -> None:
    news: list[Connection] = []
    async with Viewer("http://127.0.0.1:1/", "quakes", waits=patience.waits, on_connection=news.append):
        await patience.begun(RETRY_S)
        patience.end(RETRY_S)
        await patience.begun(RETRY_S * 2)

    (told,) = news
    assert "unanswered" == told.became
    assert "Connect call failed" in told.reason


async def test_a_viewer_is_connected_once_a_gateway_has_answered(gateway: Gateway, patience: Patience) -> None:
    async with Viewer(gateway.url, "quakes", waits=patience.waits) as viewer:
        await viewer.connected()
        await (await gateway.line()).ack()


def test_what_is_no_address_is_refused_before_anything_is_tried() -> None:
    with pytest.raises(RequestError, match="'nonsense' is no address of a gateway"):
        Viewer("nonsense", "quakes")
