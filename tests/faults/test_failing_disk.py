"""Every way in which a disk fails, at every kind of file that a broker writes: no false acknowledgement.

In process, through the one door to the disk. What a real kernel does is in `test_failing_system.py`.
"""

import errno
import logging
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.batches import values_of
from tests.support.broker import BrokerBench, open_broker
from tests.support.faulty_disk import Fault
from tivo.broker.upkeep import Upkeep
from tivo.model.errors import LogError
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.create_topics import CreatableTopic, CreateTopicsRequest
from tivo.wire.messages.delete_topics import DeleteTopicsRequest, DeleteTopicState
from tivo.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from tivo.wire.messages.offset_fetch import OffsetFetchRequest, OffsetFetchRequestTopic
from tivo.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from tivo.wire.record_batch import Record, build

VALUE = b"%04d" + b"." * 3_000
ROUNDS = 20


class File(NamedTuple):
    """A kind of file: what its name ends with, and whether it holds what is acknowledged."""

    name: str
    holds: bool = True


FILES = {
    "segment": File(".log"),
    "index": File(".index"),
    "time index": File(".timeindex"),
    "arrival index": File(".arrival"),
    "meta": File(".meta.new"),
    "synced mark": File("synced"),
    "catalog": File("catalog"),
    "producer snapshot": File("producers.new", holds=False),
}
FAULTS = {
    "full": {"operation": "pwrite", "error": errno.ENOSPC},
    "broken write": {"operation": "pwrite", "error": errno.EIO},
    "broken sync": {"operation": "fdatasync", "error": errno.EIO},
    "short write": {"operation": "pwrite", "taken": 3},
    "broken name": {"operation": "rename", "error": errno.EIO},
}
NEW = {
    "no space for a directory": (File("-0"), {"operation": "mkdir", "error": errno.ENOSPC}),
    "no descriptor for a segment": (File(".log"), {"operation": "create", "error": errno.EMFILE}),
    "no descriptor for an index": (File(".index"), {"operation": "create", "error": errno.EMFILE}),
    "no descriptor for a directory": (File(""), {"operation": "fsync_dir", "error": errno.EMFILE}),
}
CASES = [
    *(
        pytest.param(file, fault, skip, id=f"{what}, {kind}, after {skip}")
        for kind, file in FILES.items()
        for what, fault in FAULTS.items()
        for skip in (0, 5)
    ),
    *(
        pytest.param(file, fault, skip, id=f"{what}, after {skip}")
        for what, (file, fault) in NEW.items()
        for skip in (0, 5)
    ),
]


class Told(NamedTuple):
    """What a client was told: values by offset, the offset that it committed, topics that were made and deleted."""

    acknowledged: dict[int, bytes]
    refused: int
    committed: int
    topics: set[str]
    deleted: set[str]


def batch_of(number: int) -> bytearray:
    """A batch of an idempotent producer."""
    return build(
        [Record(0, 1_000 + number, None, VALUE % number)], producer_id=7, producer_epoch=0, base_sequence=number
    )


def work(bench: BrokerBench) -> Told:
    """Produce, commit, make topics and delete some; what was told is noted, whatever it was."""
    told = Told({}, 0, -1, {"t"}, set())
    sequence = 0
    for number in range(ROUNDS):
        data = PartitionProduceData(index=0, records=memoryview(batch_of(sequence)))
        request = ProduceRequest(acks=-1, topic_data=[TopicProduceData(name="t", partition_data=[data])])
        (answer,) = bench.ask(request).responses[0].partition_responses
        if answer.error_code == ErrorCode.NONE:
            told.acknowledged[answer.base_offset] = VALUE % sequence
            sequence += 1
        else:
            assert ErrorCode.KAFKA_STORAGE_ERROR == answer.error_code, answer
            told = told._replace(refused=told.refused + 1)
        if commit(bench, number) == ErrorCode.NONE:
            told = told._replace(committed=number)
        told = change_topics(bench, told, number)
        reads_go_on(bench, told)
    return told


def change_topics(bench: BrokerBench, told: Told, number: int) -> Told:
    """Make a topic, or delete the last one. What could not be deleted and is served stays."""
    name = f"new-{number - number % 2}"
    if number % 2 == 0:
        error = make(bench, name)
    else:
        error = bench.ask(DeleteTopicsRequest(topics=[DeleteTopicState(name=name)])).responses[0].error_code
        told.topics.discard(name)
        if error == ErrorCode.NONE:
            told.deleted.add(name)
    if bench.broker.topics.find(name) is not None:
        told.topics.add(name)
    return told._replace(refused=told.refused + (error == ErrorCode.KAFKA_STORAGE_ERROR))


def make(bench: BrokerBench, name: str) -> int:
    wanted = CreatableTopic(name=name, num_partitions=1, replication_factor=1)
    code: int = bench.ask(CreateTopicsRequest(topics=[wanted])).topics[0].error_code
    return code


def produce(bench: BrokerBench, sequence: int) -> int:
    data = PartitionProduceData(index=0, records=memoryview(batch_of(sequence)))
    request = ProduceRequest(acks=-1, topic_data=[TopicProduceData(name="t", partition_data=[data])])
    code: int = bench.ask(request).responses[0].partition_responses[0].error_code
    return code


def commit(bench: BrokerBench, offset: int) -> int:
    place = OffsetCommitRequestPartition(committed_offset=offset)
    topics = [OffsetCommitRequestTopic(name="t", partitions=[place])]
    code: int = bench.ask(OffsetCommitRequest(group_id="g", topics=topics)).topics[0].partitions[0].error_code
    return code


def committed(bench: BrokerBench) -> int:
    topics = [OffsetFetchRequestTopic(name="t", partition_indexes=[0])]
    offset: int = bench.ask(OffsetFetchRequest(group_id="g", topics=topics), 7).topics[0].partitions[0].committed_offset
    return offset


def read_all(bench: BrokerBench) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    leader = bench.leader("t")
    while len(found) < leader.high_watermark:
        found |= values_of(leader.read(len(found), 1 << 20))
    return found


def reads_go_on(bench: BrokerBench, told: Told) -> None:
    assert told.acknowledged.items() <= read_all(bench).items()


def killed(bench: BrokerBench) -> None:
    """As `kill -9` does: nothing more is written."""
    bench.disk.faults.clear()
    for leader in bench.broker.topics.leaders():
        leader.log.close(clean=False)


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


def begun(data: Path) -> BrokerBench:
    bench = open_broker(data, segment_bytes=16_384)
    bench.make("t", index_interval_bytes="0")
    return bench


@pytest.mark.parametrize(("file", "fault", "skip"), CASES)
def test_nothing_is_acknowledged_that_is_not_there(
    tmp_path: Path, file: File, fault: dict[str, int | str], skip: int
) -> None:
    bench = begun(tmp_path / "data")
    bench.disk.faults.append(Fault(name=file.name, skip=skip, **fault))  # type: ignore[arg-type]  # by name
    told = work(bench)
    killed(bench)

    again = open_broker(tmp_path / "data")

    reads_go_on(again, told)
    assert told.committed <= committed(again)
    assert told.topics <= {topic.name for topic in again.broker.topics}
    assert told.deleted.isdisjoint({topic.name for topic in again.broker.topics})
    assert VALUE % 0 == read_all(again)[0] if told.acknowledged else True
    assert len(set(read_all(again).values())) == len(read_all(again)), "a record stands there twice"
    again.close()


FULL = [
    *(
        pytest.param(file, {"operation": "pwrite", "error": errno.ENOSPC}, id=kind)
        for kind, file in FILES.items()
        if file.holds
    ),
    *(pytest.param(file, fault, id=what) for what, (file, fault) in NEW.items()),
]


@pytest.mark.parametrize(("file", "fault"), FULL)
def test_a_full_disk_is_gone_on_with_without_a_restart(tmp_path: Path, file: File, fault: dict[str, int | str]) -> None:
    bench = begun(tmp_path / "data")
    upkeep = Upkeep(bench.broker.topics, bench.runtime)
    bench.disk.faults.append(Fault(name=file.name, skip=1, **fault))  # type: ignore[arg-type]  # by name
    before = work(bench)
    assert before.refused

    bench.disk.faults.clear()
    upkeep.tick()
    bench.runtime.work()

    assert [] == [leader.log.name for leader in bench.broker.topics.leaders() if leader.log.read_only]
    sequence = len(read_all(bench))
    data = PartitionProduceData(index=0, records=memoryview(batch_of(sequence)))
    request = ProduceRequest(acks=-1, topic_data=[TopicProduceData(name="t", partition_data=[data])])
    assert sequence == bench.ask(request).responses[0].partition_responses[0].base_offset
    assert ErrorCode.NONE == commit(bench, 99)
    again_made = {f"new-{number}" for number in range(0, ROUNDS, 2)} - before.topics
    assert {ErrorCode.NONE} == {make(bench, name) for name in again_made}
    killed(bench)
    again = open_broker(tmp_path / "data")
    reads_go_on(again, before)
    assert before.topics | again_made <= {topic.name for topic in again.broker.topics}
    assert (sequence + 1, 99) == (len(read_all(again)), committed(again))
    again.close()


def test_a_segment_for_which_there_is_no_room_turns_health_red_until_there_is(tmp_path: Path) -> None:
    bench = begun(tmp_path / "data")
    upkeep = Upkeep(bench.broker.topics, bench.runtime)
    bench.disk.faults.append(Fault(operation="create", name=".log", error=errno.ENOSPC))
    sequence = 0
    while not produce(bench, sequence):
        sequence += 1
    assert sequence > 1

    upkeep.tick()
    bench.runtime.work()

    assert "beginning a segment" not in str(bench.leader("t").log.read_only), "it was tried again"
    assert "looking for space failed: ENOSPC" in str(bench.leader("t").log.read_only)
    assert ErrorCode.KAFKA_STORAGE_ERROR == produce(bench, sequence)
    bench.disk.faults.clear()
    upkeep.tick()
    bench.runtime.work()
    assert bench.leader("t").log.read_only is None
    assert ErrorCode.NONE == produce(bench, sequence)
    killed(bench)
    again = open_broker(tmp_path / "data")
    assert {number: VALUE % number for number in range(sequence + 1)} == read_all(again)
    again.close()


@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "full"])
def test_a_broken_disk_needs_a_restart(tmp_path: Path, fault: str) -> None:
    bench = begun(tmp_path / "data")
    upkeep = Upkeep(bench.broker.topics, bench.runtime)
    name = ".meta" if fault == "broken name" else ".log"
    bench.disk.faults.append(Fault(name=name, skip=1, **FAULTS[fault]))  # type: ignore[arg-type]  # by name
    told = work(bench)
    assert told.refused

    bench.disk.faults.clear()
    upkeep.tick()
    bench.runtime.work()

    assert isinstance(bench.leader("t").log.read_only, LogError)
    killed(bench)
    again = open_broker(tmp_path / "data")
    reads_go_on(again, told)
    again.produce("t", b"after the restart")
    again.close()
