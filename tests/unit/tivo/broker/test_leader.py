"""The leader of a partition, on a real log."""

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import pytest

from tests.support.batches import values_of
from tests.support.broker import BrokerBench, open_broker
from tests.support.faulty_disk import Fault
from tests.support.transactional import TransactionalProducer
from tivo.broker.leader import SNAPSHOT_EVERY_BATCHES, SNAPSHOT_EVERY_BYTES, SNAPSHOT_FILE, check_leader_epoch
from tivo.broker.producers import Producers
from tivo.broker.refusal import Refusal
from tivo.model.errors import LogError, OffsetOutOfRange
from tivo.wire.control import Marker, build_marker
from tivo.wire.error_codes import ErrorCode
from tivo.wire.record_batch import Record, build, read_header


def append(bench: BrokerBench, sequence: int, *, size: int = 1, topic: str = "t") -> int:
    """Append a batch of an idempotent producer; gives its offset."""
    record = Record(0, 1_000, None, bytes(size))
    batch = memoryview(build([record], producer_id=7, producer_epoch=0, base_sequence=sequence))
    place = bench.leader(topic).append(batch, read_header(batch), bench.runtime.now().wall_us)
    return place.base_offset


def snapshot(bench: BrokerBench) -> Path:
    return bench.catalog.directory(bench.catalog.get("t"), 0) / SNAPSHOT_FILE


@pytest.mark.parametrize("flush", ["interval", "os"])
def test_without_durability_all_that_is_appended_may_be_read(tmp_path: Path, flush: str) -> None:
    bench = open_broker(tmp_path / "data", flush=flush)
    bench.make("t")
    append(bench, 0)
    told: list[LogError | None] = []

    bench.leader("t").when_durable(1, told.append)

    assert (1, [None]) == (bench.leader("t").high_watermark, told)
    assert [0] == list(values_of(bench.leader("t").read(0, 100)))
    bench.close()


def test_safe_offsets_are_told_at_once(bench: BrokerBench) -> None:
    append(bench, 0)
    bench.runtime.work()
    told: list[LogError | None] = []

    bench.leader("t").when_durable(1, told.append)

    assert [None] == told


def test_what_the_disk_lost_is_told_later_too(bench: BrokerBench) -> None:
    append(bench, 0)
    bench.disk.faults.append(Fault(operation="fdatasync", name=".log", error=5))
    bench.runtime.work()
    told: list[LogError | None] = []

    bench.leader("t").when_durable(1, told.append)

    assert [bench.leader("t").log.read_only] == told


def test_offset_beyond_the_end_is_out_of_range(bench: BrokerBench) -> None:
    append(bench, 0)

    assert 0 == len(bench.leader("t").read(1, 100))
    with pytest.raises(OffsetOutOfRange):
        bench.leader("t").read(2, 100)


@pytest.mark.parametrize("is_clean", [True, False])
def test_repeated_batch_is_known_after_a_restart(tmp_path: Path, is_clean: bool) -> None:
    before = open_broker(tmp_path / "data")
    before.make("t")
    offsets = [append(before, sequence) for sequence in range(3)]
    if is_clean:
        before.close()

    after = open_broker(tmp_path / "data")

    assert offsets == [append(after, sequence) for sequence in range(3)]
    assert 3 == append(after, 3)
    after.close()


def test_damaged_snapshot_is_made_again_from_the_log(tmp_path: Path) -> None:
    before = open_broker(tmp_path / "data")
    before.make("t")
    append(before, 0)
    before.close()
    snapshot(before).write_bytes(b"damaged!")

    after = open_broker(tmp_path / "data")

    assert 0 == append(after, 0)
    after.close()


def test_snapshot_that_is_ahead_of_the_log_is_not_believed(tmp_path: Path) -> None:
    before = open_broker(tmp_path / "data")
    before.make("t")
    append(before, 0)
    before.close()
    snapshot(before).write_bytes(Producers(next_offset=99).to_snapshot())

    after = open_broker(tmp_path / "data")

    assert 0 == append(after, 0)
    after.close()


def test_snapshot_is_written_now_and_then(bench: BrokerBench) -> None:
    megabytes = SNAPSHOT_EVERY_BYTES // 1_000_000
    for sequence in range(megabytes):
        append(bench, sequence, size=1_000_000)
    bench.runtime.work()
    assert not snapshot(bench).exists()

    append(bench, megabytes, size=1_000_000)
    bench.runtime.work()

    kept = Producers.from_snapshot(snapshot(bench).read_bytes())
    assert (megabytes + 1, 1) == (kept.next_offset, len(kept))


def test_snapshot_is_written_after_many_small_batches_too(bench: BrokerBench) -> None:
    for sequence in range(SNAPSHOT_EVERY_BATCHES):
        append(bench, sequence)
    bench.runtime.work()

    assert SNAPSHOT_EVERY_BATCHES == Producers.from_snapshot(snapshot(bench).read_bytes()).next_offset


def test_snapshot_that_cannot_be_written_harms_nobody(tmp_path: Path) -> None:
    before = open_broker(tmp_path / "data")
    before.make("t")
    append(before, 0)
    before.runtime.work()
    before.disk.faults.append(Fault(operation="rename", name=SNAPSHOT_FILE, error=28))
    before.leader("t").close()

    after = open_broker(tmp_path / "data")

    assert 0 == append(after, 0)
    after.close()


@dataclass(kw_only=True)
class Stall(Fault):
    """The disk works, but not before the test lets it go on."""

    entered: Event = field(default_factory=Event)
    go_on: Event = field(default_factory=Event)

    def meets(self, operation: str, path: Path) -> bool:
        if super().meets(operation, path):
            self.entered.set()
            assert self.go_on.wait(10)
        return False


def test_delete_waits_for_the_snapshot_under_way(bench: BrokerBench) -> None:
    leader = bench.leader("t")
    append(bench, 0, size=SNAPSHOT_EVERY_BYTES)
    bench.disk.faults.append(stall := Stall(operation="rename", name=SNAPSHOT_FILE))

    def delete() -> int:
        leader.delete()
        return len(bench.disk.done)

    with ThreadPoolExecutor() as workers:
        syncing = workers.submit(leader.sync)
        assert stall.entered.wait(10)
        deleting = workers.submit(delete)
        wait([deleting], timeout=0.1)  # time to end, for a delete that waits for nobody
        stall.go_on.set()

        assert 1 == syncing.result()
        done_by_then = deleting.result()

    assert [] == bench.disk.done[done_by_then:]


def test_no_snapshot_is_written_after_a_delete(bench: BrokerBench) -> None:
    leader = bench.leader("t")
    append(bench, 0, size=SNAPSHOT_EVERY_BYTES)
    leader.log.sync()
    leader.delete()

    bench.runtime.work()

    assert not snapshot(bench).exists()


def test_leader_epoch_is_checked(bench: BrokerBench) -> None:
    leader = bench.leader("t")
    present = leader.log.leader_epoch

    check_leader_epoch(leader, -1)
    check_leader_epoch(leader, present)
    with pytest.raises(Refusal) as refused:
        check_leader_epoch(leader, present + 1)

    assert ErrorCode.UNKNOWN_LEADER_EPOCH is refused.value.code


# ---------------------------------------------------------------- transactions


@pytest.mark.parametrize("flush", ["always", "os"])
def test_marker_moves_what_is_stable_once_it_may_be_read(tmp_path: Path, flush: str) -> None:
    bench = open_broker(tmp_path / "data", flush=flush)
    bench.make("t")
    producer = TransactionalProducer(bench)
    producer.init()
    producer.add(("t", 0))
    producer.write("t", b"a")
    leader = bench.leader("t")
    assert (0, 1) == (leader.stable_offset, leader.high_watermark)

    place = leader.end_transaction(producer.producer.id, 0, Marker.COMMIT)

    assert (1, 2) == place
    assert (2 if flush == "os" else 0) == leader.stable_offset
    bench.runtime.work()
    assert 2 == leader.stable_offset
    bench.close()


def test_marker_is_written_once(bench: BrokerBench, producer: TransactionalProducer) -> None:
    producer.add(("t", 0))
    producer.write("t", b"a")
    leader = bench.leader("t")

    assert leader.end_transaction(producer.producer.id, 0, Marker.ABORT)
    assert None is leader.end_transaction(producer.producer.id, 0, Marker.ABORT)
    assert 2 == leader.log.log_end


@pytest.mark.parametrize("is_clean", [True, False])
def test_epoch_of_a_marker_fences_after_a_restart(tmp_path: Path, is_clean: bool) -> None:
    before = open_broker(tmp_path / "data")
    before.make("t")
    append(before, 0)
    producer = before.leader("t").producers
    marker = memoryview(build_marker(Marker.ABORT, producer_id=7, producer_epoch=1, timestamp_ms=0))
    before.leader("t").put(marker, read_header(marker), 1)
    assert [(7, 1)] == [(found, each.epoch) for found, each in producer]
    if is_clean:
        before.close()

    after = open_broker(tmp_path / "data")

    with pytest.raises(Refusal) as refused:
        append(after, 1)
    assert ErrorCode.INVALID_PRODUCER_EPOCH is refused.value.code
    after.close()


def test_records_that_were_trimmed_leave_no_transaction_to_tell(
    bench: BrokerBench, producer: TransactionalProducer
) -> None:
    producer.add(("t", 0))
    producer.write("t", b"a")
    producer.abort()
    bench.produce("t", b"b")
    leader = bench.leader("t")
    leader.log.truncate_before(2)

    assert [] == leader.aborted(2, leader.read(2, 1_000, committed=True))
    assert [] == leader.aborted(2, leader.read(3, 1_000, committed=True))
