"""Upkeep of the logs, by a clock that stands still until a test moves it."""

import errno
from pathlib import Path

import pytest
from crc32c import crc32c

from tests.support.batches import batch, keyed, values_of
from tests.support.broker import BrokerBench, open_broker
from tests.support.faulty_disk import Fault
from tivo.broker.upkeep import Upkeep
from tivo.metrics import BROKER_CLEANED_RECORDS, BROKER_CLEANINGS_FAILED
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic
from tivo.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from tivo.wire.record_batch import CHECKED_AT, CRC, CRC_AT, HEADER, Record, build, read_header

DAY_US = 86_400_000_000
MINUTE_US = 60_000_000


def ticked(bench: BrokerBench, upkeep: Upkeep, span_us: int) -> None:
    bench.runtime.forward(span_us)
    upkeep.tick()
    bench.runtime.work()


def test_segments_go_by_age_and_the_last_one_too(bench: BrokerBench) -> None:
    bench.make("old", retention_ms="3600000")
    upkeep = Upkeep(bench.broker.topics, bench.runtime)
    bench.produce("old", b"a", b"b")
    bench.produce("t", b"kept for longer")
    log = bench.leader("old").log

    ticked(bench, upkeep, 3_600_000_000 - 1)
    assert 0 == log.log_start
    ticked(bench, upkeep, MINUTE_US)

    assert (2, 2, 1) == (log.log_start, log.log_end, log.segments)
    assert 0 == bench.leader("t").log.log_start


def test_segments_go_by_bytes(bench: BrokerBench) -> None:
    bench.make("big", retention_bytes="30000", segment_bytes="16384")
    upkeep = Upkeep(bench.broker.topics, bench.runtime)
    for _ in range(5):
        bench.produce("big", bytes(10_000))

    ticked(bench, upkeep, 1)

    log = bench.leader("big").log
    assert 2 == log.log_start
    assert 30_000 < log.size_bytes < 40_000


def test_age_may_count_from_the_records_own_time(bench: BrokerBench) -> None:
    bench.make("arrival", retention_ms="3600000")
    bench.make("record", retention_ms="3600000", tivo_retention_time="record")
    upkeep = Upkeep(bench.broker.topics, bench.runtime)
    for topic in ("arrival", "record"):
        bench.produce(topic, b"of 1970", time_ms=1)

    ticked(bench, upkeep, 1)

    assert [0, 1] == [bench.leader(topic).log.log_start for topic in ("arrival", "record")]


def test_a_segment_that_is_old_is_followed_by_the_next(bench: BrokerBench) -> None:
    bench.make("quiet", segment_ms="3600000")
    upkeep = Upkeep(bench.broker.topics, bench.runtime)
    bench.produce("quiet", b"a")

    ticked(bench, upkeep, 3_600_000_000)

    log = bench.leader("quiet").log
    assert (2, 0, 1) == (log.segments, log.log_start, log.log_end)
    bench.produce("quiet", b"b")
    assert 2 == log.segments


def test_a_full_disk_is_tried_again_every_time(bench: BrokerBench, caplog: pytest.LogCaptureFixture) -> None:
    upkeep = Upkeep(bench.broker.topics, bench.runtime)
    bench.disk.faults.append(Fault(operation="pwrite", name=".log", error=errno.ENOSPC, skip=1))
    bench.disk.faults.append(Fault(operation="pwrite", name="synced", error=errno.ENOSPC))
    data = PartitionProduceData(index=0, records=memoryview(batch(b"unknown")))
    unknown = bench.ask(ProduceRequest(acks=-1, topic_data=[TopicProduceData(name="t", partition_data=[data])]))
    assert ErrorCode.KAFKA_STORAGE_ERROR == unknown.responses[0].partition_responses[0].error_code
    ticked(bench, upkeep, 1)
    assert bench.leader("t").log.is_full
    assert 0 == bench.leader("t").high_watermark

    bench.disk.faults.clear()
    ticked(bench, upkeep, 1)

    assert not bench.leader("t").log.is_full
    assert "t-0 takes records again" in caplog.text
    assert 1 == bench.leader("t").high_watermark
    bench.produce("t", b"more")
    assert {0: b"unknown", 1: b"more"} == values_of(bench.leader("t").read(0, 1 << 20))


def test_a_full_disk_that_does_not_answer_is_not_asked_again(bench: BrokerBench) -> None:
    upkeep = Upkeep(bench.broker.topics, bench.runtime)
    bench.disk.faults.append(Fault(operation="pwrite", name=".log", error=errno.ENOSPC))
    data = PartitionProduceData(index=0, records=memoryview(batch(b"refused")))
    bench.ask(ProduceRequest(acks=-1, topic_data=[TopicProduceData(name="t", partition_data=[data])]))
    ticked(bench, upkeep, 1)

    for _ in range(3):
        upkeep.tick()
    bench.runtime.step()

    assert bench.leader("t").log.is_full
    assert not bench.runtime.has_work
    upkeep.tick()
    assert bench.runtime.has_work, "it has answered, and is asked anew"
    bench.runtime.work()


@pytest.mark.parametrize("isolation_level", [0, 1])
def test_a_fetch_that_waits_for_what_a_full_disk_held_back_is_answered_when_it_is_safe(
    bench: BrokerBench, isolation_level: int
) -> None:
    upkeep = Upkeep(bench.broker.topics, bench.runtime)
    bench.disk.faults.append(Fault(operation="pwrite", name="synced", error=errno.ENOSPC))
    data = PartitionProduceData(index=0, records=memoryview(batch(b"unknown")))
    bench.ask(ProduceRequest(acks=-1, topic_data=[TopicProduceData(name="t", partition_data=[data])]))
    bench.disk.faults.clear()
    wanted = FetchPartition(partition=0, fetch_offset=0, partition_max_bytes=1 << 20)
    request = FetchRequest(
        max_wait_ms=30_000,
        min_bytes=1,
        max_bytes=1 << 20,
        isolation_level=isolation_level,
        topics=[FetchTopic(topic="t", partitions=[wanted])],
    )
    fetch = bench.send(request, 12)
    assert fetch.response is None

    ticked(bench, upkeep, 1)

    ((answer,),) = [topic.partitions for topic in fetch.response.responses]
    assert {0: b"unknown"} == values_of(answer.records)


def test_retention_is_looked_at_once_a_minute(bench: BrokerBench) -> None:
    upkeep = Upkeep(bench.broker.topics, bench.runtime)
    upkeep.tick()
    bench.runtime.work()

    bench.runtime.forward(MINUTE_US - 1)
    upkeep.tick()
    assert not bench.runtime.has_work

    bench.runtime.forward(1)
    upkeep.tick()
    assert bench.runtime.has_work
    bench.runtime.work()


# ---------------------------------------------------------------- compaction


def produce_keyed(bench: BrokerBench, topic: str, *pairs: tuple[bytes, bytes]) -> None:
    produce_raw(bench, topic, keyed(*pairs))


def produce_raw(bench: BrokerBench, topic: str, batch: bytearray) -> None:
    data = PartitionProduceData(index=0, records=memoryview(batch))
    request = ProduceRequest(acks=-1, topic_data=[TopicProduceData(name=topic, partition_data=[data])])
    (answer,) = bench.ask(request).responses[0].partition_responses
    assert answer.error_code == 0, answer


def beyond_the_end(*pairs: tuple[bytes, bytes | None]) -> bytearray:
    """A batch whose second record is dated to after the end of time, by a header that tells nothing of it."""
    batch = build([Record(at, at * (2**63 - 1), *pair) for at, pair in enumerate(pairs)])
    HEADER.pack_into(batch, 0, *read_header(batch)._replace(base_timestamp=5_000, max_timestamp=5_000))
    CRC.pack_into(batch, CRC_AT, crc32c(memoryview(batch)[CHECKED_AT:]))
    return batch


def filled(bench: BrokerBench, topic: str, records: int = 12) -> int:
    """A compacted topic of several segments of few keys; gives its size."""
    bench.make(topic, cleanup_policy="compact", segment_bytes="16384")
    for number in range(records):
        produce_keyed(bench, topic, (b"key %d" % (number % 2), bytes(4_000)))
    return bench.leader(topic).log.size_bytes


def test_a_compacted_topic_is_cleaned(bench: BrokerBench) -> None:
    before = filled(bench, "state")
    records = BROKER_CLEANED_RECORDS._value.get()

    ticked(bench, Upkeep(bench.broker.topics, bench.runtime), 1)

    log = bench.leader("state").log
    assert before > log.size_bytes
    assert (0, 12) == (log.log_start, log.log_end)
    assert 6 == BROKER_CLEANED_RECORDS._value.get() - records


def test_the_dirtiest_is_cleaned_first_and_one_at_a_time(bench: BrokerBench) -> None:
    upkeep = Upkeep(bench.broker.topics, bench.runtime)
    filled(bench, "once")
    ticked(bench, upkeep, 1)
    for number in range(12):
        produce_keyed(bench, "once", (b"key %d" % (number % 2), bytes(4_000)))
    before = filled(bench, "never")

    upkeep.tick()
    upkeep.tick()
    bench.runtime.work()
    assert before > bench.leader("never").log.size_bytes
    assert 40_000 < bench.leader("once").log.size_bytes

    upkeep.tick()
    bench.runtime.work()
    assert 40_000 > bench.leader("once").log.size_bytes


def test_cleaning_is_looked_for_every_15_seconds(bench: BrokerBench) -> None:
    upkeep = Upkeep(bench.broker.topics, bench.runtime)
    ticked(bench, upkeep, 1)
    before = filled(bench, "state")

    ticked(bench, upkeep, 14_999_999)
    assert before == bench.leader("state").log.size_bytes
    ticked(bench, upkeep, 1)
    assert before > bench.leader("state").log.size_bytes


def test_a_cleaning_that_fails_is_counted_and_tried_again(bench: BrokerBench, caplog: pytest.LogCaptureFixture) -> None:
    before = filled(bench, "state")
    failed = BROKER_CLEANINGS_FAILED._value.get()
    upkeep = Upkeep(bench.broker.topics, bench.runtime)
    bench.disk.faults.append(Fault(operation="pwrite", name=".cleaned", error=28))

    ticked(bench, upkeep, 1)
    assert before == bench.leader("state").log.size_bytes
    assert 1 == BROKER_CLEANINGS_FAILED._value.get() - failed
    assert "state-0 was not cleaned to its end" in caplog.text

    bench.disk.faults.clear()
    ticked(bench, upkeep, 15_000_000)
    assert before > bench.leader("state").log.size_bytes


def test_what_retention_takes_before_a_cleaning_begins_ends_no_cleaning(bench: BrokerBench) -> None:
    upkeep = Upkeep(bench.broker.topics, bench.runtime)
    filled(bench, "state")
    log = bench.leader("state").log
    failed = BROKER_CLEANINGS_FAILED._value.get()
    bench.runtime.forward(1)

    upkeep.tick()
    plan = bench.leader("state").cleaning_due()
    assert plan is not None
    log.truncate_before(plan.end)
    bench.runtime.work()
    assert (0, plan.end) == (BROKER_CLEANINGS_FAILED._value.get() - failed, log.log_start)

    for number in range(12):
        produce_keyed(bench, "state", (b"key %d" % (number % 2), bytes(4_000)))
    before = log.size_bytes
    ticked(bench, upkeep, 15_000_000)
    assert before > log.size_bytes


def test_a_cleaning_that_breaks_in_a_way_nobody_foresaw_is_counted_and_tried_again(
    bench: BrokerBench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    upkeep = Upkeep(bench.broker.topics, bench.runtime)
    before = filled(bench, "state")
    failed = BROKER_CLEANINGS_FAILED._value.get()
    with monkeypatch.context() as broken:
        broken.setattr("tivo.broker.leader.compact", lambda *given, **named: 1 // 0)
        ticked(bench, upkeep, 1)
    assert 1 == BROKER_CLEANINGS_FAILED._value.get() - failed
    assert "state-0 was not cleaned to its end: it broke" in caplog.text
    assert "Traceback" in caplog.text

    ticked(bench, upkeep, 15_000_000)

    assert before > bench.leader("state").log.size_bytes


def test_cleaning_goes_on_after_a_fault_of_ours_which_ends_the_broker(
    bench: BrokerBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*given: object, **named: object) -> None:
        raise AssertionError

    upkeep = Upkeep(bench.broker.topics, bench.runtime)
    before = filled(bench, "state")
    with monkeypatch.context() as broken:
        broken.setattr("tivo.broker.leader.compact", fault)
        with pytest.raises(AssertionError):
            ticked(bench, upkeep, 1)

    ticked(bench, upkeep, 15_000_000)

    assert before > bench.leader("state").log.size_bytes


def test_others_do_not_wait_for_one_that_cannot_be_cleaned(bench: BrokerBench) -> None:
    bad, good = filled(bench, "bad", 24), filled(bench, "good")
    upkeep = Upkeep(bench.broker.topics, bench.runtime)
    bench.disk.faults.append(Fault(operation="pwrite", name=".cleaned", error=28))
    ticked(bench, upkeep, 1)
    bench.disk.faults.clear()

    ticked(bench, upkeep, 15_000_000)
    assert (bad, True) == (bench.leader("bad").log.size_bytes, good > bench.leader("good").log.size_bytes)

    ticked(bench, upkeep, 1)
    assert bad > bench.leader("bad").log.size_bytes


def test_tombstones_that_stay_for_ever_and_times_beyond_the_end_are_cleaned_around(bench: BrokerBench) -> None:
    bench.make("state", cleanup_policy="compact", segment_bytes="16384", delete_retention_ms=str(2**63 - 1))
    produce_raw(bench, "state", beyond_the_end((b"key 0", b"older"), (b"key 2", None)))
    for number in range(12):
        produce_keyed(bench, "state", (b"key %d" % (number % 2), bytes(4_000)))
    before, failed = bench.leader("state").log.size_bytes, BROKER_CLEANINGS_FAILED._value.get()

    ticked(bench, Upkeep(bench.broker.topics, bench.runtime), 1)

    assert 0 == BROKER_CLEANINGS_FAILED._value.get() - failed
    assert before > bench.leader("state").log.size_bytes
    assert 1 in values_of(bench.leader("state").read(0, 1 << 20))


def test_other_topics_are_not_cleaned(bench: BrokerBench) -> None:
    bench.make("plain", segment_bytes="16384")
    for _ in range(12):
        produce_keyed(bench, "plain", (b"key", bytes(4_000)))
    before = bench.leader("plain").log.size_bytes

    ticked(bench, Upkeep(bench.broker.topics, bench.runtime), 1)

    assert before == bench.leader("plain").log.size_bytes


def test_producers_are_known_after_a_cleaning_and_a_lost_snapshot(tmp_path: Path) -> None:
    bench = open_broker(tmp_path / "data")
    bench.make("state", cleanup_policy="compact", segment_bytes="16384")
    data = PartitionProduceData(
        index=0, records=memoryview(keyed((b"key 0", b"first"), producer_id=7, base_sequence=0))
    )
    request = ProduceRequest(acks=-1, topic_data=[TopicProduceData(name="state", partition_data=[data])])
    bench.ask(request)
    for number in range(12):
        produce_keyed(bench, "state", (b"key %d" % (number % 2), bytes(4_000)))
    ticked(bench, Upkeep(bench.broker.topics, bench.runtime), 1)
    bench.close()
    (tmp_path / "data" / "state-0" / "producers").unlink()

    again = open_broker(tmp_path / "data")

    (answer,) = again.ask(request).responses[0].partition_responses
    assert (0, 0, 13) == (answer.error_code, answer.base_offset, again.leader("state").log.log_end)
    again.close()
