"""Batches and records as people are told of them."""

import msgspec
import pytest

from tests.support.batches import batch
from tivo.log.facts import BatchFacts, DamageFacts, batch_facts, record_facts
from tivo.wire.control import Marker
from tivo.wire.record_batch import CONTROL, DELETE_HORIZON, TRANSACTIONAL, Record, read_header

RECORD = Record(offset=7, timestamp_ms=1_000, key=b"k", value=b"v", headers=(("h", b"1"), ("null", None)))


def facts(**header: int) -> BatchFacts:
    return batch_facts("quakes", 2, "0.log", 76, read_header(batch(b"a", b"b", time_ms=1_000))._replace(**header))


def test_batch_on_one_line() -> None:
    told = (
        "quakes/2 offsets 5 to 6: 2 records, 77 bytes at 76 of 0.log, none, newest 1970-01-01T00:00:01Z, leader epoch 3"
    )

    assert told == str(facts(base_offset=5, partition_leader_epoch=3))


def test_what_a_producer_says_of_itself() -> None:
    told = facts(producer_id=9, producer_epoch=1, base_sequence=4, attributes=TRANSACTIONAL | CONTROL)

    assert str(told).endswith("producer 9 epoch 1 sequence 4, transactional, control")
    assert (True, True) == (told.transactional, told.control)


@pytest.mark.parametrize(
    ("time_ms", "told"),
    [(-1, None), (0, "1970-01-01T00:00:00Z"), (1, "1970-01-01T00:00:00.001000Z"), (1 << 60, f"{1 << 60} ms")],
)
def test_times(time_ms: int, told: str | None) -> None:
    assert told == facts(max_timestamp=time_ms).newest_time


def test_record_as_json() -> None:
    assert {
        "topic": "quakes", "partition": 2, "offset": 7, "time": "1970-01-01T00:00:01Z", "key": "k", "value": "v",
        "headers": [("h", "1"), ("null", None)], "control": False, "marker": None,
    } == msgspec.to_builtins(record_facts("quakes", 2, RECORD))  # fmt: skip


def test_what_is_no_text_is_base64() -> None:
    told = record_facts("quakes", 2, RECORD._replace(key=None, value=b"\xff"), control=True, marker=Marker.ABORT)

    assert (None, {"base64": "/w=="}) == (told.key, told.value)
    assert 'quakes/2 7 1970-01-01T00:00:01Z null {"base64":"/w=="} (control: abort)' == str(told)


def test_record_stays_on_its_line() -> None:
    told = str(record_facts("quakes", 2, RECORD._replace(value=b"one\ntwo\x1b[0m")))

    assert (1, False) == (len(told.splitlines()), "\x1b" in told)


@pytest.mark.parametrize(("next_offset", "upto"), [(9, "to 8"), (None, "on")])
def test_damage(next_offset: int | None, upto: str) -> None:
    damage = DamageFacts(
        topic="quakes", partition=2, offset=5, next_offset=next_offset, file="0.log", position=1, bytes=2, damage="torn"
    )

    assert f"quakes/2 offsets 5 {upto}: DAMAGED, 2 bytes at 1 of 0.log: torn" == str(damage)


def test_a_batch_that_holds_a_horizon_tells_no_first_time() -> None:
    assert "1970-01-01T00:00:01Z" == facts().first_time
    assert None is facts(attributes=DELETE_HORIZON).first_time
