import asyncio
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from tests.support.gateway_app import GatewayApp
from tests.support.tokens import users
from tivo.client.producer import NewRecord
from tivo.gateway.credentials import cookie
from tivo.gateway.server import MAX_MESSAGE_BYTES
from tivo.playback.facts import TopicRef

SEED = {"action": "play", "start": "1970-01-01T00:00:00Z", "end": "1970-01-01T00:00:01Z", "speed": 1, "loop": "False"}


@pytest.fixture
async def gateway() -> GatewayApp:
    """Ten stored events, a millisecond apart from 1970 on, in topic `t`."""
    made = GatewayApp()
    made.log.make("t")
    made.log.fill("t", 10)
    await made.log.store_all("t", made.store)
    return made


class Viewer:
    """A socket, and what it was told."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, **command: Any) -> None:
        await self.socket.send(orjson.dumps(command).decode())

    async def hear(self, kind: str) -> Any:
        """The next notice of a kind; others are passed over."""
        while (notice := orjson.loads(await self.socket.recv()))["type"] != kind:
            pass
        return notice

    async def ask(self, **command: Any) -> Any:
        """What a command is answered with: its ack or its error."""
        await self.say(**command)
        while (notice := orjson.loads(await self.socket.recv()))["type"] not in {"ack", "error"}:
            pass
        return notice

    async def shown_by(self, **command: Any) -> list[Any]:
        """What is shown until a command is answered."""
        await self.say(**command)
        shown: list[Any] = []
        while (notice := orjson.loads(await self.socket.recv()))["type"] != "ack":
            shown += notice.get("events", [])
        return shown

    async def events(self, gateway: GatewayApp, count: int) -> list[Any]:
        """So many events, the clock going on as long as they do not come."""
        shown: list[Any] = []
        while len(shown) < count:
            try:
                async with asyncio.timeout(0.01):
                    shown += (await self.hear("events"))["events"]
            except TimeoutError:
                gateway.forward(1_000)
        return shown

    async def closed(self) -> tuple[int, str]:
        """Code and reason, once the gateway has closed the socket."""
        await self.socket.wait_closed()
        return self.socket.close_code or 0, self.socket.close_reason or ""


@asynccontextmanager
async def viewer(gateway: GatewayApp, path: str = "/ws/t", **options: Any) -> AsyncIterator[Viewer]:
    async with gateway.listening() as address, connect(address + path, **options) as socket:
        yield Viewer(socket)


def values(events: list[Any]) -> list[int]:
    return [event["value"] for event in events]


async def test_the_first_notice_greets_and_tells_the_limits(gateway: GatewayApp) -> None:
    async with viewer(gateway) as one:
        hello = await one.hear("hello")

    assert ("tivo.v1", ["t"], gateway.clock.wall_us) == (hello["protocol"], hello["topics"], hello["now_us"])
    assert 512 == hello["limits"]["max_sessions"]


async def test_the_seeds_message_plays_its_window_once(gateway: GatewayApp) -> None:
    async with viewer(gateway) as one:
        ack = await one.ask(**SEED, id="1")
        shown = await one.events(gateway, 10)
        gateway.forward(1_000_000)
        end = await one.hear("end")

    assert ("ack", "1", False) == (ack["type"], ack["id"], ack["state"]["loop"])
    assert list(range(10)) == values(shown)
    assert 1 == end["iteration"]


async def test_only_events_of_which_an_expression_holds_come(gateway: GatewayApp) -> None:
    async with viewer(gateway) as one:
        ack = await one.ask(**SEED, filter={"where": "value >= 3 and value % 2 = 0"})
        shown = await one.events(gateway, 3)
        told = await one.ask(action="set", filter={"where": "value >"})

    assert [4, 6, 8] == values(shown)
    assert {"where": "value >= 3 and value % 2 = 0"} == ack["state"]["filter"]
    assert ("error", "bad_filter", "filter.where") == (told["type"], told["code"], told["field"])
    assert "line 1, column 8: expected a value, found the end" == told["message"]


async def test_events_come_when_they_are_due_and_no_sooner(gateway: GatewayApp) -> None:
    async with viewer(gateway) as one:
        await one.ask(**SEED)
        first = await one.hear("events")
        gateway.forward(999)
        await one.say(action="state")
        before = orjson.loads(await one.socket.recv())
        gateway.forward(1)
        second = await one.hear("events")

    assert ([0], "ack", [1]) == (values(first["events"]), before["type"], values(second["events"]))
    assert 1_000 == second["due_us"] - first["due_us"]


async def test_what_is_produced_reaches_a_viewer_on_the_live_edge(gateway: GatewayApp) -> None:
    async with viewer(gateway) as one:
        await one.ask(action="tail")
        await one.hear("caught_up")
        gateway.log.append("t", NewRecord(value=b"99"))
        frame = await one.hear("events")

    assert (True, [99]) == (frame["live"], values(frame["events"]))


async def test_history_goes_over_into_live_with_nothing_missing_and_nothing_twice(gateway: GatewayApp) -> None:
    gateway.log.fill("t", 5, start_us=20_000)
    async with viewer(gateway) as one:
        await one.ask(action="play", speed="unlimited")
        past = await one.events(gateway, 15)
        await one.hear("caught_up")
        gateway.log.append("t", NewRecord(value=b"99"))
        live = await one.events(gateway, 1)

    assert [(0, offset) for offset in range(16)] == [(each["partition"], each["offset"]) for each in past + live]


async def test_raw_values_are_base64(gateway: GatewayApp) -> None:
    async with viewer(gateway, "/ws/t?raw=1") as one:
        await one.ask(**SEED)
        (first, *_) = await one.events(gateway, 1)

    assert {"base64": "MA=="} == first["value"]


async def test_topics_may_be_named_in_the_query_by_globs(gateway: GatewayApp) -> None:
    gateway.log.make("metrics.cpu")
    gateway.log.make("metrics.disk")

    async with viewer(gateway, "/ws?topics=t,metrics.*") as one:
        assert ["metrics.cpu", "metrics.disk", "t"] == (await one.hear("hello"))["topics"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (",".join(f"t{number}" for number in range(257)), "topics"),
        ("t," + 250 * "x", "topics"),
    ],
)
async def test_topics_beyond_the_bounds_of_subscribe_close_the_socket_with_a_word(
    gateway: GatewayApp, query: str, field: str
) -> None:
    async with viewer(gateway, f"/ws?topics={query}") as one:
        error, bye = await one.hear("error"), await one.hear("bye")

        assert ("bad_glob", field, True, 1008) == (error["code"], error["field"], error["fatal"], bye["code"])
        assert (1008, "bad_glob") == await one.closed()


async def test_a_topic_in_the_path_has_the_bounds_of_a_glob_too(gateway: GatewayApp) -> None:
    async with viewer(gateway, f"/ws/{250 * 'x'}") as one:
        assert "bad_glob" == (await one.hear("error"))["code"]


async def test_a_name_that_comes_again_counts_once(gateway: GatewayApp) -> None:
    async with viewer(gateway, f"/ws/t?topics={','.join(300 * ['t'])}") as one:
        assert ["t"] == (await one.hear("hello"))["topics"]


async def test_questions_are_answered_in_the_ack(gateway: GatewayApp) -> None:
    async with viewer(gateway) as one:
        topics = await one.ask(action="topics", id="a")
        counts = await one.ask(action="overview", buckets=2, id="b")

    assert ("a", "t", 10) == (
        topics["id"],
        topics["result"]["topics"][0]["name"],
        topics["result"]["topics"][0]["events"],
    )
    assert ("b", 10) == (counts["id"], sum(counts["result"]["topics"]["t"]["counts"]))


async def test_a_question_while_the_log_is_away_is_answered_by_an_error_and_the_socket_lives(
    gateway: GatewayApp,
) -> None:
    async with viewer(gateway) as one:
        await one.hear("hello")
        gateway.log.away = True
        refused = await one.ask(action="topics", id="a")
        alive = await one.ask(action="state", id="b")

    assert ("error", "a", False) == (refused["type"], refused["id"], refused["fatal"])
    assert ("ack", "b") == (alive["type"], alive["id"])


async def test_a_new_topic_is_told_to_those_who_want_it(gateway: GatewayApp) -> None:
    async with viewer(gateway, "/ws/later.*") as one:
        told = await one.hear("error")
        await one.ask(action="tail")
        gateway.log.make("later.on")
        gateway.sockets.topics_changed(await gateway.catalogue.topics(fresh=True))
        gateway.log.append("later.on", NewRecord(value=b"1"))
        frame = await one.hear("events")

    assert ("unknown_topic", "no topic matches 'later.*' yet") == (told["code"], told["message"])
    assert ["later.on"] == [event["topic"] for event in frame["events"]]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "bad_json"),
        ("[]", "bad_json"),
        ("\x00", "bad_json"),
        ("[" * 10_000, "bad_json"),
        ('{"action":"play","speed":NaN}', "bad_json"),
        ('{"action":"play","action":"pause"}', "bad_json"),
        ('{"action":"dance"}', "unknown_action"),
        ('{"action":7}', "unknown_action"),
        ("{}", "unknown_action"),
        ('{"action":"play","speed":0}', "bad_speed"),
        ('{"action":"play","speed":-1}', "bad_speed"),
        ('{"action":"play","speed":1e308}', "bad_speed"),
        ('{"action":"play","speed":"fast"}', "bad_speed"),
        ('{"action":"play","speed":true}', "bad_speed"),
        ('{"action":"play","start":"6","end":"5"}', "bad_window"),
        ('{"action":"play","start":"0000-01-01"}', "bad_time"),
        ('{"action":"play","end":"99999-01-01"}', "bad_time"),
        ('{"action":"play","loop":"maybe"}', "bad_loop"),
        ('{"action":"play","loop":true}', "loop_unbounded"),
        ('{"action":"seek"}', "bad_time"),
    ],
)
async def test_what_cannot_be_done_is_refused_by_its_code_and_the_socket_lives(
    gateway: GatewayApp, text: str, code: str
) -> None:
    async with viewer(gateway) as one:
        await one.socket.send(text)
        error = await one.hear("error")
        alive = await one.ask(action="state", id="alive")

    assert (code, False) == (error["code"], error["fatal"])
    assert ("ack", "alive") == (alive["type"], alive["id"])


async def test_a_million_members_cost_an_error_and_no_more(gateway: GatewayApp) -> None:
    members = ",".join(f'"k{number}":1' for number in range(20_000))

    async with viewer(gateway) as one:
        await one.socket.send(f'{{"action":"play",{members}}}')
        ack = await one.hear("ack")

    assert 20 >= len(ack["ignored"])


async def test_an_unknown_topic_is_told_and_not_fatal(gateway: GatewayApp) -> None:
    async with viewer(gateway, "/ws/none") as one:
        error = await one.hear("error")
        alive = await one.ask(action="state")

    assert ("unknown_topic", False, "ack") == (error["code"], error["fatal"], alive["type"])


async def test_a_frame_of_bytes_is_read_as_text(gateway: GatewayApp) -> None:
    async with viewer(gateway) as one:
        await one.socket.send(b'{"action":"state","id":"b"}')

        assert "b" == (await one.hear("ack"))["id"]


async def test_a_message_beyond_the_bound_closes_its_socket_alone(gateway: GatewayApp) -> None:
    async with gateway.listening() as address, connect(f"{address}/ws/t") as big, connect(f"{address}/ws/t") as other:
        await big.send("x" * (MAX_MESSAGE_BYTES + 1))
        code, _ = await Viewer(big).closed()
        alive = await Viewer(other).ask(action="state")

    assert (1009, "ack") == (code, alive["type"])


async def test_many_fragments_are_one_message_within_the_same_bound(gateway: GatewayApp) -> None:
    async def endless() -> AsyncIterator[str]:
        while True:
            yield "x" * 1_000

    async with viewer(gateway) as one:
        with pytest.raises(ConnectionClosed):
            await one.socket.send(endless())

        assert 1009 == (await one.closed())[0]


async def test_text_that_is_not_utf_8_closes_its_socket(gateway: GatewayApp) -> None:
    async with viewer(gateway) as one:
        await one.socket.send(b"\xff\xfe", text=True)

        assert 1007 == (await one.closed())[0]


@pytest.mark.parametrize("origin", ["http://evil.com", "null", "https://localhost.evil.com"])
async def test_a_foreign_page_gets_no_socket(gateway: GatewayApp, origin: str) -> None:
    async with gateway.listening() as address:
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"{address}/ws/t", origin=Origin(origin))

    assert 403 == refused.value.response.status_code


async def test_a_foreign_host_gets_no_socket(gateway: GatewayApp) -> None:
    async with gateway.listening() as address:
        port = address.rpartition(":")[2]
        with pytest.raises(InvalidStatus) as refused:
            await connect("ws://evil.com/ws/t", host="127.0.0.1", port=int(port))

    assert 421 == refused.value.response.status_code


async def test_a_page_of_this_machine_gets_a_socket(gateway: GatewayApp) -> None:
    async with viewer(gateway, origin=Origin("http://localhost:5173")) as one:
        assert await one.hear("hello")


@pytest.mark.parametrize("path", ["/", "/wsx", "/v1/topics", "/ws/t/x"])
async def test_there_are_sockets_at_their_address_only(gateway: GatewayApp, path: str) -> None:
    async with gateway.listening() as address:
        with pytest.raises(InvalidStatus) as refused:
            await connect(address + path)

    assert 403 == refused.value.response.status_code


async def test_a_plain_request_is_told_to_upgrade(gateway: GatewayApp) -> None:
    async with gateway.client() as http:
        answers = [await http.get("/ws"), await http.get("/ws/t")]

    assert 2 * [426] == [answer.status_code for answer in answers]


async def test_the_subprotocol_is_agreed_on_where_it_is_offered(gateway: GatewayApp) -> None:
    offered = [Subprotocol("other"), Subprotocol("tivo.v1.json")]
    async with gateway.listening() as address:
        async with connect(f"{address}/ws/t", subprotocols=offered) as agreed:
            assert "tivo.v1.json" == agreed.subprotocol
        async with connect(f"{address}/ws/t") as bare:
            assert None is bare.subprotocol


async def test_where_no_seat_is_left_the_socket_opens_to_say_so() -> None:
    gateway = GatewayApp(max_sessions=1)
    async with gateway.listening() as address, connect(f"{address}/ws"):
        late = Viewer(await connect(f"{address}/ws"))
        bye = await late.hear("bye")

        assert (1013, "too_many_sessions") == await late.closed()
        assert 1013 == bye["code"]


async def test_a_gateway_that_stops_tells_every_viewer_first(gateway: GatewayApp) -> None:
    async with gateway.listening() as address:
        viewers = [Viewer(await connect(f"{address}/ws/t")) for _ in range(3)]
        for one in viewers:
            await one.hear("hello")

    byes = [await one.hear("bye") for one in viewers]
    closed = [await one.closed() for one in viewers]

    assert 3 * [1001] == [bye["code"] for bye in byes] == [code for code, _ in closed]


async def test_a_viewer_steps_on_and_back_from_the_store_into_the_log(gateway: GatewayApp) -> None:
    gateway.log.fill("t", 3, start_us=10_000)

    async with viewer(gateway) as one:
        shown = [values(await one.shown_by(action="step", n=n)) for n in (9, 2, -1, -3, 1)]
        sought = await one.ask(action="seek", pos="-2")
        refused = await one.ask(action="step", n=0)

    assert [[0, 1, 2, 3, 4, 5, 6, 7, 8], [9, 0], [9], [4, 5, 6], [7]] == shown
    assert 5_000 == sought["state"]["pos_us"]
    assert ("error", "bad_value", "n") == (refused["type"], refused["code"], refused["field"])


async def test_a_loop_of_a_millisecond_at_a_million_turns_twenty_times_a_second_at_most(gateway: GatewayApp) -> None:
    async with viewer(gateway) as one:
        await one.ask(action="play", start=0, end="1970-01-01T00:00:00.001Z", loop=True, speed=1_000_000, clock_hz=0)
        turns = 0
        for _ in range(100):
            gateway.forward(10_000)
            await one.say(action="state")
            while (notice := orjson.loads(await one.socket.recv()))["type"] != "ack":
                turns += notice["type"] == "loop"

    assert 15 <= turns <= 20


async def test_a_viewer_that_vanishes_leaves_its_seat_and_its_tail(gateway: GatewayApp) -> None:
    async with gateway.listening() as address:
        gone = Viewer(await connect(f"{address}/ws/t"))
        await gone.ask(action="tail")
        assert 1 == gateway.sessions.taken
        gone.socket.transport.abort()
        while gateway.sessions.taken:  # noqa: ASYNC110  the seat is a number, not an event
            await asyncio.sleep(0)

        assert [0] == [each.tails for each in gateway.tail._tailed.values()]


async def test_a_viewer_that_stops_reading_is_let_go_and_the_others_go_on() -> None:
    gateway = GatewayApp()
    topic: TopicRef = gateway.log.make("big")
    for number in range(2_000):
        gateway.log.append("big", NewRecord(value=b'"%b"' % (b"x" * 10_000), time_us=number))
    await gateway.log.store_all(topic.name, gateway.store)

    async with gateway.listening() as address:
        stalled = Viewer(await connect(f"{address}/ws/big", max_queue=1))
        await stalled.say(action="play", speed="unlimited")
        lively = Viewer(await connect(f"{address}/ws/big"))
        await lively.ask(action="play", speed="unlimited")
        shown = await lively.events(gateway, 2_000)
        while gateway.sessions.taken == 2:
            gateway.forward(1_000_000)
            await asyncio.sleep(0)
        alive = await lively.ask(action="state")
        stalled.socket.transport.abort()

    assert list(range(2_000)) == [event["offset"] for event in shown]
    assert "ack" == alive["type"]


async def many_keys(gateway: GatewayApp) -> None:
    """Two thousand keys of ten kilobytes each, in the store."""
    topic = gateway.log.make("keys")
    for number in range(2_000):
        record = NewRecord(key=b"%04d" % number, value=b'"%b"' % (b"x" * 10_000), time_us=number)
        gateway.log.append("keys", record)
    await gateway.log.store_all(topic.name, gateway.store)


async def test_the_image_of_a_place_comes_in_parts_before_the_events_behind_it() -> None:
    gateway = GatewayApp()
    await many_keys(gateway)
    gateway.log.append("keys", NewRecord(key=b"0007", value=None, time_us=3_000))

    async with gateway.listening() as address:
        one = Viewer(await connect(f"{address}/ws/keys", max_size=None))
        await one.say(action="play", start=0.0025, speed="unlimited", image=True)
        parts = [await one.hear("image")]
        while not parts[-1]["last"]:
            parts.append(await one.hear("image"))
        (event,) = await one.events(gateway, 1)
        await one.socket.close()

    told = [each["key"] for part in parts for each in part["events"]]
    assert [f"{number:04}" for number in range(2_000)] == told
    assert [*range(1, len(parts) + 1)] == [part["part"] for part in parts]
    assert ("0007", None) == (event["key"], event["value"])


async def test_a_viewer_that_vanishes_in_the_middle_of_an_image_leaves_nothing_behind() -> None:
    gateway = GatewayApp()
    await many_keys(gateway)

    async with gateway.listening() as address:
        gone = Viewer(await connect(f"{address}/ws/keys", max_size=None, max_queue=1))
        await gone.say(action="play", start=1, image=True)
        assert not (await gone.hear("image"))["last"]
        gone.socket.transport.abort()
        while gateway.sessions.taken:
            gateway.forward(1_000)
            await asyncio.sleep(0)
        alive = Viewer(await connect(f"{address}/ws/keys"))
        ack = await alive.ask(action="state")
        await alive.socket.close()

    assert "ack" == ack["type"]


async def test_a_store_that_fails_is_told_and_the_session_goes_on_when_it_is_back(gateway: GatewayApp) -> None:
    async with viewer(gateway) as one:
        await one.hear("hello")
        gateway.log.away = True
        await one.say(action="tail")
        error = await one.hear("error")
        gateway.log.away = False
        while True:
            try:
                async with asyncio.timeout(0.01):
                    await one.hear("caught_up")
                break
            except TimeoutError:
                gateway.forward(100_000)

    assert ("log_unavailable", False) == (error["code"], error["fatal"])


@pytest.fixture
def asking() -> GatewayApp:
    """Topics `a.x`, `a.y` and `b`. Ada reads what begins with `a.`, Ben writes only."""
    made = GatewayApp(users=users(ada=("read:a.",), ben=("write",)))
    for name in ("a.x", "a.y", "b"):
        made.log.make(name)
    return made


def offering(token: str) -> dict[str, Any]:
    """A token as browsers send it."""
    encoded = urlsafe_b64encode(token.encode()).decode().rstrip("=")
    return {"subprotocols": [Subprotocol("tivo.v1.json"), Subprotocol(f"tivo.bearer.{encoded}")]}


async def test_a_token_comes_as_a_subprotocol_and_is_not_echoed(asking: GatewayApp) -> None:
    async with viewer(asking, "/ws/a.x", **offering("ada")) as one:
        assert ["a.x"] == (await one.hear("hello"))["topics"]
        assert "tivo.v1.json" == one.socket.subprotocol


async def test_a_token_alone_is_no_protocol_and_not_echoed(asking: GatewayApp) -> None:
    offered = offering("ada")["subprotocols"][1:]
    async with viewer(asking, "/ws/a.x", subprotocols=offered) as one:
        assert ("hello", None) == ((await one.hear("hello"))["type"], one.socket.subprotocol)


async def test_a_token_comes_in_a_header_too(asking: GatewayApp) -> None:
    async with viewer(asking, "/ws/a.x", additional_headers={"Authorization": "Bearer ada"}) as one:
        assert await one.hear("hello")


@pytest.mark.parametrize(
    ("path", "options", "code", "name"),
    [
        ("/ws/a.x", {}, 4401, "unauthorized"),
        ("/ws", offering("guess"), 4401, "unauthorized"),
        ("/ws/a.x?token=ada", {}, 4401, "unauthorized"),
        ("/ws/a.x?ticket=ada", {}, 4401, "unauthorized"),
        ("/ws/a.*", offering("ben"), 4403, "forbidden"),
        ("/ws/b", offering("ada"), 4403, "forbidden"),
        ("/ws/not.there", offering("ada"), 4403, "forbidden"),
        ("/ws?topics=a.x,b", offering("ada"), 4403, "forbidden"),
    ],
)
async def test_who_may_not_is_told_why_and_closed(
    asking: GatewayApp, path: str, options: dict[str, Any], code: int, name: str
) -> None:
    async with viewer(asking, path, **options) as one:
        error, bye = await one.hear("error"), await one.hear("bye")

        assert (name, True, code) == (error["code"], error["fatal"], bye["code"])
        assert (code, name) == await one.closed()
    assert 0 == asking.sessions.taken


async def test_globs_match_what_may_be_read(asking: GatewayApp) -> None:
    async with viewer(asking, "/ws/*", **offering("ada")) as one:
        assert ["a.x", "a.y"] == (await one.hear("hello"))["topics"]
        asked = await one.ask(action="topics")

    assert ["a.x", "a.y"] == [each["name"] for each in asked["result"]["topics"]]


async def test_to_subscribe_to_what_may_not_be_read_is_refused_as_if_it_were_not_there(asking: GatewayApp) -> None:
    async with viewer(asking, "/ws", **offering("ada")) as one:
        await one.hear("hello")
        there, not_there = [await one.ask(action="subscribe", topics=[name], id="1") for name in ("b", "c")]

    assert ("error", "unknown_topic") == (there["type"], there["code"])
    assert there["message"].replace("b", "c") == not_there["message"].replace("b", "c")


async def test_a_new_topic_is_told_to_those_who_may_read_it(asking: GatewayApp) -> None:
    async with viewer(asking, "/ws/*", **offering("ada")) as one:
        await one.ask(action="tail")
        for name in ("new.a", "a.new"):
            asking.log.make(name)
        asking.sockets.topics_changed(await asking.catalogue.topics(fresh=True))
        for name in ("new.a", "a.new"):
            asking.log.append(name, NewRecord(value=b"1"))
        frame = await one.hear("events")

    assert ["a.new"] == [event["topic"] for event in frame["events"]]


async def test_a_ticket_opens_one_socket(asking: GatewayApp) -> None:
    async with asking.client("ada") as http:
        ticket = (await http.post("/v1/tickets")).json()["ticket"]
    async with asking.listening() as address:
        async with connect(f"{address}/ws/a.x?ticket={ticket}") as first:
            assert await Viewer(first).hear("hello")
        async with connect(f"{address}/ws/a.x?ticket={ticket}") as second:
            assert 4401 == (await Viewer(second).closed())[0]


@pytest.mark.parametrize(("place", "code"), [("127.0.0.1:{port}", None), ("localhost:{port}", 4403), (None, 4403)])
async def test_a_cookie_opens_sockets_for_the_gateways_own_page_alone(
    asking: GatewayApp, place: str | None, code: int | None
) -> None:
    async with asking.listening() as address:
        host = address.removeprefix("ws://")
        origin = place and Origin("http://" + place.format(port=host.partition(":")[2]))
        sent = {"Cookie": cookie(host, "ada", secure=False).partition(";")[0]}
        async with connect(f"{address}/ws/a.x", additional_headers=sent, origin=origin) as socket:
            one = Viewer(socket)
            if code is None:
                assert await one.hear("hello")
            else:
                assert (code, "forbidden_origin") == await one.closed()


async def test_a_session_ends_with_its_token(asking: GatewayApp) -> None:
    async with asking.listening() as address:
        gone, other = [Viewer(await connect(f"{address}/ws/a.x", **offering(name))) for name in ("ada", "ada")]
        await gone.ask(action="tail")
        await other.hear("hello")
        asking.become(users(ben=("write",)))
        error, bye = await gone.hear("error"), await gone.hear("bye")
        closed = [await gone.closed(), await other.closed()]

    assert ("unauthorized", 4401) == (error["code"], bye["code"])
    assert 2 * [(4401, "unauthorized")] == closed


async def test_a_session_whose_token_may_read_nothing_more_is_closed(asking: GatewayApp) -> None:
    async with viewer(asking, "/ws/a.x", **offering("ada")) as one:
        await one.hear("hello")
        asking.become(users(ada=("write",)))

        assert (4403, "forbidden") == await one.closed()


async def test_a_session_goes_on_with_the_topics_that_its_token_still_may_read(asking: GatewayApp) -> None:
    async with viewer(asking, "/ws/*", **offering("ada")) as one:
        await one.ask(action="tail")
        await one.hear("reset")  # of the tail
        asking.become(users(ada=("read:a.y", "read:b")))
        reset = await one.hear("reset")
        for name in ("a.x", "a.y", "b"):
            asking.log.append(name, NewRecord(value=b"1"))
        shown = {event["topic"] for event in await one.events(asking, 2)}

    assert ("topics", {"a.y", "b"}) == (reset["why"], shown)


async def test_seats_are_counted_by_principal(asking: GatewayApp) -> None:
    asking.sessions.max_sessions_per_client = 1
    async with asking.listening() as address, connect(f"{address}/ws", **offering("ada")) as first:
        await Viewer(first).hear("hello")
        late = Viewer(await connect(f"{address}/ws", **offering("ada")))

        assert (1013, "too_many_sessions") == await late.closed()


async def test_a_bearer_offered_where_nobody_is_asked_is_not_echoed_either(gateway: GatewayApp) -> None:
    async with viewer(gateway, "/ws/t", **offering("ada")) as one:
        assert "tivo.v1.json" == one.socket.subprotocol
