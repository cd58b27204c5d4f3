"""Events from every common producer, in one topic, played back by the message that tivo was first described with."""

import asyncio
import json
import subprocess
from itertools import pairwise
from statistics import median

import aiokafka
import confluent_kafka
import kafka
import pytest

from tests.support.tivo import Tivo
from tests.support.watching import watching
from tivo.model.timeline import SECOND_US, from_rfc_3339

START_US = from_rfc_3339("2016-01-15T14:32:24Z")
END_US = from_rfc_3339("2016-01-15T14:33:24Z")
SEED_MESSAGE = {
    "action": "play",
    "start": "2016-01-15T14:32:24Z",
    "end": "2016-01-15T14:33:24Z",
    "speed": 1,
    "loop": "False",
}
STEP_US = 3 * SECOND_US

pytestmark = pytest.mark.timeout(240)


def produce_with_confluent(bootstrap: str, topic: str, times_us: list[int]) -> None:
    producer = confluent_kafka.Producer({"bootstrap.servers": bootstrap, "acks": "all", "enable.idempotence": True})
    for time_us in times_us:
        producer.produce(topic, key="confluent", value=value(time_us), timestamp=time_us // 1_000)
    assert 0 == producer.flush(30)


def produce_with_kafka_python(bootstrap: str, topic: str, times_us: list[int]) -> None:
    producer = kafka.KafkaProducer(bootstrap_servers=bootstrap, acks="all")
    sent = [producer.send(topic, key=b"kafka-python", value=value(us), timestamp_ms=us // 1_000) for us in times_us]
    for each in sent:
        each.get(timeout=30)
    producer.close()


async def produce_with_aiokafka(bootstrap: str, topic: str, times_us: list[int]) -> None:
    async with aiokafka.AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        for time_us in times_us:
            await producer.send_and_wait(topic, key=b"aiokafka", value=value(time_us), timestamp_ms=time_us // 1_000)


def produce_with_kcat(kcat: str, bootstrap: str, topic: str, times_us: list[int]) -> None:
    """kcat cannot set timestamps: its events are dated when it sends them, after the window."""
    lines = b"\n".join(value(time_us) for time_us in times_us)
    subprocess.run([kcat, "-b", bootstrap, "-t", topic, "-P", "-k", "kcat"], input=lines, check=True, timeout=30)


def produce_with_curl(http: str, topic: str, times_us: list[int]) -> None:
    records = [{"key": "curl", "value": json.loads(value(us)), "time": us} for us in times_us]
    url = f"{http}/v1/topics/{topic}/records"
    body = json.dumps({"records": records})
    command = ["curl", "--silent", "--show-error", "--fail-with-body", url, "--json", body]
    subprocess.run(command, check=True, timeout=30, stdout=subprocess.DEVNULL)


def value(time_us: int) -> bytes:
    return json.dumps({"n": time_us}).encode()


@pytest.mark.needs("kcat")
async def test_seed_message_plays_exactly_its_window_in_order_at_the_right_times(
    up: Tivo, topic: str, kcat: str
) -> None:
    """Four producers take turns before, in and after the window; kcat's events are dated now."""
    times_us = list(range(START_US - 10 * SECOND_US, END_US + 10 * SECOND_US, STEP_US))
    produce_with_curl(up.http, topic, times_us[0::4])
    await asyncio.to_thread(produce_with_confluent, up.kafka, topic, times_us[1::4])
    await produce_with_aiokafka(up.kafka, topic, times_us[2::4])
    await asyncio.to_thread(produce_with_kafka_python, up.kafka, topic, times_us[3::4])
    await asyncio.to_thread(produce_with_kcat, kcat, up.kafka, topic, times_us[:3])
    wanted = [time_us for time_us in times_us if START_US <= time_us < END_US]

    async with watching(f"{up.socket}/ws/{topic}") as viewer:
        await viewer.send(**SEED_MESSAGE)
        await viewer.until_type("end")

    assert wanted == [event["time_us"] for event in viewer.events]
    assert wanted == [event["value"]["n"] for event in viewer.events]
    assert {"curl", "confluent", "aiokafka", "kafka-python"} == {event["key"] for event in viewer.events}
    due_us = [event["due_us"] for event in viewer.events]
    assert all(abs(later - earlier - STEP_US) <= 1_000 for earlier, later in pairwise(due_us)), due_us
    # A machine that stops for a moment delays one event; it must not delay those behind it.
    after_us = [arrived - due for arrived, due in zip(viewer.arrived_us, due_us, strict=True)]
    late_us = [after - min(after_us) for after in after_us]
    assert median(late_us) < 100_000, late_us
    assert max(late_us) < SECOND_US, late_us


@pytest.mark.needs("kcat")
async def test_every_producer_is_seen_live(up: Tivo, topic: str, kcat: str) -> None:
    times_us = [START_US, START_US + SECOND_US]
    produce_with_curl(up.http, topic, times_us)

    async with watching(f"{up.socket}/ws/{topic}") as viewer:
        await viewer.send(action="tail")
        await viewer.until_type("caught_up")
        produce_with_curl(up.http, topic, times_us)
        await asyncio.to_thread(produce_with_confluent, up.kafka, topic, times_us)
        await produce_with_aiokafka(up.kafka, topic, times_us)
        await asyncio.to_thread(produce_with_kafka_python, up.kafka, topic, times_us)
        await asyncio.to_thread(produce_with_kcat, kcat, up.kafka, topic, times_us)
        await viewer.until(lambda _: len(viewer.events) >= 10)

    assert [(topic, 0, offset) for offset in range(2, 12)] == viewer.places()
    assert {"curl", "confluent", "aiokafka", "kafka-python", "kcat"} == {event["key"] for event in viewer.events}
