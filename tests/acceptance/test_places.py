"""Events that are played into other places: another topic."""

import asyncio
import signal
import subprocess
from dataclasses import dataclass
from typing import Any

import aiokafka
import httpx
import pytest

from tests.support.tivo import Tivo, tivo, until
from tivo.model.timeline import from_rfc_3339

START_US = from_rfc_3339("2026-03-01T12:00:00Z")
WINDOW = ("--start", "2026-03-01T12:00:00Z", "--end", "2026-03-01T12:00:10Z")
WINDOW_S = 10
ORIGIN = ("tivo-origin-topic", "tivo-origin-partition", "tivo-origin-offset", "tivo-origin-time-us")

pytestmark = pytest.mark.timeout(300)

Header = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class Sample:
    """A record as it is produced, and as it should come again."""

    at_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] = ()


SAMPLES = [
    Sample(0, b"a", b'{"n": 1,  "spaces": "kept"}', (("h", b"1"), ("h", b"2"))),
    Sample(1_000, b"\xff\x00", b"\x00\xfe\xff", (("binary", b"\xff"),)),
    Sample(1_000, b"a", b"plain text\nwith a break"),
    Sample(2_500, b"gone", None),
    Sample(5_000, None, b""),
    Sample(9_999, b"z", b"[1, 2]\r\n"),
]


async def produce(up: Tivo, topic: str, samples: list[Sample]) -> None:
    async with aiokafka.AIOKafkaProducer(bootstrap_servers=up.kafka, acks="all") as producer:
        for sample in samples:
            at_ms = START_US // 1_000 + sample.at_ms
            await producer.send_and_wait(
                topic, sample.value, key=sample.key, headers=[*sample.headers], timestamp_ms=at_ms
            )
    wait_until_stored(up, topic, len(samples))


def wait_until_stored(up: Tivo, topic: str, count: int) -> None:
    """What the store does not hold yet may come late, out of its order."""

    def is_there() -> bool:
        counted = httpx.get(f"{up.http}/v1/topics/{topic}/overview")
        return counted.is_success and sum(counted.json()["counts"]) == count

    until(is_there, f"{count} events of {topic} to be stored")


async def written(up: Tivo, topic: str, count: int) -> list[Any]:
    """The first records of a topic with one partition."""
    place = aiokafka.TopicPartition(topic, 0)
    consumer = aiokafka.AIOKafkaConsumer(bootstrap_servers=up.kafka, auto_offset_reset="earliest")
    async with consumer, asyncio.timeout(60):
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        records: list[Any] = []
        while len(records) < count:
            records += (await consumer.getmany(timeout_ms=500)).get(place, [])
        return records


def play(up: Tivo, topic: str, *flags: str) -> "subprocess.Popen[bytes]":
    return tivo(
        ["play", topic, "--url", up.http, "--bootstrap", up.kafka, *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def played(up: Tivo, topic: str, *flags: str) -> tuple[int | None, str]:
    """The exit code of `tivo play` and what it told a person."""
    process = play(up, topic, *flags)
    out, told = process.communicate(timeout=120)
    assert b"" == out
    return process.returncode, told.decode()


def own(record: Any) -> tuple[bytes | None, bytes | None, tuple[Header, ...]]:
    """Key, value and the headers that do not tell of the origin."""
    return record.key, record.value, tuple(each for each in record.headers if each[0] not in ORIGIN)


async def test_a_window_goes_into_another_topic_looped_in_its_time_byte_for_byte(up: Tivo, topic: str) -> None:
    await produce(up, topic, SAMPLES)
    target, turns, speed = f"{topic}-copy", 2, 7.3

    code, told = played(up, topic, *WINDOW, "--speed", str(speed), "--loop", str(turns), "--to-topic", target)

    assert (0, f"wrote {turns * len(SAMPLES)} events to {target}") == (code, told.strip().splitlines()[-1])
    records = await written(up, target, turns * len(SAMPLES))
    wanted = [(sample.key, sample.value, sample.headers) for sample in SAMPLES]
    assert turns * wanted == [own(record) for record in records]
    origins = [dict(record.headers) for record in records]
    assert turns * list(range(len(SAMPLES))) == [int(each["tivo-origin-offset"]) for each in origins]
    assert {topic.encode()} == {each["tivo-origin-topic"] for each in origins}
    assert {b"0"} == {each["tivo-origin-partition"] for each in origins}
    assert [START_US + sample.at_ms * 1_000 for sample in SAMPLES] * turns == [
        int(each["tivo-origin-time-us"]) for each in origins
    ]
    for turn in range(turns):
        of_turn = records[turn * len(SAMPLES) : (turn + 1) * len(SAMPLES)]
        for record, sample in zip(of_turn, SAMPLES, strict=True):
            due_ms = of_turn[0].timestamp + (sample.at_ms - SAMPLES[0].at_ms) / speed
            assert abs(record.timestamp - due_ms) < 500, (turn, sample)


async def test_kept_times_are_those_of_the_origin(up: Tivo, topic: str) -> None:
    await produce(up, topic, SAMPLES)
    target = f"{topic}-copy"

    code, _ = played(up, topic, *WINDOW, "--speed", "unlimited", "--keep-time", "--to-topic", target)

    assert 0 == code
    records = await written(up, target, len(SAMPLES))
    assert [START_US // 1_000 + sample.at_ms for sample in SAMPLES] == [record.timestamp for record in records]


async def test_as_fast_as_it_goes_none_is_missing_and_none_twice(up: Tivo, topic: str) -> None:
    count = 20_000
    async with aiokafka.AIOKafkaProducer(bootstrap_servers=up.kafka, acks="all", linger_ms=5) as producer:
        for n in range(count):
            await producer.send(topic, b"%d" % n, timestamp_ms=START_US // 1_000 + n % 10_000)
    wait_until_stored(up, topic, count)
    target = f"{topic}-copy"

    code, told = played(up, topic, *WINDOW, "--speed", "unlimited", "--to-topic", target)

    assert (0, f"wrote {count:,} events to {target}") == (code, told.strip())
    records = await written(up, target, count)
    assert sorted(range(count), key=lambda n: (n % 10_000, n)) == [int(record.value) for record in records]


async def test_stopped_it_ends_at_once_and_says_how_far_it_came(up: Tivo, topic: str) -> None:
    await produce(up, topic, SAMPLES)
    target = f"{topic}-copy"
    process = play(up, topic, *WINDOW, "--loop", "true", "--speed", "100", "--to-topic", target)
    before = await written(up, target, 2 * len(SAMPLES))

    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)

    assert 130 == process.returncode
    last = told.decode().strip().splitlines()[-1]
    assert last.startswith("wrote "), told
    count = int(last.split()[1].replace(",", ""))
    assert len(before) <= count
    assert count == len(await written(up, target, count))
    assert "Traceback" not in told.decode()


@pytest.mark.parametrize("pattern", ["{topic}", "{topic}*"])
def test_a_topic_that_would_be_fed_by_itself_is_refused(up: Tivo, topic: str, pattern: str) -> None:
    code, told = played(up, pattern.format(topic=topic), "--to-topic", topic)

    assert 2 == code
    assert f"tivo: '{topic}' is among the topics that are played: it would be fed by itself\n" == told
