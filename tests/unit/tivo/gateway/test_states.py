"""The state at a place for a session: the store's images, and what the log holds beyond the store."""

from random import Random

from tests.support.gateway_app import GatewayApp
from tivo.client.producer import NewRecord
from tivo.gateway.images import Stretch
from tivo.model.event import Cursor, Event, Frontier
from tivo.model.timeline import MAX_TIME_US, MILLISECOND_US
from tivo.playback.effects import ReadImage
from tivo.playback.facts import TopicRef
from tivo.playback.merge import behind
from tivo.store.image import key_order
from tivo.store.state import Place, before


def produce(gateway: GatewayApp, ms: int, key: bytes | None, *, partition: int = 0, value: bytes | None = b"1") -> None:
    record = NewRecord(key=key, value=value, partition=partition, time_us=ms * MILLISECOND_US)
    gateway.log.append("t", record)


async def read(
    gateway: GatewayApp, topic: TopicRef, until: Cursor, upto: Frontier | None = None, *, max_bytes: int = 1 << 20
) -> list[Event]:
    found: list[Event] = []
    after, first = None, True
    while first or after is not None:
        wanted = ReadImage(read=7, topic=topic, until=until, upto=upto or {}, after=after, max_bytes=max_bytes)
        told = await gateway.sources.images.read(wanted)
        assert 7 == told.read
        found, after, first = found + list(told.events), told.after, False
    return found


def places(events: list[Event]) -> list[tuple[bytes | None, int]]:
    return [(event.key, event.time_us // MILLISECOND_US) for event in events]


async def test_store_and_log_are_one_state() -> None:
    gateway = GatewayApp()
    topic = gateway.log.make("t", partitions=2)
    produce(gateway, 10, b"a")
    produce(gateway, 11, b"b")
    produce(gateway, 12, None, partition=1)
    await gateway.log.store_all("t", gateway.store)
    produce(gateway, 9, b"a")
    produce(gateway, 20, b"b", value=None)
    produce(gateway, 15, b"c", partition=1)
    produce(gateway, 99, b"d")

    found = await read(gateway, topic, behind(20 * MILLISECOND_US))

    assert [(None, 12), (b"a", 10), (b"b", 20), (b"c", 15)] == places(found)
    assert found[2].value is None


async def test_offsets_are_bounded_in_store_and_log_and_a_partition_not_named_has_none() -> None:
    gateway = GatewayApp()
    topic = gateway.log.make("t", partitions=2)
    produce(gateway, 10, b"a")
    await gateway.log.store_all("t", gateway.store)
    produce(gateway, 11, b"b")
    produce(gateway, 12, b"c")
    produce(gateway, 13, b"d", partition=1)
    until = behind(50 * MILLISECOND_US)

    assert [(b"a", 10), (b"b", 11)] == places(await read(gateway, topic, until, {0: 2}))
    assert [(b"a", 10)] == places(await read(gateway, topic, until, {0: 1}))


async def test_any_history_is_folded_rightly_in_parts_of_any_size() -> None:
    for seed in range(30):
        random = Random(seed)
        gateway = GatewayApp()
        topic = gateway.log.make("t", partitions=2)
        for at in range(random.randrange(60)):
            produce(gateway, random.randrange(40), b"k%d" % random.randrange(12), partition=at % 2)
            if random.random() < 0.05:
                await gateway.log.store_all("t", gateway.store)
        until = behind(random.randrange(40) * MILLISECOND_US)
        everything = [event for partition in (0, 1) for event in gateway.log.log("t", partition)]
        last = {event.key: event for event in sorted(everything) if event.cursor <= until}

        found = await read(gateway, topic, until, max_bytes=random.choice([1, 300, 1 << 20]))

        assert [last[key] for key in sorted(last, key=key_order)] == found, seed


async def test_who_asks_over_http_is_given_what_the_store_holds() -> None:
    gateway = GatewayApp()
    topic = gateway.log.make("t")
    produce(gateway, 10, b"a")
    await gateway.log.store_all("t", gateway.store)
    produce(gateway, 11, b"a")
    place = Place(topic_id=topic.topic_id, until=before("t", 50 * MILLISECOND_US), upto={0: 1})

    part = await gateway.sources.images.part(place, Stretch(), limit=9, max_bytes=1 << 20)

    assert [(b"a", 10)] == places(part.events)


async def test_no_partition_of_the_log_is_given_up_because_others_fill_the_answer() -> None:
    gateway = GatewayApp()
    topic = gateway.log.make("t", partitions=3)
    for at in range(600):
        produce(gateway, at, b"%03d" % at, partition=at % 3, value=b'"%b"' % (b"x" * 20_000))

    found = await read(gateway, topic, behind(MAX_TIME_US))

    assert list(range(600)) == [at for _, at in places(found)]
