"""How a Kafka record becomes an event: one rule for the store, the live edge and every reader between.

The rule looks at the record alone, never at a clock, so that whoever reads the record, and
whenever, sees the same event at the same time.
"""

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
    own_received_us = _time_in(record.headers, RECEIVED_HEADER)
    return Event(
        time_us=event_time(record.timestamp_ms, record.headers),
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
        headers=record.headers,
        received_us=received_us if own_received_us is None else own_received_us,
        kind=value_kind(record.value),
    )


def event_time(timestamp_ms: int, headers: Headers) -> int:
    """The event time in µs: the timestamp, made finer by `tivo-time-us` where that tells the same millisecond.

    A record that says itself when it was received cannot be dated more than an hour after that
    (it stands at the time received then); one with no timestamp stands at the time received, or at
    1970 where it does not tell. Times beyond the year 9999 stand at its end.
    """
    if not headers:
        return min(max(from_kafka_ms(timestamp_ms), 0), MAX_TIME_US)
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
