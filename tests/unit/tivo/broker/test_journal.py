"""The journal of the groups, on a real log."""

from pathlib import Path

import pytest

from tests.support.broker import BrokerBench, ManualRuntime, open_broker
from tests.support.faulty_disk import Fault
from tivo.broker.journal import SHORTEN_ABOVE_BYTES, Journal
from tivo.broker.journal_format import GROUP_FORMAT, Entry, Read
from tivo.broker.offsets import Committed, Ended, OffsetRecord, Pending
from tivo.broker.transactions import Producer
from tivo.model.errors import LogError
from tivo.wire.control import Marker

METADATA = "x" * 4_000
SEVEN = Producer(7, 1)


def entries(count: int, *, metadata: str = "") -> list[OffsetRecord]:
    return [OffsetRecord("g", "t", number, Committed(number, -1, metadata, 0)) for number in range(count)]


@pytest.fixture
def journal(bench: BrokerBench) -> Journal[Entry, Read]:
    return Journal(bench.leader("t"), bench.runtime, GROUP_FORMAT)


def test_entries_are_read_back_in_order(bench: BrokerBench, journal: Journal[Entry, Read]) -> None:
    journal.append(entries(3))
    journal.append(entries(2))
    bench.runtime.work()

    assert [*entries(3), *entries(2)] == list(Journal(bench.leader("t"), bench.runtime, GROUP_FORMAT).read())


def test_long_journal_is_read_back_in_pieces(bench: BrokerBench, journal: Journal[Entry, Read]) -> None:
    for _ in range(3):
        journal.append(entries(150, metadata=METADATA))
        bench.runtime.work()

    assert 450 == len(list(journal.read()))


def test_whoever_waits_is_told_when_all_is_safe(bench: BrokerBench, journal: Journal[Entry, Read]) -> None:
    told: list[LogError | None] = []
    journal.append(entries(1))
    journal.when_durable(told.append)
    assert [] == told

    bench.runtime.work()

    assert [None] == told


def test_long_journal_is_shortened_to_what_is_live(bench: BrokerBench, journal: Journal[Entry, Read]) -> None:
    assert not journal.is_long
    for _ in range(SHORTEN_ABOVE_BYTES // (150 * len(METADATA)) + 2):
        journal.append(entries(150, metadata=METADATA))
        assert not journal.is_long, "something is under way"
        bench.runtime.work()
    assert journal.is_long

    journal.shorten(entries(2))
    bench.runtime.work()

    assert not journal.is_long
    assert entries(2) == list(Journal(bench.leader("t"), bench.runtime, GROUP_FORMAT).read())


def test_much_that_is_live_is_written_in_pieces(bench: BrokerBench, journal: Journal[Entry, Read]) -> None:
    journal.append(entries(1))
    journal.shorten(entries(2_500))
    bench.runtime.work()

    assert entries(2_500) == list(journal.read())


def test_entries_of_transactions_are_told_with_their_producer(
    bench: BrokerBench, journal: Journal[Entry, Read]
) -> None:
    journal.append(entries(2), producer=SEVEN)
    journal.append(entries(1))
    journal.end_transaction(SEVEN, Marker.COMMIT)
    journal.end_transaction(Producer(8, 0), Marker.ABORT)
    bench.runtime.work()

    pending = [Pending(SEVEN, entry) for entry in entries(2)]
    assert [*pending, *entries(1), Ended(7, Marker.COMMIT)] == list(journal.read())


def test_open_transactions_outlive_a_shortening(bench: BrokerBench, journal: Journal[Entry, Read]) -> None:
    journal.append(entries(1), producer=SEVEN)
    journal.shorten(entries(1), [(SEVEN, entries(2))])
    bench.runtime.work()
    journal.end_transaction(SEVEN, Marker.ABORT)
    bench.runtime.work()

    pending = [Pending(SEVEN, entry) for entry in entries(2)]
    assert [*entries(1), *pending, Ended(7, Marker.ABORT)] == list(journal.read())


def test_nothing_is_dropped_before_the_rest_is_safe(bench: BrokerBench, journal: Journal[Entry, Read]) -> None:
    journal.append(entries(3))
    bench.runtime.work()
    bench.disk.faults.append(Fault(operation="fdatasync", name=".log", error=5))

    journal.shorten(entries(1))
    bench.runtime.work()

    assert 0 == bench.leader("t").log.log_start
    assert entries(3) == list(journal.read())


@pytest.mark.parametrize("flush", ["always", "interval", "os"])
def test_what_is_live_is_synced_before_the_rest_is_dropped(tmp_path: Path, flush: str) -> None:
    bench = open_broker(tmp_path / "data", flush=flush)
    bench.make("t")
    log = bench.leader("t").log
    journal = Journal(bench.leader("t"), bench.runtime, GROUP_FORMAT)
    journal.append(entries(3))
    bench.runtime.work()
    log.sync()

    journal.shorten(entries(2))
    bench.runtime.work()

    assert (3, 5, 5) == (log.log_start, log.synced, log.log_end)
    bench.close()


def test_broker_starts_from_a_shortened_journal(tmp_path: Path) -> None:
    runtime = ManualRuntime()
    before = open_broker(tmp_path / "data", runtime=runtime)
    before.make("t")
    coordinator = before.broker.coordinator
    for _ in range(SHORTEN_ABOVE_BYTES // (150 * len(METADATA)) + 2):
        coordinator.commit(
            [entry for entry in entries(150, metadata=METADATA) if isinstance(entry, OffsetRecord)], print
        )
        runtime.work()
    assert before.leader("__consumer_offsets").log.log_start > 0

    after = open_broker(tmp_path / "data", runtime=runtime)

    assert list(coordinator.offsets) == list(after.broker.coordinator.offsets)
    after.close()
