"""A window of events at every speed: all of them, in order, in the time that it should take."""

import asyncio
import random
import time
from dataclasses import dataclass

import aiokafka
import pytest

from tests.support.tivo import Tivo
from tests.support.watching import Notice, Watching, watching
from tivo.model.timeline import MINUTE_US, SECOND_US, from_rfc_3339

START_US = from_rfc_3339("2026-03-01T12:00:00Z")
EVENTS = 1_200
TOPICS_IN_ONE_SESSION = 2

pytestmark = [pytest.mark.timeout(400), pytest.mark.alone]


@dataclass(frozen=True, slots=True)
class Case:
    """A pacing, and how long a window should take under it; None where as fast as it goes."""

    controls: dict[str, object]
    ideal_s: float | None


def cases(window_s: float) -> list[Case]:
    return [
        Case({"speed": 0.5}, window_s / 0.5),
        Case({"speed": 1}, window_s),
        Case({"speed": "7.3"}, window_s / 7.3),
        Case({"speed": 60}, window_s / 60),
        Case({"speed": 1000}, window_s / 1000),
        Case({"speed": "unlimited"}, None),
        Case({"fit": 10}, 10.0),
        Case({"fit": "10s", "max_gap": 3600}, 10.0),
    ]


async def produce_a_minute(bootstrap: str, topic: str) -> list[tuple[int, int]]:
    """Events at random moments, some at equal times, a few out of order; → (time, offset) in playback order."""
    draw = random.Random(topic)
    times_ms = sorted(draw.randrange(1, 59_999) for _ in range(EVENTS - 2))
    for _ in range(EVENTS // 50):
        at = draw.randrange(1, EVENTS - 2)
        times_ms[at - 1], times_ms[at] = times_ms[at], times_ms[at - 1]
    times_ms = [0, *times_ms, 59_999]
    placed = []
    async with aiokafka.AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5) as producer:
        sent = [
            await producer.send(topic, value=b'{"n": %d}' % n, timestamp_ms=START_US // 1_000 + at_ms)
            for n, at_ms in enumerate(times_ms)
        ]
        for at_ms, each in zip(times_ms, sent, strict=True):
            placed.append((START_US + at_ms * 1_000, (await each).offset))
    return sorted(placed)


async def play(up: Tivo, topic: str, window_s: int, case: Case) -> tuple[Watching, float]:
    async with watching(f"{up.socket}/ws/{topic}") as viewer:
        window = {"start": "2026-03-01T12:00:00Z", "end": START_US + window_s * SECOND_US}
        await viewer.send(action="play", **window, **case.controls)
        ended: list[float] = []

        def end(notice: Notice) -> bool:
            if notice["type"] == "end":
                ended.append(time.monotonic())
            return notice["type"] == "end"

        await viewer.until(end)
    return viewer, ended[0] - viewer.arrived_us[0] / 1e6


async def test_a_window_at_every_speed(up: Tivo, topic: str, pytestconfig: pytest.Config) -> None:
    window_s: int = pytestconfig.getoption("window")
    end_us = START_US + window_s * SECOND_US
    wanted = [each for each in await produce_a_minute(up.kafka, topic) if each[0] < end_us]

    async def one_after_another(cases: list[Case]) -> list[tuple[Watching, float]]:
        """A playback of 60 ms is not measured while seven others open their sockets."""
        return [await play(up, topic, window_s, case) for case in cases]

    every = cases(window_s)
    long = [case for case in every if case.ideal_s is not None and case.ideal_s > 5]
    short = [case for case in every if case not in long]
    at_once = [one_after_another([case]) for case in long]
    *slow, quick = await asyncio.gather(*at_once, one_after_another(short))
    played = [*(each[0] for each in slow), *quick]

    for case, (viewer, took_s) in zip([*long, *short], played, strict=True):
        print(
            f"{up.ready['kafka']} {case.controls}: {len(viewer.events)} events in {took_s:.3f} s, ideal {case.ideal_s}"
        )
        assert wanted == [(event["time_us"], event["offset"]) for event in viewer.events], case
        if case.ideal_s is not None:
            assert abs(took_s - case.ideal_s) <= 0.005 * case.ideal_s + 0.020, (case, took_s)


async def test_loops_lose_and_double_nothing_at_the_wrap(up: Tivo, topic: str) -> None:
    wanted = await produce_a_minute(up.kafka, topic)

    async with watching(f"{up.socket}/ws/{topic}") as viewer:
        window = {"start": START_US, "end": START_US + MINUTE_US}
        await viewer.send(action="play", **window, speed=240, loop=3)
        await viewer.until_type("end")

    assert 3 * wanted == [(event["time_us"], event["offset"]) for event in viewer.events]
    assert [(2, 3), (3, 3)] == [(notice["iteration"], notice["of"]) for notice in viewer.of_type("loop")]


async def test_several_topics_play_in_one_order(up: Tivo, topic: str) -> None:
    topics = [f"{topic}.{n}" for n in range(TOPICS_IN_ONE_SESSION)]
    placed = [await produce_a_minute(up.kafka, each) for each in topics]
    wanted = sorted(
        (time_us, each, offset) for each, events in zip(topics, placed, strict=True) for time_us, offset in events
    )

    async with watching(f"{up.socket}/ws?topics={topic}.*") as viewer:
        await viewer.send(action="play", start=START_US, end=START_US + MINUTE_US, speed="unlimited")
        await viewer.until_type("end")

    assert wanted == [(event["time_us"], event["topic"], event["offset"]) for event in viewer.events]


async def test_a_seek_moves_within_a_second(up: Tivo, topic: str) -> None:
    wanted = await produce_a_minute(up.kafka, topic)

    async with watching(f"{up.socket}/ws/{topic}") as viewer:
        await viewer.send(action="play", start=START_US, end=START_US + MINUTE_US, speed=1)
        await viewer.until_type("events")
        await viewer.send(action="seek", pos=START_US + 55 * SECOND_US)
        reset = await viewer.until(lambda notice: notice["type"] == "reset" and notice["why"] == "seek")
        await viewer.send(action="set", speed=60)
        await viewer.until_type("end")

    after = [(event["time_us"], event["offset"]) for event in viewer.events if event["epoch"] == reset["epoch"]]
    assert [each for each in wanted if each[0] >= START_US + 55 * SECOND_US] == after
