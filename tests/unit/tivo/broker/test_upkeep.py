"""Upkeep of the logs, by a clock that stands still until a test moves it."""

import errno

import pytest

from tests.support.batches import batch, values_of
from tests.support.broker import BrokerBench
from tests.support.faulty_disk import Fault
from tivo.broker.upkeep import Upkeep
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData

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
