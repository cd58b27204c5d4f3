"""Group commit."""

import pytest

from tests.support.broker import ManualRuntime
from tivo.broker.commits import Commits
from tivo.log.flusher import FlushMode
from tivo.model.errors import LogError


class Partition:
    """Counts its syncs."""

    def __init__(self, *, fails: bool = False) -> None:
        self.syncs = 0
        self.told: list[str] = []
        self._fails = fails

    def sync(self) -> int:
        self.syncs += 1
        if self._fails:
            raise LogError("no space left")
        return self.syncs

    def synced(self) -> None:
        self.told.append("synced")

    def failed(self, error: LogError) -> None:
        self.told.append(str(error))


def commits(runtime: ManualRuntime, mode: FlushMode = "always") -> Commits:
    return Commits(runtime, mode, interval_ms=1_000)


def test_appends_that_come_meanwhile_share_the_next_sync() -> None:
    runtime, partition = ManualRuntime(), Partition()
    made = commits(runtime)

    for _ in range(5):
        made.appended(partition, rolled=False)
    runtime.work()

    assert (2, ["synced", "synced"]) == (partition.syncs, partition.told)


def test_partitions_sync_side_by_side() -> None:
    runtime, partitions = ManualRuntime(), (Partition(), Partition())
    made = commits(runtime)
    for partition in partitions:
        made.appended(partition, rolled=False)

    runtime.work()

    assert [1, 1] == [partition.syncs for partition in partitions]


def test_failed_sync_is_told_and_not_tried_again() -> None:
    runtime, partition = ManualRuntime(), Partition(fails=True)
    made = commits(runtime)
    for _ in range(2):
        made.appended(partition, rolled=False)

    runtime.work()

    assert (1, ["no space left"]) == (partition.syncs, partition.told)


def test_released_partition_begins_no_more_syncs() -> None:
    runtime, partition = ManualRuntime(), Partition()
    made = commits(runtime)
    for _ in range(2):
        made.appended(partition, rolled=False)

    made.release(partition)
    runtime.work()

    assert 1 == partition.syncs


def test_interval_syncs_by_the_clock() -> None:
    runtime, partitions = ManualRuntime(), (Partition(), Partition())
    made = commits(runtime, "interval")
    made.appended(partitions[0], rolled=False)
    runtime.forward(500_000)
    made.appended(partitions[1], rolled=False)

    runtime.forward(500_000)
    runtime.work()
    assert [1, 0] == [partition.syncs for partition in partitions]
    runtime.forward(500_000)
    runtime.work()

    assert [1, 1] == [partition.syncs for partition in partitions]
    assert not runtime.has_alarm


def test_closed_commits_ring_no_more() -> None:
    runtime, partition = ManualRuntime(), Partition()
    made = commits(runtime, "interval")
    made.appended(partition, rolled=False)

    made.close()
    runtime.forward(10_000_000)

    assert not runtime.has_work
    commits(runtime).close()


@pytest.mark.parametrize(("mode", "durable"), [("always", True), ("interval", False), ("os", False)])
def test_only_always_is_durable(mode: FlushMode, durable: bool) -> None:
    assert durable is commits(ManualRuntime(), mode).durable


def test_os_syncs_only_what_a_new_segment_leaves_behind() -> None:
    runtime, partition = ManualRuntime(), Partition()
    made = commits(runtime, "os")
    made.appended(partition, rolled=False)
    assert not runtime.has_work

    made.appended(partition, rolled=True)
    runtime.work()

    assert 1 == partition.syncs
