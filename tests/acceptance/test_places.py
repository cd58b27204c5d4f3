"""Events that go to other places: into another topic, into a command, into a file."""

import asyncio
import csv
import io
import json
import signal
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiokafka
import httpx
import pyarrow.parquet as pq
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


async def test_what_is_killed_meanwhile_costs_no_event_and_doubles_none(up: Tivo, topic: str) -> None:
    count, target = 400, f"{topic}-copy"
    await produce(up, topic, [Sample(n * 25, b"k", b"%d" % n) for n in range(count)])
    process = play(up, topic, *WINDOW, "--to-topic", target)

    for name, behind in (("gateway", 50), ("broker", 200)):
        await written(up, target, behind)
        if pid := up.ready["pids"].get(name):  # a cluster beside tivo has no process of ours
            up.kill(name)
            up.wait_for_restart(name, pid)
    _, told = process.communicate(timeout=120)

    assert 0 == process.returncode, told.decode()
    assert told.decode().endswith(f"wrote {count} events to {target}\n")
    assert list(range(count)) == [int(record.value) for record in await written(up, target, count)]


@pytest.mark.parametrize("pattern", ["{topic}", "{topic}*"])
def test_a_topic_that_would_be_fed_by_itself_is_refused(up: Tivo, topic: str, pattern: str) -> None:
    code, told = played(up, pattern.format(topic=topic), "--to-topic", topic)

    assert 2 == code
    assert f"tivo: '{topic}' is among the topics that are played: it would be fed by itself\n" == told


# ---------------------------------------------------------------- exec


def executed(up: Tivo, topic: str, run: str, *flags: str) -> tuple[int | None, bytes, str]:
    """The exit code of `tivo play --exec`, what the command printed, and what a person was told."""
    process = tivo(
        ["play", topic, *WINDOW, "--speed", "unlimited", "--url", up.http, "--exec", run, *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, told = process.communicate(timeout=120)
    assert b"Traceback" not in told
    return process.returncode, out, told.decode()


async def test_a_command_gets_a_line_for_every_event_and_its_exit_code_counts(up: Tivo, topic: str) -> None:
    await produce(up, topic, SAMPLES)

    code, out, told = executed(up, topic, "cat; exit 7")

    assert 7 == code
    assert list(range(len(SAMPLES))) == [json.loads(line)["offset"] for line in out.splitlines()]
    assert f"gave {len(SAMPLES)} events to 'cat; exit 7'\n" == told


async def test_a_command_that_ends_first_ends_the_playback(up: Tivo, topic: str) -> None:
    await produce_many(up, topic, 20_000)

    code, out, _ = executed(up, topic, "head -n 1", "--loop", "true")

    assert (0, 1) == (code, len(out.splitlines()))


@pytest.mark.parametrize(("run", "code"), [("kill -9 $$", 137), ("no-such-command", 127), ("exec <&-; exit 3", 3)])
async def test_a_command_that_fails_is_told_by_its_code(up: Tivo, topic: str, run: str, code: int) -> None:
    await produce(up, topic, SAMPLES)

    assert code == executed(up, topic, run, "--loop", "true")[0]


async def test_a_slow_command_holds_the_playback_and_gets_all(up: Tivo, topic: str) -> None:
    count = 20_000
    await produce_many(up, topic, count)

    code, out, _ = executed(up, topic, "sleep 3; wc -l")

    assert (0, count) == (code, int(out))


async def test_stopped_with_a_command_it_ends_with_it(up: Tivo, topic: str, tmp_path: Path) -> None:
    await produce(up, topic, SAMPLES)
    seen = tmp_path / "seen"
    process = tivo(
        ["play", topic, *WINDOW, "--loop", "true", "--url", up.http, "--exec", f"tee {seen}; touch {seen}.closed"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    until(lambda: seen.exists() and seen.stat().st_size, "an event")

    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)

    assert 130 == process.returncode
    assert told.decode().startswith("gave ")
    assert ["seen", "seen.closed"] == files(tmp_path)


# ---------------------------------------------------------------- export


async def produce_many(up: Tivo, topic: str, count: int) -> None:
    async with aiokafka.AIOKafkaProducer(bootstrap_servers=up.kafka, acks="all", linger_ms=5) as producer:
        for n in range(count):
            key, at_ms = b"k%d" % (n % 10), START_US // 1_000 + n % 10_000
            await producer.send(topic, b'{"n": %d, "text": "a, b"}' % n, key=key, timestamp_ms=at_ms)
    wait_until_stored(up, topic, count)


def export(up: Tivo, topic: str, file: Path, *flags: str) -> "subprocess.Popen[bytes]":
    return tivo(
        ["export", topic, *WINDOW, "-o", str(file), "--url", up.http, *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def files(folder: Path) -> list[str]:
    """What is in a folder, by name."""
    return sorted(each.name for each in folder.iterdir())


def exported(up: Tivo, topic: str, file: Path, *flags: str) -> dict[str, Any]:
    """What `tivo export --json` says when it is done."""
    process = export(up, topic, file, "--json", *flags)
    out, told = process.communicate(timeout=120)
    assert 0 == process.returncode, told.decode()
    summary: dict[str, Any] = json.loads(out)
    return summary


async def test_a_window_is_exported_in_every_format(up: Tivo, topic: str, tmp_path: Path) -> None:
    outside = Sample(10_000, b"outside", b"0")
    await produce(up, topic, [*SAMPLES, outside])
    text, table, columns = (tmp_path / f"out.{suffix}" for suffix in ("ndjson", "csv", "parquet"))

    told = [exported(up, topic, file) for file in (text, table, columns)]

    count = len(SAMPLES)
    assert [("ndjson", count), ("csv", count), ("parquet", count)] == [
        (each["format"], each["events"]) for each in told
    ]
    assert [file.stat().st_size for file in (text, table, columns)] == [each["bytes"] for each in told]
    lines = [json.loads(line) for line in text.read_bytes().splitlines()]
    cells = [*csv.DictReader(io.StringIO(table.read_bytes().decode(), newline=""))]
    rows = pq.read_table(columns).to_pylist()
    times = [START_US + sample.at_ms * 1_000 for sample in SAMPLES]
    assert times == [line["time_us"] for line in lines] == [int(cell["time_us"]) for cell in cells]
    assert times == [row["time"] // timedelta(microseconds=1) for row in _since_1970(rows)]
    assert {"n": 1, "spaces": "kept"} == lines[0]["value"]
    assert "plain text\nwith a break" == lines[2]["value"] == cells[2]["value"] == rows[2]["value"]
    assert [None, None] == [lines[3]["value"], rows[3]["value"]]
    assert ["h", "binary"] == [next(iter(json.loads(row["headers"]))) for row in rows[:2]]
    assert ["out.csv", "out.ndjson", "out.parquet"] == files(tmp_path)


def _since_1970(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row | {"time": row["time"] - datetime(1970, 1, 1, tzinfo=UTC)} for row in rows]


async def test_keys_and_an_expression_narrow_an_export(up: Tivo, topic: str, tmp_path: Path) -> None:
    await produce_many(up, topic, 100)
    file = tmp_path / "out.ndjson"

    told = exported(up, topic, file, "--key", "k1", "--key", "k2*", "--where", "value.n < 50")

    found = [json.loads(line)["value"]["n"] for line in file.read_bytes().splitlines()]
    assert [1, 2, 11, 12, 21, 22, 31, 32, 41, 42] == found
    assert len(found) == told["events"]


@pytest.mark.parametrize("suffix", ["ndjson", "csv", "parquet"])
async def test_an_export_that_was_killed_goes_on_and_is_the_same(
    up: Tivo, topic: str, tmp_path: Path, suffix: str
) -> None:
    count = 45_000
    await produce_many(up, topic, count)
    whole, killed = tmp_path / f"whole.{suffix}", tmp_path / f"killed.{suffix}"
    assert not exported(up, topic, whole)["resumed"]
    state = tmp_path / f"killed.{suffix}.tivo-part" / "state.json"

    process = export(up, topic, killed)
    until(state.exists, "the first page")
    process.kill()
    process.communicate()
    assert not killed.exists()
    kept = json.loads(state.read_bytes())["events"]
    told = exported(up, topic, killed)

    assert 0 < kept <= count
    assert (True, count) == (told["resumed"], told["events"])
    assert whole.read_bytes() == killed.read_bytes()
    assert not state.parent.exists()


async def test_an_export_that_was_stopped_says_how_to_go_on(up: Tivo, topic: str, tmp_path: Path) -> None:
    await produce_many(up, topic, 45_000)
    file = tmp_path / "out.csv"
    process = export(up, topic, file)
    until((tmp_path / "out.csv.tivo-part" / "state.json").exists, "the first page")

    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)

    assert 130 == process.returncode
    assert f"of it lie in {file}.tivo-part; the same command goes on from there" in told.decode()
    assert "Traceback" not in told.decode()


async def test_what_cannot_be_exported_is_refused_and_leaves_nothing(up: Tivo, topic: str, tmp_path: Path) -> None:
    await produce(up, topic, SAMPLES)
    there = tmp_path / "there.csv"
    there.write_text("mine")
    for name, file, flags, said in (
        (topic, tmp_path / "a.txt", (), "says no format"),
        (topic, there, (), "is there already"),
        (f"{topic}-no", tmp_path / "a.csv", (), f"there is no topic named '{topic}-no'"),
        (topic, tmp_path / "b.csv", ("--start", "yesterday"), "yesterday"),
        (topic, tmp_path / "c.csv", ("--where", "value.n >"), "column 10: expected a value"),
        (topic, tmp_path / "no" / "d.csv", (), "cannot be written"),
    ):
        process = export(up, name, file, *flags)
        _, told = process.communicate(timeout=60)
        assert process.returncode in {1, 2}
        assert said in told.decode(), flags
        assert "Traceback" not in told.decode()

    assert ["there.csv"] == files(tmp_path)
    assert "mine" == there.read_text()
