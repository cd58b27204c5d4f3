"""How a Kafka record becomes an event: one rule for the store, the live edge and every reader between.

The rule looks at the record alone, never at a clock, so that whoever reads the record, and
whenever, sees the same event at the same time.
"""

from collections.abc import Iterable
from typing import NamedTuple

from tivo.model.event import RECEIVED_HEADER, TIME_HEADER, Event, Headers, header, value_kind
from tivo.model.timeline import HOUR_US, MAX_TIME_US, MILLISECOND_US, from_kafka_ms

MAX_FUTURE_US = HOUR_US
"""How far an event may be dated after its arrival; the embedded broker refuses more, like Kafka since 4.0 (KIP-937)."""


class Record(NamedTuple):
    """A record as a Kafka client gives it. `timestamp_ms` is -1 where the producer gave none."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers


def to_event(record: Record, *, received_us: int) -> Event:
    """The event of a record. `received_us` is when this process fetched it; the record's own header counts more."""
    topic, partition, offset, timestamp_ms, key, value, headers = record
    (event,) = to_events(topic, partition, ((offset, timestamp_ms, key, value, headers),), received_us=received_us)
    return event


def to_events(
    topic: str,
    partition: int,
    records: Iterable[tuple[int, int, bytes | None, bytes | None, Headers]],
    *,
    received_us: int,
) -> list[Event]:
    """The events of records of one partition, each given as (offset, timestamp_ms, key, value, headers).

    Done by the million, so the loop calls little and builds events by position: half the time of one call each.
    """
    events = []
    for offset, timestamp_ms, key, value, headers in records:
        own_received_us = _time_in(headers, RECEIVED_HEADER) if headers else None
        events.append(
            Event(
                event_time(timestamp_ms, headers),
                topic,
                partition,
                offset,
                key,
                value,
                headers,
                received_us if own_received_us is None else own_received_us,
                value_kind(value),
            )
        )
    return events


def event_time(timestamp_ms: int, headers: Headers) -> int:
    """The event time in µs: the timestamp, made finer by `tivo-time-us` where that tells the same millisecond.

    A record that says itself when it was received cannot be dated more than an hour after that
    (it stands at the time received then); one with no timestamp stands at the time received, or at
    1970 where it does not tell. Times beyond the year 9999 stand at its end.
    """
    if not headers:
        time_us = from_kafka_ms(timestamp_ms)
        return time_us if 0 <= time_us <= MAX_TIME_US else min(max(time_us, 0), MAX_TIME_US)
    received_us = _time_in(headers, RECEIVED_HEADER)
    if timestamp_ms < 0:
        return max(received_us or 0, 0)
    time_us = from_kafka_ms(timestamp_ms)
    finer_us = _time_in(headers, TIME_HEADER)
    if finer_us is not None and finer_us // MILLISECOND_US == timestamp_ms:
        time_us = finer_us
    if received_us is not None and time_us > received_us + MAX_FUTURE_US:
        return received_us
    return min(time_us, MAX_TIME_US)


def _time_in(headers: Headers, name: str) -> int | None:
    text = header(headers, name) if headers else None
    if text is None or not text.isdigit() or len(text) > 18:
        return None
    return int(text)
