"""How late events reach viewers:
`python -m tests.benchmarks.bench_gateway [--rounds N] [--seconds S] [--sessions N …]`.

Playback: every session plays the same window of 100 events a second at speed 1, a frame an event,
their starts spread over a second. Late is the time of arrival less `due_us`, both of this machine's
clock. The floor is what the same receiver measures of frames that a bare uvloop server stamps just
before it writes them, at the same rate. Live: late is the time of arrival less the time just before
the record was given to the Kafka client, once with every append on disk before it is read and once
without (`log.flush`). Medians of the rounds.
"""

import argparse
import asyncio
import gc
import json
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import httpx
import uvloop
from confluent_kafka import Message, Producer
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from tests.benchmarks import machine
from tests.support.tivo import Tivo, tivo_up

RATE = 100
PLAYBACK_BAR_MS = 5.0
LIVE_BAR_MS = {"always": 25.0, "os": 10.0}
"""By the setting log.flush: `always` waits for the disk, which most of it is then."""

LIVE_RATES = (100, 1_000)
SHARES = (0.5, 0.99, 0.999)
TICKS = os.sysconf("SC_CLK_TCK")


class Receiver(asyncio.Protocol):
    """A viewer that only notes when each frame arrived; what is in it is looked at afterwards."""

    def __init__(self, url: str) -> None:
        self._wire = ClientProtocol(parse_uri(url))
        self.frames: list[tuple[int, bytes]] = []
        self.opened = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._wire.send_request(self._wire.connect())
        self._flush()

    def data_received(self, data: bytes) -> None:
        arrived_ns = time.time_ns()
        self._wire.receive_data(data)
        for event in self._wire.events_received():
            if not isinstance(event, Frame):
                self.opened.set_result(None)
            elif event.opcode is Opcode.TEXT:
                self.frames.append((arrived_ns, bytes(event.data)))
        self._flush()

    def say(self, **command: object) -> None:
        self._wire.send_text(json.dumps(command).encode())
        self._flush()

    def _flush(self) -> None:
        for data in self._wire.data_to_send():
            if data:
                self._transport.write(data)  # type: ignore[attr-defined]  # a base transport, as asyncio types it

    def close(self) -> None:
        self._transport.close()


class Line(asyncio.Protocol):
    """The receiver of the floor: a line per frame, the time at which it was written."""

    def __init__(self) -> None:
        self.late_ns: list[int] = []
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        arrived_ns = time.time_ns()
        *lines, self._rest = (self._rest + data).split(b"\n")
        self.late_ns += [arrived_ns - int(line[:19]) for line in lines]


async def viewers(url: str, count: int) -> list[Receiver]:
    """So many open sockets."""
    place = urlsplit(url)
    loop = asyncio.get_running_loop()
    made = [(await loop.create_connection(lambda: Receiver(url), place.hostname, place.port))[1] for _ in range(count)]
    await asyncio.gather(*(each.opened for each in made))
    return made


def busy_seconds(pid: int) -> float:
    """CPU that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@dataclass(slots=True)
class Rounds:
    """What was measured, round by round."""

    late_ms: list[list[float]] = field(default_factory=list)
    beside_ms: list[list[float]] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)

    def report(self, what: str, beside: str, bar_ms: float) -> bool:
        """Print the medians, and what they are to be read beside; whether the bar was met."""
        p99 = percentiles(self.late_ms)[1]
        verdict = f"{'met' if p99 <= bar_ms else 'MISSED'} (p99 ≤ {bar_ms:g} ms)"
        print(f"{what:24} {shown(self.late_ms)}   gateway {median(self.busy):4.0%} of a core   {verdict}")
        print(f"{beside:>24} {shown(self.beside_ms)}", flush=True)
        return p99 <= bar_ms


def percentiles(rounds: Sequence[Sequence[float]]) -> list[float]:
    """Of each of SHARES, its median over the rounds."""
    ordered = [sorted(late_ms) for late_ms in rounds]
    return [median(each[min(int(len(each) * share), len(each) - 1)] for each in ordered) for share in SHARES]


def shown(rounds: Sequence[Sequence[float]]) -> str:
    p50, p99, p999 = percentiles(rounds)
    return f"p50 {p50:6.2f}  p99 {p99:6.2f}  p99.9 {p999:6.2f} ms"


async def fill(running: Tivo, topic: str, seconds: int) -> tuple[int, int]:
    """Produce a window of even events that lies wholly in the past and wait until it is stored; its bounds."""
    end_us = time.time_ns() // 1_000 - 3_600_000_000
    start_us = end_us - seconds * 1_000_000
    lines = b"\n".join(
        b'{"value":{"sensor":"s%d","temp":20.5,"note":"%b"},"key":"s%d","time":%d}'
        % (number % 50, b"x" * 60, number % 50, start_us + number * 1_000_000 // RATE)
        for number in range(seconds * RATE)
    )
    async with httpx.AsyncClient(base_url=running.http, timeout=60) as http:
        answer = await http.post(
            f"/v1/topics/{topic}/records", content=lines, headers={"Content-Type": "application/x-ndjson"}
        )
        answer.raise_for_status()
        while (await http.get(f"/v1/topics/{topic}")).json()["pending"]:  # noqa: ASYNC110  another process stores them
            await asyncio.sleep(0.05)
    return start_us, end_us


async def play(running: Tivo, window: tuple[int, int], count: int, seconds: int, into: Rounds) -> None:
    """A round of so many sessions at once: their lateness, and what the gateway spent on them."""
    receivers = await viewers(f"{running.socket}/ws/bench", count)
    pid = running.ready["pids"]["gateway"]
    before, started = busy_seconds(pid), time.monotonic()
    for receiver in receivers:
        receiver.say(action="play", start=window[0], end=window[1], clock_hz=0)
        await asyncio.sleep(1 / count)
    await asyncio.sleep(seconds + 1.5)
    spent = (busy_seconds(pid) - before) / (time.monotonic() - started)
    for receiver in receivers:
        receiver.close()
    late_ms = [
        (arrived_ns / 1e3 - event.get("due_us", frame["due_us"])) / 1e3
        for receiver in receivers
        for arrived_ns, text in receiver.frames
        if (frame := json.loads(text))["type"] == "events"
        for event in frame["events"]
    ]
    owed = count * seconds * RATE
    assert len(late_ms) == owed, f"{owed} events were owed, {len(late_ms)} came"
    into.late_ms.append(late_ms)
    into.beside_ms.append(await floor_of(count, min(seconds, 5)))
    into.busy.append(spent)


async def follow(running: Tivo, rate: int, seconds: int, into: Rounds) -> None:
    """A round of latency from a Kafka client's hand to a viewer on the live edge, and to the acknowledgement."""
    topic = f"live{rate}-{len(into.busy)}"
    async with httpx.AsyncClient(base_url=running.http, timeout=60) as http:
        (await http.post("/v1/topics", json={"name": topic})).raise_for_status()
    (receiver,) = await viewers(f"{running.socket}/ws/{topic}", 1)
    receiver.say(action="tail")
    producer = Producer({"bootstrap.servers": running.kafka, "linger.ms": 0, "acks": "all"})
    producer.produce(topic, b"0")
    producer.flush()
    await asyncio.sleep(1)
    pid = running.ready["pids"]["gateway"]
    before, started = busy_seconds(pid), time.monotonic()
    acknowledged_ms: list[float] = []

    def note(error: object, message: Message) -> None:
        acknowledged_ms.append((message.latency() or 0) * 1e3)

    over = threading.Event()
    polling = threading.Thread(target=poll, args=(producer, over))
    polling.start()
    for number in range(rate * seconds):
        producer.produce(topic, b"%d" % time.time_ns(), on_delivery=note)
        pause = started + (number + 1) / rate - time.monotonic()
        if pause > 0:
            await asyncio.sleep(pause)
    spent = (busy_seconds(pid) - before) / (time.monotonic() - started)
    producer.flush()
    over.set()
    polling.join()
    await asyncio.sleep(0.5)
    receiver.close()
    late_ms = [
        (arrived_ns - event["value"]) / 1e6
        for arrived_ns, text in receiver.frames
        if (frame := json.loads(text))["type"] == "events"
        for event in frame["events"]
        if event["value"]
    ]
    assert len(late_ms) == rate * seconds, f"{rate * seconds} events were owed, {len(late_ms)} came"
    into.late_ms.append(late_ms)
    into.beside_ms.append(acknowledged_ms)
    into.busy.append(spent)


def poll(producer: Producer, over: threading.Event) -> None:
    """Take answers as they come: what the client calls their latency ends here."""
    while not over.is_set():
        producer.poll(0.1)


async def floor_of(count: int, seconds: int) -> list[float]:
    """What this receiver measures of a server that stamps frames just before it writes them."""
    async with stamping(count) as port:
        loop = asyncio.get_running_loop()
        lines = [(await loop.create_connection(Line, "127.0.0.1", port)) for _ in range(count)]
        await asyncio.sleep(seconds)
        for transport, _ in lines:
            transport.close()
    return [late_ns / 1e6 for _, line in lines for late_ns in line.late_ns]


@asynccontextmanager
async def stamping(count: int) -> AsyncIterator[int]:
    """The port of a stamping server in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __spec__.name, "--stamp", str(count), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield int(await process.stdout.readline())
    finally:
        process.terminate()
        await process.wait()


async def stamp(count: int) -> None:
    """Write a stamped line to everybody connected, RATE times a second each, evenly spread."""
    connected: list[asyncio.StreamWriter] = []

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.append(writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    step = 1 / (RATE * count)
    due = time.monotonic()
    turn = 0
    while True:
        while due <= time.monotonic():
            if connected:
                connected[turn % len(connected)].write(b"%d %b\n" % (time.time_ns(), b"x" * 230))
                turn += 1
            due += step
        await asyncio.sleep(max(due - time.monotonic(), 0.001))


async def playbacks(running: Tivo, asked: argparse.Namespace) -> list[bool]:
    window = await fill(running, "bench", asked.seconds)
    met = []
    for count in asked.sessions:
        rounds = Rounds()
        for _ in range(asked.rounds):
            await play(running, window, count, asked.seconds, rounds)
        met.append(rounds.report(f"playback {count:4} × {RATE}/s", "the receiver's floor", PLAYBACK_BAR_MS))
    return met


async def lives(running: Tivo, flush: str, asked: argparse.Namespace) -> list[bool]:
    met = []
    for rate in LIVE_RATES:
        rounds = Rounds()
        for _ in range(asked.rounds):
            await follow(running, rate, asked.seconds, rounds)
        met.append(rounds.report(f"live {rate:5}/s, {flush}", "acknowledged", LIVE_BAR_MS[flush]))
    return met


async def measure(asked: argparse.Namespace) -> int:
    met = []
    for flush in LIVE_BAR_MS:
        environment = {"TIVO_LOG_FLUSH": flush}
        with (
            TemporaryDirectory(prefix="tivo-bench-") as folder,
            tivo_up(Path(folder), environment=environment) as running,
        ):
            if flush == "always":  # a session in the past reads the store alone
                met += await playbacks(running, asked)
            met += await lives(running, flush, asked)
    return 0 if all(met) else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=10, help="length of each round")
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 50, 100])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--stamp", type=int, default=0, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if asked.stamp:
            runner.run(stamp(asked.stamp))
            return 0
        print(machine.told(), flush=True)
        gc.disable()  # a collection of all the frames received stops the receiver for 35 ms
        return runner.run(measure(asked))


if __name__ == "__main__":
    sys.exit(main())
