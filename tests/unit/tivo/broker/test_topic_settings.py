"""Settings of topics."""

import pytest

from tivo.broker.refusal import Refusal
from tivo.broker.topic_settings import KNOWN, TopicSettings, check, complaints, in_effect, settings_of
from tivo.log.settings import Compaction, LogSettings
from tivo.wire.error_codes import ErrorCode

DEFAULTS = TopicSettings(
    log=LogSettings(retention_us=7_000_000, retention_bytes=None), max_message_bytes=1_000, max_future_us=5_000
)


def test_nothing_said_means_the_defaults() -> None:
    assert DEFAULTS == settings_of({}, DEFAULTS)


def test_what_is_said_counts() -> None:
    settings = settings_of(
        {
            "segment.bytes": "65536",
            "segment.ms": "60000",
            "retention.ms": "1",
            "retention.bytes": "2",
            "max.message.bytes": "3",
            "message.timestamp.after.max.ms": "4",
        },
        DEFAULTS,
    )

    log = settings.log
    assert (65_536, 60_000_000, 1_000, 2) == (log.segment_bytes, log.segment_us, log.retention_us, log.retention_bytes)
    assert (3, 4_000) == (settings.max_message_bytes, settings.max_future_us)


def test_below_zero_keeps_for_ever() -> None:
    log = settings_of({"retention.ms": "-1", "retention.bytes": "-1"}, DEFAULTS).log

    assert (None, None) == (log.retention_us, log.retention_bytes)


@pytest.mark.parametrize(
    ("policy", "deletes", "compacts"),
    [
        ("delete", True, False),
        ("compact", False, True),
        ("compact,delete", True, True),
        ("delete,compact", True, True),
    ],
)
def test_a_topic_deletes_or_is_compacted_or_both(policy: str, deletes: bool, compacts: bool) -> None:
    log = settings_of({"cleanup.policy": policy}, DEFAULTS).log

    assert (deletes, compacts) == (log.deletes, log.compaction is not None)


def test_how_a_topic_is_compacted() -> None:
    configs = {"min.cleanable.dirty.ratio": ".25", "min.compaction.lag.ms": "1", "delete.retention.ms": "3"}

    some = settings_of({"cleanup.policy": "compact", **configs}, DEFAULTS).log.compaction
    late = settings_of({"cleanup.policy": "compact", "max.compaction.lag.ms": "2"}, DEFAULTS).log.compaction

    assert Compaction(dirty_ratio=0.25, min_lag_us=1_000, tombstone_us=3_000) == some
    assert Compaction(max_lag_us=2_000) == late


def test_age_counts_from_arrival_unless_said_otherwise() -> None:
    assert not settings_of({}, DEFAULTS).log.by_record_time
    assert settings_of({"tivo.retention.time": "record"}, DEFAULTS).log.by_record_time


def test_every_default_can_be_said() -> None:
    check({name: known.default(DEFAULTS) for name, known in KNOWN.items()} | {"segment.bytes": "65536"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("no.such.setting", "1"),
        ("retention.ms", "-2"),
        ("retention.ms", "1.5"),
        ("retention.ms", ""),
        ("retention.ms", "\N{ARABIC-INDIC DIGIT ONE}"),
        ("retention.ms", "9" * 30),
        ("max.message.bytes", str(2**31)),
        ("cleanup.policy", "shred"),
        ("compression.type", "zstd"),
        ("message.timestamp.type", "LogAppendTime"),
        ("min.insync.replicas", "2"),
        ("preallocate", "yes"),
        ("min.cleanable.dirty.ratio", "2"),
        ("min.cleanable.dirty.ratio", "."),
        ("min.cleanable.dirty.ratio", ""),
        ("min.cleanable.dirty.ratio", "half"),
        ("min.cleanable.dirty.ratio", "1.9"),
        ("min.cleanable.dirty.ratio", "-0.5"),
        ("min.cleanable.dirty.ratio", "0.5\n"),
        ("min.cleanable.dirty.ratio", "0.\N{SUPERSCRIPT TWO}"),
        ("min.cleanable.dirty.ratio", "0.\N{ARABIC-INDIC DIGIT ONE}"),
        ("min.cleanable.dirty.ratio", "0." + "5" * 21),
    ],
)
def test_what_cannot_be_is_refused(name: str, value: str) -> None:
    with pytest.raises(Refusal, match=name) as refused:
        check({name: value})

    assert ErrorCode.INVALID_CONFIG is refused.value.code


def test_all_that_is_wrong_is_told_by_name() -> None:
    configs = {"retention.ms": "1", "segment.ms": "0", "no": "1"}

    assert {"segment.ms": "setting segment.ms cannot be '0'", "no": "topics have no setting 'no'"} == complaints(
        configs
    )


@pytest.mark.parametrize("value", ["0", "1", "0.5", ".5", "1.", "1.000", "0.33333333333333333333"])
def test_fractions(value: str) -> None:
    configs = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": value}

    check(configs)
    compaction = settings_of(configs, DEFAULTS).log.compaction

    assert compaction is not None
    assert float(value) == compaction.dirty_ratio


def test_what_cannot_be_is_not_in_effect() -> None:
    assert {"segment.ms": "2"} == in_effect({"no.such": "1", "segment.ms": "2", "segment.bytes": "x"})
