import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import orjson
import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from tests.support.gateway_app import GatewayApp, Stream
from tests.support.tokens import users
from tivo.client.producer import NewRecord
from tivo.client.tail import Tail, TailAnswer
from tivo.gateway.api.tail import PAGE, _LogToken, route
from tivo.gateway.gate import Gate
from tivo.gateway.passage import to_token
from tivo.model.errors import StoreError
from tivo.model.event import Page
from tivo.model.timeline import Window
from tivo.playback.effects import TailPlace
from tivo.playback.facts import TailSlice, TopicRef
from tivo.store.base import Found
from tivo.store.memory import MemoryStore

URL = "/v1/topics/t/tail"


@pytest.fixture
async def gateway() -> GatewayApp:
    """Three stored records `0` `1` `2`, and two more `3` `4` that only the log has, in topic `t`."""
    made = GatewayApp()
    made.log.make("t")
    made.log.fill("t", 3)
    await made.log.store_all("t", made.store)
    append(made, 3, 4)
    return made


def append(gateway: GatewayApp, *numbers: int) -> None:
    for number in numbers:
        gateway.log.append("t", NewRecord(value=b"%d" % number, time_us=number * 1_000))


class Messages:
    """The messages of an event stream, one after another."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._rest = b""
        self.last_id = ""

    async def next(self) -> tuple[str, Any]:
        """Type and data of the next message; comments and bare fields are passed over."""
        while True:
            while b"\n\n" not in self._rest:
                self._rest += await self._stream.piece()
            text, self._rest = self._rest.split(b"\n\n", 1)
            fields = dict(line.split(": ", 1) for line in text.decode().splitlines())
            self.last_id = fields.get("id", self.last_id)
            if "data" in fields:
                return fields.get("event", "message"), orjson.loads(fields["data"])

    async def values(self, count: int) -> list[int]:
        return [(await self.next())[1]["value"] for _ in range(count)]


async def refused(gateway: GatewayApp, query: str) -> tuple[int, str]:
    async with gateway.client() as http:
        answer = await http.get(f"{URL}?{query}")
    return answer.status_code, answer.json()["code"]


async def test_without_a_word_it_begins_at_the_live_edge(gateway: GatewayApp) -> None:
    async with gateway.stream(URL) as stream:
        assert 200 == await stream.status()
        append(gateway, 5)

        assert [5] == await Messages(stream).values(1)


async def test_from_the_beginning_the_store_comes_first_and_the_log_goes_on(gateway: GatewayApp) -> None:
    async with gateway.stream(URL, query="from=beginning") as stream:
        messages = Messages(stream)
        assert [0, 1, 2, 3, 4] == await messages.values(5)
        append(gateway, 5)

        assert [5] == await messages.values(1)


async def test_from_a_time_nothing_older_comes_out_of_store_or_log(gateway: GatewayApp) -> None:
    append(gateway, 1)
    append(gateway, 6)

    async with gateway.stream(URL, query="from=1970-01-01T00:00:00.002Z") as stream:
        assert [2, 3, 4, 6] == await Messages(stream).values(4)


@pytest.mark.parametrize("taken", range(1, 8))
async def test_cut_anywhere_it_goes_on_without_loss_or_repeat(gateway: GatewayApp, taken: int) -> None:
    append(gateway, 5, 6)
    async with gateway.stream(URL, query="from=beginning") as stream:
        messages = Messages(stream)
        before = await messages.values(taken)
        cursor = messages.last_id
    append(gateway, 7)
    await gateway.log.store_all("t", gateway.store)

    async with gateway.stream(URL, headers={"Last-Event-ID": cursor}) as stream:
        after = await Messages(stream).values(8 - taken)

    assert list(range(8)) == before + after


async def test_from_takes_a_cursor_too(gateway: GatewayApp) -> None:
    async with gateway.stream(URL, query="from=beginning") as stream:
        messages = Messages(stream)
        await messages.values(4)

    async with gateway.stream(URL, query=f"from={messages.last_id}") as stream:
        assert [4] == await Messages(stream).values(1)


async def test_many_pages_of_history_come_in_order() -> None:
    gateway = GatewayApp()
    gateway.log.make("t")
    gateway.log.fill("t", 2 * PAGE + 3)
    await gateway.log.store_all("t", gateway.store)

    async with gateway.stream(URL, query="from=beginning") as stream:
        assert list(range(2 * PAGE + 3)) == await Messages(stream).values(2 * PAGE + 3)


async def test_what_the_log_has_lost_since_comes_out_of_the_store(gateway: GatewayApp) -> None:
    async with gateway.stream(URL, query="from=beginning") as stream:
        messages = Messages(stream)
        await messages.values(4)
    append(gateway, 5, 6)
    await gateway.log.store_all("t", gateway.store)
    append(gateway, 7)
    gateway.log.trim("t", 0, 7)

    async with gateway.stream(URL, headers={"Last-Event-ID": messages.last_id}) as stream:
        assert [4, 5, 6, 7] == await Messages(stream).values(4)


async def test_what_the_log_loses_while_the_client_reads_what_is_stored_comes_out_of_the_store(
    gateway: GatewayApp,
) -> None:
    async with gateway.stream(URL, query="from=beginning") as stream:
        stream.hold()
        await stream.piece()
        append(gateway, 5, 6)
        await gateway.log.store_all("t", gateway.store)
        append(gateway, 7)
        gateway.log.trim("t", 0, 7)
        stream.flow()

        assert list(range(8)) == await Messages(stream).values(8)


async def test_what_the_store_holds_only_a_part_of_is_a_gap_from_there_on(gateway: GatewayApp) -> None:
    async with gateway.stream(URL, query="from=beginning") as stream:
        stream.hold()
        await stream.piece()
        await gateway.log.store_all("t", gateway.store)
        append(gateway, 5, 6, 7)
        gateway.log.trim("t", 0, 7)
        stream.flow()
        messages = Messages(stream)
        before = await messages.values(5)
        kind, gap = await messages.next()
        after = await messages.values(1)

    assert ([0, 1, 2, 3, 4], [7]) == (before, after)
    assert ("gap", 5, 7, "retention") == (kind, gap["from_offset"], gap["to_offset"], gap["reason"])


async def test_back_in_the_store_the_cursors_are_the_stores_and_lose_nothing(gateway: GatewayApp) -> None:
    async with gateway.stream(URL, query="from=beginning") as stream:
        stream.hold()
        await stream.piece()
        await gateway.log.store_all("t", gateway.store)
        append(gateway, 5)
        gateway.log.trim("t", 0, 5)
        stream.flow()
        messages = Messages(stream)
        before = await messages.values(4)

    async with gateway.stream(URL, headers={"Last-Event-ID": messages.last_id}) as stream:
        assert [0, 1, 2, 3, 4, 5] == before + await Messages(stream).values(2)


def alone(gateway: GatewayApp, each: Route) -> ASGIApp:
    """A route behind the gate, and no other."""
    return Gate(Starlette(routes=[each]), admission=gateway.admission)


async def test_a_log_end_that_is_merely_old_is_no_gap(gateway: GatewayApp) -> None:
    sources = replace(gateway.sources, tail=OldEndTail(gateway.tail))
    app = alone(gateway, route(sources, gateway.sessions, gateway.clock))

    async with gateway.stream(URL, app=app) as stream:
        await stream.piece()
        append(gateway, 5)

        assert [5] == await Messages(stream).values(1)


class OldEndTail:
    """A tail whose first answer tells a log end below the place asked for: the broker does not know better yet."""

    def __init__(self, tail: Tail) -> None:
        self._tail = tail
        self._ends = [3]

    def open(self, topic: TopicRef) -> None:
        """An event stream opens nothing."""

    def close(self, topic: TopicRef) -> None:
        """And closes nothing."""

    def keep(self, topics: Mapping[str, TopicRef]) -> None:
        """Topics stay as they are."""

    async def read(self, topic: TopicRef, places: Sequence[TailPlace], *, max_bytes: int, wait: bool) -> TailAnswer:
        if self._ends:
            return TailAnswer([TailSlice(0, 5, 5, 0, self._ends.pop())], behind=True)
        return await self._tail.read(topic, places, max_bytes=max_bytes, wait=wait)


async def test_what_nobody_has_any_more_is_a_gap_and_never_silence(gateway: GatewayApp) -> None:
    async with gateway.stream(URL, query="from=beginning") as stream:
        messages = Messages(stream)
        await messages.values(4)
    append(gateway, 5, 6, 7)
    gateway.log.trim("t", 0, 7)

    async with gateway.stream(URL, headers={"Last-Event-ID": messages.last_id}) as stream:
        resumed = Messages(stream)
        gap = await resumed.next()
        after = await resumed.values(1)

    assert ("gap", {"partition": 0, "from_offset": 4, "to_offset": 7, "reason": "retention"}) == gap
    assert [7] == after


async def test_what_the_store_set_aside_is_a_gap_behind_what_it_holds(gateway: GatewayApp) -> None:
    info = (await gateway.sources.catalogue.topics(fresh=True))["t"]
    broken = Page(topic="t", topic_id=info.topic_id, partition=0, base=3, next=4, events=())
    await gateway.store.quarantine(broken, "quarantine", "no UTF-8")

    async with gateway.stream(URL, query="from=beginning") as stream:
        messages = Messages(stream)
        before = await messages.values(3)
        gap = await messages.next()
        after = await messages.values(1)

    assert ([0, 1, 2], [4]) == (before, after)
    assert ("gap", {"partition": 0, "from_offset": 3, "to_offset": 4, "reason": "quarantine"}) == gap


async def test_what_the_log_cannot_give_is_a_gap_in_its_turn(gateway: GatewayApp) -> None:
    gateway.log.spoil("t", 0, 6)
    async with gateway.stream(URL) as stream:
        await stream.piece()
        append(gateway, 5, 6, 7)
        messages = Messages(stream)
        before = await messages.values(1)
        gap = await messages.next()
        at_gap = messages.last_id
        after = await messages.values(1)

    assert ([5], [7]) == (before, after)
    assert ("gap", {"partition": 0, "from_offset": 6, "to_offset": 7, "reason": "quarantine"}) == gap
    async with gateway.stream(URL, headers={"Last-Event-ID": at_gap}) as stream:
        assert [7] == await Messages(stream).values(1)


async def test_what_was_set_aside_is_told_once_by_store_and_log(gateway: GatewayApp) -> None:
    gateway.log.spoil("t", 0, 3)
    gateway.log.spoil("t", 0, 5)
    info = (await gateway.sources.catalogue.topics(fresh=True))["t"]
    broken = Page(topic="t", topic_id=info.topic_id, partition=0, base=3, next=4, events=())
    await gateway.store.quarantine(broken, "quarantine", "no UTF-8")
    append(gateway, 5, 6)

    async with gateway.stream(URL, query="from=beginning") as stream:
        messages = Messages(stream)
        told = [await messages.next() for _ in range(7)]

    gaps = [(message["from_offset"], message["to_offset"]) for kind, message in told if kind == "gap"]
    assert [(3, 4), (5, 6)] == gaps


async def test_a_stream_that_is_cut_between_two_losses_is_told_both_again(gateway: GatewayApp) -> None:
    info = (await gateway.sources.catalogue.topics(fresh=True))["t"]
    empty = Page(topic="t", topic_id=info.topic_id, partition=0, base=3, next=4, events=())
    await gateway.store.quarantine(empty, "quarantine", "no UTF-8")
    await gateway.store.write(msgspec.structs.replace(empty, base=4, next=5))
    append(gateway, 5)
    await gateway.store.quarantine(msgspec.structs.replace(empty, base=5, next=6), "quarantine", "no UTF-8")
    async with gateway.stream(URL, query="from=beginning") as stream:
        messages = Messages(stream)
        await messages.values(3)
        await messages.next()

    async with gateway.stream(URL, headers={"Last-Event-ID": messages.last_id}) as stream:
        again = Messages(stream)
        gaps = [(await again.next())[1]["from_offset"] for _ in range(2)]

    assert [3, 5] == gaps


async def test_a_log_that_ends_before_the_cursor_is_a_gap(gateway: GatewayApp) -> None:
    async with gateway.stream(URL, query="from=beginning") as stream:
        messages = Messages(stream)
        await messages.values(5)
    del gateway.log.log("t", 0)[3:]

    async with gateway.stream(URL, headers={"Last-Event-ID": messages.last_id}) as stream:
        kind, gap = await Messages(stream).next()

    assert ("gap", 3, 5, "truncated") == (kind, gap["from_offset"], gap["to_offset"], gap["reason"])


async def test_a_deleted_topic_ends_the_stream_with_a_word(gateway: GatewayApp) -> None:
    async with gateway.stream(URL, query="from=beginning") as stream:
        messages = Messages(stream)
        await messages.values(5)
        await gateway.log.delete_topic("t")
        gateway.tail.keep({})

        assert ("gone", {"topic": "t"}) == await messages.next()


async def test_a_log_that_was_away_goes_on_where_it_was(gateway: GatewayApp) -> None:
    async with gateway.stream(URL, query="from=beginning") as stream:
        stream.hold()
        messages = Messages(stream)
        await stream.piece()
        gateway.log.away = True
        stream.flow()
        stored = await messages.values(3)
        gateway.log.away = False

        assert [0, 1, 2, 3, 4] == stored + await messages.values(2)


class Broken(MemoryStore):
    """A store that nobody can read."""

    async def read(self, topic_id: bytes, window: Window, **bounds: Any) -> Found:  # type: ignore[override]
        raise StoreError("the disk\nis gone")


async def test_a_store_that_is_away_ends_the_stream_with_a_comment() -> None:
    gateway = GatewayApp(store=Broken())
    gateway.log.make("t")

    async with gateway.stream(URL, query="from=beginning") as stream:
        assert [b"retry: 1000\n\n", b": the disk is gone\n\n"] == [await stream.piece(), await stream.piece()]

    assert stream.ended


async def test_a_silent_stream_is_kept_alive_by_comments(gateway: GatewayApp) -> None:
    app = alone(gateway, route(gateway.sources, gateway.sessions, gateway.clock, ping_seconds=0))

    async with gateway.stream(URL, app=app) as stream:
        pieces = [await stream.piece() for _ in range(2)]

    assert [b"retry: 1000\n\n", b": ping\n\n"] == pieces


async def test_a_stream_takes_a_seat_and_gives_it_back() -> None:
    gateway = GatewayApp(max_sessions=1)
    gateway.log.make("t")

    async with gateway.stream(URL) as stream:
        assert 200 == await stream.status()
        assert (429, "too_many_sessions") == await refused(gateway, "")

    assert 0 == gateway.sessions.taken


async def test_a_partition_added_later_is_told_from_its_beginning(gateway: GatewayApp) -> None:
    app = alone(gateway, route(gateway.sources, gateway.sessions, gateway.clock, ping_seconds=0))

    async with gateway.stream(URL, app=app) as stream:
        await stream.piece()
        gateway.log.make("t", partitions=2)
        gateway.log.append("t", NewRecord(value=b"7", partition=1))
        gateway.clock.forward(2_000_000)

        assert [7] == await Messages(stream).values(1)


async def test_a_topic_made_anew_is_gone(gateway: GatewayApp) -> None:
    app = alone(gateway, route(gateway.sources, gateway.sessions, gateway.clock, ping_seconds=0))

    async with gateway.stream(URL, app=app) as stream:
        await stream.piece()
        await gateway.log.delete_topic("t")
        gateway.log.make("t")
        gateway.clock.forward(2_000_000)

        assert ("gone", {"topic": "t"}) == await Messages(stream).next()


@pytest.mark.parametrize("offset", [2**64 - 1, 2**53 + 1, -1, -(2**63)])
async def test_a_forged_offset_is_refused(gateway: GatewayApp, offset: int) -> None:
    topic = await gateway.catalogue.find("t")
    forged = to_token(_LogToken(topic.topic_id, {0: offset}, None))

    assert (400, "bad_cursor") == await refused(gateway, f"from=l.{forged}")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("from=never", (400, "bad_time")),
        ("from=l.nonsense", (400, "bad_cursor")),
        ("from=s.nonsense", (400, "bad_cursor")),
    ],
)
async def test_a_wrong_beginning_is_refused(gateway: GatewayApp, query: str, expected: tuple[int, str]) -> None:
    assert expected == await refused(gateway, query)


async def test_a_cursor_of_a_topic_made_anew_is_refused(gateway: GatewayApp) -> None:
    cursors = []
    for taken in (1, 5):
        async with gateway.stream(URL, query="from=beginning") as stream:
            messages = Messages(stream)
            await messages.values(taken)
            cursors.append(messages.last_id)
    await gateway.log.delete_topic("t")
    gateway.log.make("t")
    gateway.clock.forward(2_000_000)

    assert 2 * [(409, "topic_made_anew")] == [await refused(gateway, f"from={cursor}") for cursor in cursors]


async def test_an_unknown_topic_is_404() -> None:
    assert (404, "unknown_topic") == await refused(GatewayApp(), "")


async def until_ended(stream: Stream) -> None:
    while not stream.ended:  # noqa: ASYNC110  the end is a flag, not an event
        await asyncio.sleep(0)


async def asking() -> GatewayApp:
    """Ada may read topic `t`, and there is an event in it."""
    made = GatewayApp(users=users(ada=("read:t",), eve=("read:x",)))
    made.log.make("t")
    append(made, 0)
    return made


async def test_a_stream_ends_with_the_token_that_opened_it() -> None:
    gateway = await asking()
    async with gateway.stream(URL, headers={"Authorization": "Bearer ada"}) as stream:
        await stream.piece()
        gateway.become(users(eve=("read:x",)))
        await until_ended(stream)

    assert 0 == gateway.sessions.taken


async def test_a_stream_ends_where_its_token_no_longer_reaches() -> None:
    gateway = await asking()
    async with gateway.stream(URL, headers={"Authorization": "Bearer ada"}) as stream:
        await stream.piece()
        gateway.become(users(ada=("read:x", "write:t")))
        await until_ended(stream)


async def test_a_stream_goes_on_where_the_users_changed_and_its_token_did_not() -> None:
    gateway = await asking()
    async with gateway.stream(URL, headers={"Authorization": "Bearer ada"}) as stream:
        await stream.piece()
        gateway.become(users(ada=("read:t", "write:x")))
        append(gateway, 7)

        assert b"data: " in await stream.piece()


async def test_a_ticket_opens_a_stream_once() -> None:
    gateway = await asking()
    async with gateway.client("ada") as http:
        query = f"ticket={(await http.post('/v1/tickets')).json()['ticket']}"

    async with gateway.stream(URL, query=query) as stream:
        assert 200 == await stream.status()
    async with gateway.stream(URL, query=query) as again:
        assert 401 == await again.status()
