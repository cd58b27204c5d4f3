"""Played events become records: all, in order, and no more at once than is bounded."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import pytest

from tests.support.manual_clock import ManualClock
from tivo.client.producer import NewRecord, Produced, Sent
from tivo.client.replay import MOST_BYTES, MOST_RECORDS, Replay, check_target
from tivo.client.viewer_session import ShownEvent
from tivo.model.errors import BrokerError, GatewayError, RecordError, RequestError
from tivo.model.event import TIME_HEADER, header


@dataclass
class Broker:
    """Takes batches; acknowledges them when the test says so, where it `waits`."""

    waits: bool = False
    refused: bytes = b"never"
    fails: bool = False
    batches: list[list[NewRecord]] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    acknowledges: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def send(self, topic: str, records: Sequence[NewRecord]) -> list[Sent]:
        assert "copy" == topic
        self.batches.append(list(records))
        self.asked.set()
        if self.waits:
            await self.acknowledges.acquire()
        if self.fails:
            raise BrokerError("it is away")
        return [
            RecordError("too large") if record.value == self.refused else Produced(0, n, 0)
            for n, record in enumerate(records)
        ]

    @property
    def values(self) -> list[bytes | None]:
        return [record.value for batch in self.batches for record in batch]


@dataclass
class Player:
    """Events one after the other; `given` tells how many were asked for."""

    count: int
    size: int = 1
    lasts: bool = False
    given: int = 0

    async def events(self) -> AsyncIterator[ShownEvent]:
        for n in range(self.count):
            self.given += 1
            yield event(n, value(n, self.size))
        if self.lasts:
            await asyncio.Event().wait()


def value(n: int, size: int = 1) -> bytes:
    return (b"%d" % n).ljust(size)


def event(n: int, value: bytes = b"1", **more: object) -> ShownEvent:
    raw = {"base64": b64encode(value).decode()}
    place = {"topic": "quakes", "partition": 0, "offset": n, "time_us": 1_000_001 + n, "received_us": 5, "id": str(n)}
    return ShownEvent(**{**place, "key": "k", "value": raw, **more})  # type: ignore[arg-type]


async def test_all_are_written_in_order_and_counted() -> None:
    broker, player = Broker(), Player(3 * MOST_RECORDS + 1)
    replay = Replay(broker, "copy", ManualClock())

    await replay.write(player.events())

    assert [value(n) for n in range(player.count)] == broker.values
    assert player.count == replay.written


async def test_a_record_has_key_value_and_the_time_at_which_it_was_due() -> None:
    broker = Broker()

    await Replay(broker, "copy", ManualClock(wall_us=1_700_000_000_000_999)).write(Player(1).events())

    ((record,),) = broker.batches
    assert (b"k", b"0", 1_700_000_000_000_000) == (record.key, record.value, record.time_us)
    assert b"1000001" == header(record.headers, "tivo-origin-time-us")
    assert header(record.headers, TIME_HEADER) is None


async def test_or_the_time_that_it_had() -> None:
    broker = Broker()

    await Replay(broker, "copy", ManualClock(), keep_time=True).write(Player(1).events())

    assert 1_000_001 == broker.batches[0][0].time_us


async def test_a_broker_that_is_slow_holds_the_player_back() -> None:
    broker, player = Broker(waits=True), Player(3 * MOST_RECORDS)
    replay = Replay(broker, "copy", ManualClock())
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(replay.write(player.events()))
        await broker.asked.wait()
        for _ in range(100):
            await asyncio.sleep(0)

        assert MOST_RECORDS == player.given
        assert 0 == replay.written

        broker.waits = False
        broker.acknowledges.release()

    assert player.count == replay.written


async def test_large_records_are_bounded_by_their_bytes() -> None:
    broker, player = Broker(waits=True), Player(20, size=MOST_BYTES // 4)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(Replay(broker, "copy", ManualClock()).write(player.events()))
        await broker.asked.wait()
        for _ in range(100):
            await asyncio.sleep(0)

        assert 4 == player.given

        broker.waits = False
        broker.acknowledges.release()

    assert 20 == len(broker.values)


async def test_the_first_record_that_is_not_taken_ends_it_and_is_named() -> None:
    broker = Broker(refused=b"5")
    replay = Replay(broker, "copy", ManualClock())

    with pytest.raises(RecordError, match="quakes/0, offset 5: too large"):
        await replay.write(Player(10, lasts=True).events())

    assert 5 == replay.written


async def test_a_broker_that_is_away_ends_it_though_no_event_comes() -> None:
    with pytest.raises(BrokerError, match="it is away"):
        await Replay(Broker(fails=True), "copy", ManualClock()).write(Player(1, lasts=True).events())


async def test_a_player_that_fails_ends_it_behind_what_was_taken() -> None:
    async def events() -> AsyncIterator[ShownEvent]:
        yield event(0)
        raise GatewayError("it closed")

    replay = Replay(Broker(), "copy", ManualClock())

    with pytest.raises(GatewayError, match="it closed"):
        await replay.write(events())

    assert 1 == replay.written


async def test_stopped_it_writes_what_was_taken() -> None:
    broker, player = Broker(waits=True), Player(7, lasts=True)
    replay = Replay(broker, "copy", ManualClock())
    async with asyncio.TaskGroup() as tasks:
        writing = tasks.create_task(replay.write(player.events()))
        await broker.asked.wait()
        writing.cancel()
        for _ in range(10):
            await asyncio.sleep(0)
        broker.waits = False
        broker.acknowledges.release()

    assert writing.cancelled()
    assert 7 == replay.written == len(broker.values)


@pytest.mark.parametrize(
    ("topic", "played", "said"),
    [
        ("quakes", ["quakes"], "'quakes' is among the topics that are played"),
        ("metrics.copy", ["a", "metrics.*"], "'metrics.copy' is among the topics that are played"),
        ("__offsets", ["quakes"], "no name for a topic"),
        ("a b", ["quakes"], "no name for a topic"),
        ("", ["*"], "no name for a topic"),
    ],
)
def test_what_cannot_be_written_to_is_refused(topic: str, played: list[str], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        check_target(topic, played)


def test_another_topic_is_taken() -> None:
    check_target("copy", ["quakes", "metrics.*"])
