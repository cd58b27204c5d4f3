"""Settings of a topic, under the names that Kafka gives them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from tivo.broker.refusal import Refusal
from tivo.log.settings import Compaction, LogSettings
from tivo.model.timeline import MILLISECOND_US
from tivo.wire.error_codes import ErrorCode

Configs = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSettings:
    """What the settings of a topic come to.

    `max_message_bytes` bounds a record batch as it is sent; `max_future_us` is how far a record
    may be dated after its arrival (KIP-937).
    """

    log: LogSettings
    max_message_bytes: int
    max_future_us: int


class Known(NamedTuple):
    """A setting that topics have: how it is checked, its kind as DescribeConfigs tells it, its value unless set.

    `effect` is what it does, for people; None where it is kept and given back, and does nothing.
    """

    check: Callable[[str], bool]
    kind: int
    default: Callable[[TopicSettings], str]
    effect: str | None = None


RETENTION_TIME = "tivo.retention.time"
"""When a segment's age begins: at the arrival of its last record, or, as in Kafka, at its newest record's own time."""

BOOLEAN, STRING, INT, LONG, DOUBLE, LIST = 1, 2, 3, 5, 6, 7
"""Kinds of settings, as numbered in DescribeConfigs."""


def settings_of(configs: Configs, defaults: TopicSettings) -> TopicSettings:
    """What a topic with these settings does; `defaults` holds for what they do not name."""
    log = replace(
        defaults.log,
        segment_bytes=_number(configs, "segment.bytes", defaults.log.segment_bytes),
        segment_us=_span(configs, "segment.ms", defaults.log.segment_us),
        retention_us=_unless_negative(_span(configs, "retention.ms", _or_negative(defaults.log.retention_us))),
        retention_bytes=_unless_negative(
            _number(configs, "retention.bytes", _or_negative(defaults.log.retention_bytes))
        ),
        by_record_time=configs.get(RETENTION_TIME, "arrival") == "record",
    )
    policies = configs.get("cleanup.policy", "delete").split(",")
    return replace(
        defaults,
        log=replace(
            log, deletes="delete" in policies, compaction=_compaction(configs) if "compact" in policies else None
        ),
        max_message_bytes=_number(configs, "max.message.bytes", defaults.max_message_bytes),
        max_future_us=_span(configs, "message.timestamp.after.max.ms", defaults.max_future_us),
    )


def _compaction(configs: Configs) -> Compaction:
    plain = Compaction()
    return Compaction(
        dirty_ratio=float(configs.get("min.cleanable.dirty.ratio", plain.dirty_ratio)),
        min_lag_us=_span(configs, "min.compaction.lag.ms", plain.min_lag_us),
        max_lag_us=_span(configs, "max.compaction.lag.ms", 0) or plain.max_lag_us,
        tombstone_us=_span(configs, "delete.retention.ms", plain.tombstone_us),
    )


def check(configs: Configs) -> None:
    """Raises Refusal (INVALID_CONFIG) for a setting that is not known or has a value that it cannot have."""
    for reason in complaints(configs).values():
        raise Refusal(ErrorCode.INVALID_CONFIG, reason)


def complaints(configs: Configs) -> dict[str, str]:
    """What is wrong with settings, by their names."""
    found = {}
    for name, value in configs.items():
        known = KNOWN.get(name)
        if known is None:
            found[name] = f"topics have no setting {name!r}"
        elif not known.check(value):
            found[name] = f"setting {name} cannot be {value!r}"
    return found


def in_effect(configs: Configs) -> Configs:
    """Those that are known and have a value that they can have: what another version took besides is passed over."""
    bad = complaints(configs)
    return {name: value for name, value in configs.items() if name not in bad}


def _number(configs: Configs, name: str, default: int) -> int:
    return int(configs[name]) if name in configs else default


def _span(configs: Configs, name: str, default_us: int) -> int:
    return int(configs[name]) * MILLISECOND_US if name in configs else default_us


def _unless_negative(number: int) -> int | None:
    return None if number < 0 else number


def _or_negative(number: int | None) -> int:
    return -1 if number is None else number


def _within(least: int, most: int = 2**63 - 1) -> Callable[[str], bool]:
    def holds(text: str) -> bool:
        digits = text.removeprefix("-")
        return digits.isascii() and digits.isdigit() and len(digits) < 20 and least <= int(text) <= most

    return holds


def _one_of(*texts: str) -> Callable[[str], bool]:
    return frozenset(texts).__contains__


def _fixed(text: str) -> Callable[[TopicSettings], str]:
    return lambda settings: text


def _ms(span_us: int | None) -> str:
    return "-1" if span_us is None else str(span_us // MILLISECOND_US)


_FRACTION = re.compile(r"(?=\.?[0-9])[01]?(?:\.[0-9]{0,20})?")
"""With a digit before its point or behind it."""


def _is_fraction(text: str) -> bool:
    return _FRACTION.fullmatch(text) is not None and float(text) <= 1


_INT_MAX = 2**31 - 1
_BOOLEAN = _one_of("true", "false")

KNOWN: Mapping[str, Known] = {
    # those that something is done with
    "cleanup.policy": Known(
        _one_of("delete", "compact", "compact,delete", "delete,compact"),
        LIST,
        _fixed("delete"),
        "whether old segments are deleted, records that a later one with their key supersedes are cleaned out, or both",
    ),
    "delete.retention.ms": Known(
        _within(0),
        LONG,
        _fixed("86400000"),
        "how long a tombstone stays at least from the first cleaning on that met it",
    ),
    "max.compaction.lag.ms": Known(
        _within(1),
        LONG,
        _fixed("9223372036854775807"),
        "a segment begun so long ago is cleaned whatever the dirty ratio; the active one is sealed for it",
    ),
    "max.message.bytes": Known(
        _within(0, _INT_MAX),
        INT,
        lambda settings: str(settings.max_message_bytes),
        "the largest record batch that is taken",
    ),
    "message.timestamp.after.max.ms": Known(
        _within(0),
        LONG,
        lambda settings: _ms(settings.max_future_us),
        "how far a record may be dated after its arrival",
    ),
    "min.cleanable.dirty.ratio": Known(
        _is_fraction, DOUBLE, _fixed("0.5"), "how much of what may be cleaned must be new before it is"
    ),
    "min.compaction.lag.ms": Known(
        _within(0), LONG, _fixed("0"), "a segment is left alone until so long after its last append"
    ),
    "retention.bytes": Known(
        _within(-1),
        LONG,
        lambda settings: str(_or_negative(settings.log.retention_bytes)),
        "oldest segments go while the partition holds as much without them; -1: none",
    ),
    "retention.ms": Known(
        _within(-1),
        LONG,
        lambda settings: _ms(settings.log.retention_us),
        "a segment goes so long after it came, see `tivo.retention.time`; -1: never",
    ),
    "segment.bytes": Known(
        _within(1 << 14, _INT_MAX),
        INT,
        lambda settings: str(settings.log.segment_bytes),
        "a new segment begins where the present one would become larger",
    ),
    "segment.ms": Known(
        _within(1),
        LONG,
        lambda settings: _ms(settings.log.segment_us),
        "a new segment begins so long after the present one was begun, though nothing comes",
    ),
    RETENTION_TIME: Known(
        _one_of("arrival", "record"),
        STRING,
        _fixed("arrival"),
        "tivo's own: age counts from a segment's last `arrival`, or, as in Kafka, from its newest `record`'s time",
    ),  # not one of Kafka's
    # those that can have one value only, the way it is done here
    "compression.type": Known(
        _one_of("producer"), STRING, _fixed("producer"), "one value: batches are kept as they come"
    ),
    "message.timestamp.type": Known(
        _one_of("CreateTime"), STRING, _fixed("CreateTime"), "one value: records keep the time of their making"
    ),
    "min.insync.replicas": Known(_within(1, 1), INT, _fixed("1"), "one value: there is one broker"),
    # those that tune how Kafka works inside: kept and given back
    "file.delete.delay.ms": Known(_within(0), LONG, _fixed("60000")),
    "flush.messages": Known(_within(1), LONG, _fixed("9223372036854775807")),
    "flush.ms": Known(_within(0), LONG, _fixed("9223372036854775807")),
    "index.interval.bytes": Known(_within(0, _INT_MAX), INT, _fixed("4096")),
    "message.downconversion.enable": Known(_BOOLEAN, BOOLEAN, _fixed("false")),
    "message.timestamp.before.max.ms": Known(_within(0), LONG, _fixed("9223372036854775807")),
    "preallocate": Known(_BOOLEAN, BOOLEAN, _fixed("false")),
    "segment.index.bytes": Known(_within(4, _INT_MAX), INT, _fixed("10485760")),
    "segment.jitter.ms": Known(_within(0), LONG, _fixed("0")),
    "unclean.leader.election.enable": Known(_BOOLEAN, BOOLEAN, _fixed("false")),
}
