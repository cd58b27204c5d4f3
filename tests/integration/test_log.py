"""Logs that are not one run of offsets from 0: holes, lost starts, transactions, a log that went back, bad records."""

from pathlib import Path

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.integration.agent import AgentProcess, Load, Stored, eventually, ready, running
from tests.integration.history import Place, Verdict, compare
from tests.support.undecodable import append, undecodable
from tivo.client.cluster import Cluster
from tivo.model.event import Page
from tivo.store.base import Lost
from tivo.store.open import open_store


def readable(bootstrap: str, topic: str, end: int) -> dict[Place, bytes]:
    """What a committed reader finds in partition 0 below an offset, by another client than the agent's."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "none",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        }
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    found: dict[Place, bytes] = {}
    while (message := consumer.poll(10)) is not None and message.error() is None:
        offset, value = message.offset(), message.value()
        assert offset is not None and value is not None
        if offset < end:
            found[0, offset] = bytes(value)
    consumer.close()
    return found


async def test_start_of_the_log_past_the_frontier_is_a_gap_told_and_gone_over(
    bootstrap: str, agent: AgentProcess, cluster: Cluster, load: Load, stored: Stored, topic: str
) -> None:
    await cluster.create_topic(topic)
    load.send(100)
    with running(agent):
        assert Verdict() == await stored.verdict(load, cluster)
    load.send(50)
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for deleted in admin.delete_records([TopicPartition(topic, 0, 130)]).values():
        deleted.result()
    load.send(20)

    with running(agent):
        verdict = await stored.verdict(load, cluster)

        assert Verdict(missing=[(0, offset) for offset in range(100, 130)]) == verdict
        topic_id = (await cluster.topic_ids((topic,)))[topic]
        assert [Lost(0, 100, 130, "retention")] == await stored.lost(topic_id)
        assert 30 == agent.metric("tivo_agent_gap_offsets_total", topic)


async def test_compacted_topic_is_stored_with_its_holes(
    bootstrap: str, agent: AgentProcess, cluster: Cluster, stored: Stored, topic: str
) -> None:
    settings = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.01", "segment.ms": "100"}
    await cluster.create_topic(topic, settings=settings | {"max.compaction.lag.ms": "100"})
    load = Load(bootstrap, topic).send(300)

    async def it_is_compacted() -> bool:
        load.send(1)
        return len(readable(bootstrap, topic, 300)) < 250

    await eventually(it_is_compacted, "the log cleaner has run")
    end = len(load.acknowledged)
    with running(agent):

        async def all_is_held() -> bool:
            ids = await cluster.topic_ids((topic,))
            return end <= (await stored.frontier(ids[topic])).get(0, 0)

        await eventually(all_is_held, "everything is stored")

        left = readable(bootstrap, topic, end)
        held = await stored.events((await cluster.topic_ids((topic,)))[topic])
        assert Verdict() == compare(left, held)
        assert len(held) < end


async def test_aborted_transactions_are_not_stored(
    bootstrap: str, agent: AgentProcess, cluster: Cluster, stored: Stored, topic: str
) -> None:
    await cluster.create_topic(topic)
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": topic})
    producer.init_transactions()
    for number in range(6):
        producer.begin_transaction()
        for each in range(10):
            producer.produce(topic, b"%d/%d" % (number, each))
        producer.flush(30)  # else an abort drops what is still waiting here
        producer.abort_transaction() if number % 2 else producer.commit_transaction()
    load = Load(bootstrap, topic).send(1)

    with running(agent):
        await stored.verdict(load, cluster)

        topic_id = (await cluster.topic_ids((topic,)))[topic]
        held = await stored.events(topic_id)
        assert readable(bootstrap, topic, 10**9) == {(e.partition, e.offset): e.value for e in held}
        assert 31 == len(held)
        assert 67 == (await stored.frontier(topic_id))[0]
        assert [] == await stored.lost(topic_id), "what is aborted, and markers, are no gap"
        assert 0 == agent.metric("tivo_agent_gap_offsets_total", topic)


async def test_log_that_ends_below_the_frontier_stops_its_partition_alone(
    bootstrap: str, data: Path, agent: AgentProcess, cluster: Cluster, load: Load, stored: Stored, topic: str
) -> None:
    await cluster.create_topic(topic, partitions=2)
    load.send(10, partition=0).send(10, partition=1)
    topic_id = (await cluster.topic_ids((topic,)))[topic]
    store = open_store(f"sqlite:///{data / 'events.db'}")
    await store.write(Page(topic=topic, topic_id=topic_id, partition=0, base=0, next=50, events=()))
    await store.close()

    with running(agent):

        async def the_other_is_held() -> bool:
            return 10 == (await stored.frontier(topic_id)).get(1)

        async def it_is_told() -> bool:
            return f"{topic}/0" in agent.ask("/readyz")

        await eventually(the_other_is_held, "partition 1 is stored")
        await eventually(it_is_told, "partition 0 is told as stopped")
        await ready(agent)
        assert 1 == agent.metric("tivo_agent_stopped_partitions", topic)
        assert {0: 50, 1: 10} == await stored.frontier(topic_id)


async def test_stopped_partition_goes_on_when_its_topic_is_made_anew(
    bootstrap: str, data: Path, agent: AgentProcess, cluster: Cluster, stored: Stored, topic: str
) -> None:
    await cluster.create_topic(topic)
    topic_id = (await cluster.topic_ids((topic,)))[topic]
    store = open_store(f"sqlite:///{data / 'events.db'}")
    await store.write(Page(topic=topic, topic_id=topic_id, partition=0, base=0, next=50, events=()))
    await store.close()

    with running(agent):

        async def it_is_stopped() -> bool:
            return 1 == agent.metric("tivo_agent_stopped_partitions", topic)

        async def is_gone() -> bool:
            return topic not in await cluster.topics()

        await eventually(it_is_stopped, "the partition is stopped")
        await cluster.delete_topic(topic)
        await eventually(is_gone, "the topic is gone")
        await cluster.create_topic(topic)

        assert Verdict() == await stored.verdict(Load(bootstrap, topic).send(5), cluster)


async def test_record_that_cannot_be_decoded_is_set_aside_alone(
    bootstrap: str, agent: AgentProcess, cluster: Cluster, load: Load, stored: Stored, topic: str
) -> None:
    await cluster.create_topic(topic, partitions=2)
    load.send(50, partition=0).send(50, partition=1)
    await append(bootstrap, topic, 1, undecodable())
    load.send(50, partition=0).send(50, partition=1)
    topic_id = (await cluster.topic_ids((topic,)))[topic]
    with running(agent):
        assert Verdict() == await stored.verdict(load, cluster)

        held = {(event.partition, event.offset): event.value for event in await stored.events(topic_id)}
        assert (b"before", None, b"behind") == (held[1, 50], held.get((1, 51)), held[1, 52])
        assert {0: 100, 1: 103} == await stored.frontier(topic_id)
        assert [Lost(1, 51, 52, "quarantine")] == await stored.lost(topic_id)
        assert 1 == agent.metric("tivo_agent_quarantined_events_total", topic)
        await ready(agent)


async def test_records_that_cannot_be_decoded_hold_up_nobody_while_they_keep_coming(
    bootstrap: str, agent: AgentProcess, cluster: Cluster, load: Load, stored: Stored, topic: str
) -> None:
    await cluster.create_topic(topic, partitions=2)
    topic_id = (await cluster.topic_ids((topic,)))[topic]
    with running(agent):
        for turn in range(20):
            await append(bootstrap, topic, 0, undecodable())
            load.send(1, partition=turn % 2)

        assert Verdict() == await stored.verdict(load, cluster)
        lost = await stored.lost(topic_id)
        assert 20 == len(lost) == sum(each.next - each.base for each in lost)
        assert 0 == agent.metric("tivo_agent_stopped_partitions", topic)


async def test_batch_is_read_on_behind_a_record_that_was_set_aside_before(
    bootstrap: str, data: Path, agent: AgentProcess, cluster: Cluster, load: Load, stored: Stored, topic: str
) -> None:
    await cluster.create_topic(topic)
    await append(bootstrap, topic, 0, undecodable())
    topic_id = (await cluster.topic_ids((topic,)))[topic]
    store = open_store(f"sqlite:///{data / 'events.db'}")
    await store.write(Page(topic=topic, topic_id=topic_id, partition=0, base=0, next=2, events=()))
    await store.close()

    with running(agent):
        assert Verdict() == await stored.verdict(load.send(1), cluster)

        assert [2, 3] == [event.offset for event in await stored.events(topic_id)]
        assert [] == await stored.lost(topic_id)
