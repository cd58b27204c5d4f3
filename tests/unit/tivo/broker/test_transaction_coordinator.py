"""The shell of transactions: what a kill leaves is taken up, and time ends what nobody does."""

import errno
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.batches import values_of
from tests.support.broker import BrokerBench, ManualRuntime, open_broker
from tests.support.faulty_disk import Fault
from tests.support.transactional import TransactionalProducer, transactional_batch
from tivo.broker.journal import SHORTEN_ABOVE_BYTES
from tivo.broker.transactions import EXPIRE_MS, Producer, State
from tivo.broker.upkeep import Upkeep
from tivo.metrics import BROKER_TRANSACTIONS
from tivo.model.errors import LogError
from tivo.model.timeline import MILLISECOND_US
from tivo.wire.error_codes import ErrorCode
from tivo.wire.record_batch import batches, read_header

PARTITIONS = 3
ALL, NOTHING = [[b"a"]] * PARTITIONS, [[]] * PARTITIONS
BROKEN = LogError("the disk is broken")


def state(bench: BrokerBench, name: str = "x") -> State | None:
    found = bench.broker.transactions.get(name)
    return None if found is None else found.state


def committed(bench: BrokerBench, partition: int = 0) -> list[bytes]:
    """The values that a reader of committed records gets, as a consumer takes them in."""
    leader = bench.leader("t", partition)
    data = leader.read(0, 1 << 20, committed=True)
    gone = {
        (each.producer_id, offset)
        for each in leader.aborted(0, data)
        for offset in range(each.first_offset, each.last_offset)
    }
    hidden = {
        offset
        for _, header in batches(data)
        for offset in range(header.base_offset, header.last_offset + 1)
        if header.is_control or (header.is_transactional and (header.producer_id, offset) in gone)
    }
    return [value for offset, value in values_of(data).items() if offset not in hidden]


def everywhere(bench: BrokerBench) -> list[list[bytes]]:
    return [committed(bench, partition) for partition in range(PARTITIONS)]


def kill(bench: BrokerBench, **options: object) -> BrokerBench:
    """As `kill -9`: what was appended is in the page cache, what waits for a thread is not done."""
    after = open_broker(Path(bench.broker.data_dir), **options)
    after.runtime.work()
    return after


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def begun(data: Path, **options: object) -> TransactionalProducer:
    """A producer that has written `a` to three partitions, and committed an offset, in a transaction that is open."""
    bench = open_broker(data, **options)
    bench.make("t", PARTITIONS)
    producer = TransactionalProducer(bench)
    producer.init()
    producer.add(*(("t", partition) for partition in range(PARTITIONS)))
    producer.add_offsets()
    for partition in range(PARTITIONS):
        producer.write("t", b"a", partition=partition)
    producer.commit_offset(5)
    return producer


# ---------------------------------------------------------------- kills


def ended_and_killed(data: Path, *, commit: bool, steps: int, flush: str) -> tuple[bool, BrokerBench]:
    """The broker after a kill that came so many pieces of disk work after EndTxn; whether that was answered."""
    producer = begun(data, flush=flush)
    ending = producer.bench.send(producer.end_request(commit=commit))
    for _ in range(steps):
        if producer.bench.runtime.has_work:
            producer.bench.runtime.step()
    return ending.response is not None, kill(producer.bench, flush=flush)


@pytest.mark.parametrize("commit", [True, False])
@pytest.mark.parametrize(("flush", "steps"), [*(("always", steps) for steps in range(9)), ("os", 0)])
def test_whenever_the_broker_is_killed_a_transaction_ends_whole(
    data: Path, flush: str, steps: int, commit: bool
) -> None:
    is_answered, after = ended_and_killed(data, commit=commit, steps=steps, flush=flush)

    assert (ALL if commit else NOTHING) == everywhere(after)
    assert commit == (after.broker.coordinator.offsets.of("g", "t", 0) is not None)
    assert (State.COMPLETE_COMMIT if commit else State.COMPLETE_ABORT) is state(after)
    assert (flush == "os" or steps >= 5) == is_answered
    after.close()


def test_open_transaction_goes_on_after_a_kill(data: Path) -> None:
    producer = begun(data)

    producer.bench = after = kill(producer.bench)

    assert (NOTHING, State.ONGOING) == (everywhere(after), state(after))
    assert 0 == producer.write("t", b"b")
    assert 0 == producer.commit()
    assert [[b"a", b"b"], [b"a"], [b"a"]] == everywhere(after)
    after.close()


def test_producer_that_was_fenced_before_a_kill_is_fenced_after_it(data: Path) -> None:
    producer = begun(data)
    TransactionalProducer(producer.bench).init()

    producer.bench = after = kill(producer.bench)

    assert ErrorCode.INVALID_PRODUCER_EPOCH == producer.write("t", b"zombie")
    assert ErrorCode.PRODUCER_FENCED == producer.commit()
    assert NOTHING == everywhere(after)
    after.close()


def test_transaction_that_lasted_too_long_meanwhile_is_aborted_at_start(data: Path) -> None:
    producer = begun(data)
    runtime = ManualRuntime()
    runtime.forward(61_000 * MILLISECOND_US)

    producer.bench = after = kill(producer.bench, runtime=runtime)

    assert (State.COMPLETE_ABORT, NOTHING) == (state(after), everywhere(after))
    assert ErrorCode.PRODUCER_FENCED == producer.commit()
    after.close()


# ---------------------------------------------------------------- what nobody knows


def stray(bench: BrokerBench, producer: Producer) -> None:
    """A batch whose transaction the journal does not know."""
    batch = memoryview(transactional_batch(producer, 0, b"stray"))
    bench.leader("t").put(batch, read_header(batch), 1)


def test_what_belongs_to_no_transaction_is_aborted_at_start(data: Path) -> None:
    bench = open_broker(data)
    bench.make("t")
    stray(bench, Producer(7, 2))

    after = kill(bench)

    assert (2, ()) == (after.leader("t").stable_offset, after.leader("t").log.open_transactions)
    assert [] == committed(after)
    after.close()


@pytest.mark.parametrize("flush", ["always", "os"])
@pytest.mark.parametrize("commit", [True, False])
def test_how_its_producer_ended_another_transaction_tells_nothing_of_it(data: Path, flush: str, commit: bool) -> None:
    producer = begun(data, flush=flush)
    producer.bench.ask(producer.end_request(commit=commit))
    stray(producer.bench, producer.producer)

    after = kill(producer.bench, flush=flush)

    assert ([b"a"] if commit else []) == committed(after)
    assert () == after.leader("t").log.open_transactions
    after.close()


def test_place_that_a_prepared_transaction_does_not_name_is_aborted(data: Path) -> None:
    bench = open_broker(data)
    bench.make("t", 2)
    producer = TransactionalProducer(bench)
    producer.init()
    producer.add(("t", 1))
    producer.write("t", b"a", partition=1)
    bench.leader("t", 1).log._read_only.why = BROKEN  # its marker cannot be written
    producer.commit()
    stray(bench, producer.producer)
    assert State.PREPARE_COMMIT is state(bench)

    after = kill(bench)

    assert (State.COMPLETE_COMMIT, [], [b"a"]) == (state(after), committed(after), committed(after, 1))
    after.close()


def test_transaction_whose_begin_was_refused_is_not_committed_by_a_loss_of_power(tmp_path: Path) -> None:
    producer = begun(tmp_path / "data")
    producer.commit()
    bench, journal = producer.bench, "__transaction_state-0"
    (stable,) = (tmp_path / "data").rglob(journal)
    shutil.copytree(stable, tmp_path / "stable")
    bench.disk.faults.append(Fault(operation="fdatasync", error=errno.EIO))
    assert [ErrorCode.COORDINATOR_NOT_AVAILABLE] == producer.add(("t", 0))
    bench.disk.faults.clear()
    assert [ErrorCode.COORDINATOR_NOT_AVAILABLE] == producer.add(("t", 0)), "asked again, it is no safer"
    assert 0 == producer.write("t", b"written all the same")

    shutil.rmtree(stable)
    shutil.copytree(tmp_path / "stable", stable)
    after = kill(bench)

    assert (State.COMPLETE_COMMIT, ALL) == (state(after), everywhere(after))
    after.close()


# ---------------------------------------------------------------- time


def test_transaction_that_lasts_too_long_is_aborted(bench: BrokerBench, producer: TransactionalProducer) -> None:
    producer.add(("t", 0))
    producer.write("t", b"a")
    bench.runtime.forward(59_999_000)
    bench.runtime.work()
    assert State.ONGOING is state(bench)

    bench.runtime.forward(1_000)
    bench.runtime.work()

    assert (State.COMPLETE_ABORT, [], 2) == (state(bench), committed(bench), bench.leader("t").stable_offset)
    assert ErrorCode.PRODUCER_FENCED == producer.commit()


def test_each_is_aborted_in_its_time(bench: BrokerBench) -> None:
    producers = [TransactionalProducer(bench, name) for name in "abc"]
    for producer, seconds in zip(producers, (35, 15, 25), strict=True):
        producer.init(timeout_ms=seconds * 1_000)
        producer.add(("t", 0))

    ended = []
    for _ in range(4):
        bench.runtime.forward(10_000_000)
        bench.runtime.work()
        ended.append([name for name in "abc" if state(bench, name) is State.COMPLETE_ABORT])

    assert [[], ["b"], ["b", "c"], ["a", "b", "c"]] == ended


def test_silent_id_is_forgotten_for_good(data: Path) -> None:
    bench = open_broker(data)
    TransactionalProducer(bench).init()
    bench.runtime.forward(EXPIRE_MS * MILLISECOND_US)
    bench.runtime.work()

    assert None is state(bench)
    after = kill(bench)
    assert None is state(after)
    after.close()


def test_journal_that_takes_nothing_stops_no_clock(bench: BrokerBench, producer: TransactionalProducer) -> None:
    bench.leader("__transaction_state").log._read_only.why = BROKEN
    bench.runtime.forward(EXPIRE_MS * MILLISECOND_US)
    bench.runtime.forward(60_000_000)

    assert State.EMPTY is state(bench)
    assert bench.runtime.has_alarm


def test_abort_that_is_not_safe_is_tried_again(bench: BrokerBench, producer: TransactionalProducer) -> None:
    producer.add(("t", 0))
    bench.leader("__transaction_state").log._read_only.why = BROKEN
    bench.runtime.forward(60_000_000)
    assert State.ONGOING is state(bench)

    bench.leader("__transaction_state").log._read_only.why = None
    bench.runtime.forward(1_000_000)
    bench.runtime.work()

    assert State.COMPLETE_ABORT is state(bench)


def test_closed_coordinator_looks_at_no_clock(bench: BrokerBench, producer: TransactionalProducer) -> None:
    producer.add(("t", 0))
    assert bench.runtime.has_alarm

    bench.broker.transactions.close()

    assert not bench.runtime.has_alarm


# ---------------------------------------------------------------- the disk


def test_successor_waits_in_vain_where_a_marker_cannot_be_written(
    bench: BrokerBench, producer: TransactionalProducer
) -> None:
    producer.add(("t", 0))
    producer.write("t", b"a")
    bench.leader("t").log._read_only.why = BROKEN

    assert ErrorCode.CONCURRENT_TRANSACTIONS == TransactionalProducer(bench).init()
    assert State.PREPARE_ABORT is state(bench)


def test_marker_that_cannot_be_written_is_tried_again(bench: BrokerBench, producer: TransactionalProducer) -> None:
    producer.add(("t", 0), ("t", 1))
    producer.write("t", b"a")
    producer.write("t", b"b", partition=1)
    bench.leader("t").log._read_only.why = BROKEN

    assert 0 == producer.commit(), "its outcome is safe"
    assert (State.PREPARE_COMMIT, [], [b"b"]) == (state(bench), committed(bench), committed(bench, 1))
    bench.leader("t").log._read_only.why = None
    bench.runtime.forward(1_500_000)
    bench.runtime.work()

    assert (State.COMPLETE_COMMIT, [b"a"], [b"b"]) == (state(bench), committed(bench), committed(bench, 1))
    assert 2 == bench.leader("t", 1).log.log_end


def test_offsets_that_cannot_be_ended_keep_a_transaction_prepared(
    bench: BrokerBench, producer: TransactionalProducer
) -> None:
    producer.add_offsets()
    producer.commit_offset(5)
    bench.leader("__consumer_offsets").log._read_only.why = BROKEN

    assert 0 == producer.commit()
    assert State.PREPARE_COMMIT is state(bench)
    bench.leader("__consumer_offsets").log._read_only.why = None
    bench.runtime.forward(2_000_000)
    bench.runtime.work()

    assert State.COMPLETE_COMMIT is state(bench)
    assert bench.broker.coordinator.offsets.of("g", "t", 0)


def test_marker_whose_sync_fails_is_no_end(bench: BrokerBench, producer: TransactionalProducer) -> None:
    producer.add(("t", 0))
    producer.write("t", b"a")
    bench.disk.faults.append(Fault(operation="fdatasync", name=".log", error=5, skip=1))

    assert 0 == producer.commit(), "its outcome is safe"
    assert (State.PREPARE_COMMIT, 0) == (state(bench), bench.leader("t").stable_offset)


def full(bench: BrokerBench, name: str, skip: int = 0) -> None:
    """Writes to files whose name ends so fail from now on, after so many that go well."""
    bench.disk.faults.append(Fault(operation="pwrite", name=name, error=errno.ENOSPC, skip=skip))


def space_again(bench: BrokerBench) -> None:
    bench.disk.faults.clear()
    Upkeep(bench.broker.topics, bench.runtime).tick()
    bench.runtime.work()
    bench.runtime.forward(1_000_000)
    bench.runtime.work()


def time_runs_out(bench: BrokerBench, producer: TransactionalProducer) -> None:
    bench.runtime.forward(60_000_000)
    bench.runtime.work()


def successor_comes(bench: BrokerBench, producer: TransactionalProducer) -> None:
    assert ErrorCode.COORDINATOR_NOT_AVAILABLE == TransactionalProducer(bench).init()


def producer_commits(bench: BrokerBench, producer: TransactionalProducer) -> None:
    assert ErrorCode.COORDINATOR_NOT_AVAILABLE == producer.commit()


UNSAFE: dict[str, tuple[Callable[[BrokerBench, TransactionalProducer], None], State, State]] = {
    "EndTxn": (producer_commits, State.PREPARE_COMMIT, State.COMPLETE_COMMIT),
    "time-out": (time_runs_out, State.PREPARE_ABORT, State.COMPLETE_ABORT),
    "InitProducerId": (successor_comes, State.PREPARE_ABORT, State.COMPLETE_ABORT),
}


@pytest.mark.parametrize("way", UNSAFE)
def test_outcome_that_was_not_safe_is_brought_to_its_end(
    bench: BrokerBench, producer: TransactionalProducer, way: str
) -> None:
    end, prepared, complete = UNSAFE[way]
    producer.add(("t", 0))
    producer.write("t", b"a")
    full(bench, "synced")
    end(bench, producer)
    bench.runtime.forward(5_000_000)
    bench.runtime.work()
    assert prepared is state(bench)
    assert bench.leader("t").log.open_transactions, "no marker before its outcome is safe"

    space_again(bench)

    assert (complete, 2) == (state(bench), bench.leader("t").stable_offset)
    assert 0 == TransactionalProducer(bench).init()


def test_note_that_the_journal_did_not_take_is_written_later(
    bench: BrokerBench, producer: TransactionalProducer
) -> None:
    producer.add(("t", 0), ("t", 1))
    producer.write("t", b"a")
    counter = BROKER_TRANSACTIONS.labels("commit")
    before = counter._value.get()
    full(bench, ".log", skip=2)  # the outcome and the marker are taken

    assert 0 == producer.commit(), "it can be read"
    assert (State.PREPARE_COMMIT, [b"a"]) == (state(bench), committed(bench))
    space_again(bench)

    assert (State.COMPLETE_COMMIT, 2) == (state(bench), bench.leader("t").log.log_end)
    assert before + 1 == counter._value.get()
    assert [0] == producer.add(("t", 0))


def test_note_that_is_not_safe_is_no_hindrance(bench: BrokerBench, producer: TransactionalProducer) -> None:
    producer.add(("t", 0))
    full(bench, "synced", skip=1)

    assert 0 == producer.commit()
    assert State.COMPLETE_COMMIT is state(bench)
    assert [ErrorCode.COORDINATOR_NOT_AVAILABLE] == producer.add(("t", 0))
    space_again(bench)

    assert [0] == producer.add(("t", 0))


def test_journal_is_shortened_to_what_is_live(data: Path) -> None:
    bench = open_broker(data)
    bench.make("t")
    other, producer = TransactionalProducer(bench, "y" * 1_000), TransactionalProducer(bench)
    other.init()
    producer.init()
    journal = bench.leader("__transaction_state").log
    for _ in range(SHORTEN_ABOVE_BYTES // 1_000):
        if journal.log_start:
            break
        other.add(("t", 0))
        other.commit()
    assert journal.log_start

    after = kill(bench)

    live = [(each.transactional_id, each.state) for each in bench.broker.transactions]
    assert sorted(live) == sorted((each.transactional_id, each.state) for each in after.broker.transactions)
    after.close()


def test_journal_of_who_only_asks_for_identities_is_shortened_too(data: Path) -> None:
    bench = open_broker(data)
    producer = TransactionalProducer(bench, "y" * 1_000)
    journal = bench.leader("__transaction_state").log
    for _ in range(SHORTEN_ABOVE_BYTES // 1_000):
        producer.init()

    assert journal.log_start
    bench.close()


def test_ids_that_are_forgotten_leave_the_journal(data: Path) -> None:
    bench = open_broker(data)
    journal = bench.leader("__transaction_state").log
    for number in range(SHORTEN_ABOVE_BYTES // 2_000):
        TransactionalProducer(bench, f"{number:01000}").init()
    assert 0 == journal.log_start

    bench.runtime.forward(EXPIRE_MS * MILLISECOND_US)
    bench.runtime.work()

    assert [] == list(bench.broker.transactions)
    assert (journal.log_end, journal.log_end) == (journal.log_start, bench.leader("__transaction_state").high_watermark)
    bench.close()
