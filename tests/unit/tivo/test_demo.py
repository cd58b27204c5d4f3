"""The demo's day is the same for everyone who starts it with the same seed."""

from itertools import pairwise

import orjson
import pytest

from tivo import demo
from tivo.client.producer import NewRecord
from tivo.model.timeline import DAY_US, HOUR_US, SECOND_US

NOON_US = 20_000 * DAY_US + 12 * HOUR_US
topics = pytest.mark.parametrize("topic", sorted(demo.TOPICS))


def between(topic: str, start_us: int, end_us: int, seed: int = 1) -> list[NewRecord]:
    return list(demo.records_between(demo.TOPICS[topic], seed, start_us, end_us))


def times(records: list[NewRecord]) -> list[int]:
    return [record.time_us for record in records if record.time_us is not None]


@topics
def test_same_seed_same_events(topic: str) -> None:
    assert between(topic, NOON_US, NOON_US + HOUR_US) == between(topic, NOON_US, NOON_US + HOUR_US)
    assert between(topic, NOON_US, NOON_US + HOUR_US) != between(topic, NOON_US, NOON_US + HOUR_US, seed=2)


@topics
def test_events_come_in_order_within_the_span(topic: str) -> None:
    found = times(between(topic, NOON_US + 3_333_333, NOON_US + 60 * SECOND_US + 1))

    assert found
    assert all(NOON_US + 3_333_333 <= time_us < NOON_US + 60 * SECOND_US + 1 for time_us in found)
    assert all(earlier <= later for earlier, later in pairwise(found))


@topics
def test_stopping_and_going_on_makes_no_difference(topic: str) -> None:
    stop_us = NOON_US + 123_456_789

    in_two = between(topic, NOON_US, stop_us) + between(topic, stop_us, NOON_US + HOUR_US)

    assert between(topic, NOON_US, NOON_US + HOUR_US) == in_two


@topics
def test_values_are_json_with_what_the_console_draws(topic: str) -> None:
    fields = {
        "quakes": {"lon", "lat", "mag", "place"},
        "sensors": {"sensor", "temp", "lon", "lat"},
        "clicks": {"path", "user", "ms"},
    }

    values = [orjson.loads(record.value or b"") for record in between(topic, NOON_US, NOON_US + 600 * SECOND_US)]

    assert all(fields[topic] == value.keys() for value in values)


def test_quakes_lie_on_the_globe() -> None:
    values = [orjson.loads(record.value or b"") for record in between("quakes", NOON_US, NOON_US + 6 * HOUR_US)]

    assert all(-180 <= value["lon"] <= 180 and -90 <= value["lat"] <= 90 for value in values)


def test_nights_are_colder_and_quieter_than_days() -> None:
    def mean_temperature(start_us: int) -> float:
        values = [
            orjson.loads(record.value or b"")["temp"] for record in between("sensors", start_us, start_us + HOUR_US)
        ]
        return float(sum(values) / len(values))

    midnight_us = NOON_US - 12 * HOUR_US
    assert mean_temperature(midnight_us) < mean_temperature(NOON_US)
    night, day = (len(between("clicks", start_us, start_us + 3 * HOUR_US)) for start_us in (midnight_us, NOON_US))
    assert night < day
