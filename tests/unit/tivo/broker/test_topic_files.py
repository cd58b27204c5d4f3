"""Topics on a disk that fails: made, grown and deleted whole, or at the next try."""

import errno
from pathlib import Path

import pytest

from tests.support.batches import values_of
from tests.support.broker import BrokerBench, open_broker
from tests.support.faulty_disk import Fault
from tests.unit.tivo.broker.handlers.test_fetch import produce_one
from tests.unit.tivo.broker.test_topics import Told
from tivo.broker.topic import Topic
from tivo.broker.upkeep import RETENTION_EVERY_US, Upkeep
from tivo.log.catalog import Catalog
from tivo.model.errors import LogError, RequestError
from tivo.wire.error_codes import ErrorCode


def test_a_setting_that_this_version_would_not_take_is_passed_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = Catalog.open(tmp_path / "data")
    kept.create("t", 1, {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.\N{SUPERSCRIPT TWO}", "no": "1"})
    kept.close(clean=True)

    bench = open_broker(tmp_path / "data")

    compaction = bench.broker.topics.get("t").settings.log.compaction
    assert compaction is not None
    assert 0.5 == compaction.dirty_ratio
    assert "topic t: setting min.cleanable.dirty.ratio cannot be" in caplog.text
    assert "topic t: topics have no setting 'no'" in caplog.text
    bench.close()


def made(bench: BrokerBench, name: str, partitions: int, **configs: str) -> Topic | LogError | RequestError:
    told: Told = []
    bench.broker.topics.create(name, partitions, configs, told.append)
    bench.runtime.work()
    (result,) = told
    return result


def grown(bench: BrokerBench, partitions: int) -> Topic | LogError | RequestError:
    told: Told = []
    bench.broker.topics.grow("t", partitions, told.append)
    bench.runtime.work()
    (result,) = told
    return result


def deleted(bench: BrokerBench) -> Topic | LogError | RequestError:
    told: Told = []
    bench.broker.topics.delete(bench.broker.topics.get("t"), told.append)
    bench.runtime.work()
    (result,) = told
    return result


def directories(bench: BrokerBench, topic: str) -> list[str]:
    data = Path(bench.broker.data_dir)
    return sorted(path.name for path in data.iterdir() if path.name.startswith(topic) or path.suffix == ".deleted")


UNOPENED = [
    pytest.param(Fault(operation="mkdir", name="new-1", error=errno.ENOSPC), id="no space for a directory"),
    pytest.param(Fault(operation="create", name=".log", error=errno.EMFILE, skip=1), id="no descriptor for a file"),
    pytest.param(Fault(operation="fsync_dir", name="data", error=errno.EMFILE), id="no descriptor for the names"),
]


@pytest.mark.parametrize("fault", UNOPENED)
def test_a_topic_that_cannot_be_opened_is_not_made_and_is_by_the_next_try(bench: BrokerBench, fault: Fault) -> None:
    bench.disk.faults.append(fault)
    assert isinstance(made(bench, "new", 2), LogError)
    assert None is bench.broker.topics.find("new")
    assert "new" not in bench.catalog

    bench.disk.faults.clear()

    again = made(bench, "new", 3, **{"retention.ms": "5000"})
    assert isinstance(again, Topic)
    assert (3, 5_000_000) == (len(again.leaders), again.settings.log.retention_us)
    bench.produce("new", b"a", partition=2)


def test_a_topic_that_could_not_be_unmade_either_is_by_who_makes_it_next(bench: BrokerBench) -> None:
    bench.disk.faults.append(Fault(operation="mkdir", name="new-1", error=errno.ENOSPC))
    bench.disk.faults.append(Fault(operation="pwrite", name="catalog", error=errno.ENOSPC, skip=1))
    assert isinstance(made(bench, "new", 2), LogError)
    assert None is bench.broker.topics.find("new")
    assert ["new-0"] == directories(bench, "new")
    assert isinstance(made(bench, "new", 2), LogError)
    former = bench.catalog.get("new")
    bench.disk.faults.clear()

    again = made(bench, "new", 1)

    assert isinstance(again, Topic)
    assert former.id.bytes != again.id
    assert ["new-0"] == directories(bench, "new")
    bench.produce("new", b"a")


def test_a_topic_that_could_not_be_unmade_is_there_after_a_restart(tmp_path: Path) -> None:
    bench = open_broker(tmp_path / "data")
    bench.disk.faults.append(Fault(operation="mkdir", name="new-0", error=errno.ENOSPC))
    bench.disk.faults.append(Fault(operation="pwrite", name="catalog", error=errno.ENOSPC, skip=1))
    assert isinstance(made(bench, "new", 2), LogError)
    bench.close()

    again = open_broker(tmp_path / "data")

    again.produce("new", b"a", partition=1)
    again.close()


@pytest.mark.parametrize(
    "fault",
    [
        Fault(operation="mkdir", name="t-3", error=errno.ENOSPC),
        Fault(operation="create", name=".log", error=errno.EMFILE, skip=1),
        Fault(operation="fsync_dir", name="data", error=errno.EMFILE),
    ],
)
def test_partitions_that_cannot_be_opened_are_by_the_next_try(tmp_path: Path, fault: Fault) -> None:
    bench = open_broker(tmp_path / "data")
    bench.make("t", 2)
    bench.disk.faults.append(fault)
    assert isinstance(grown(bench, 4), LogError)
    assert 2 == len(bench.broker.topics.get("t").leaders)
    bench.disk.faults.clear()
    bench.produce("t", b"goes on", partition=1)
    fewer = grown(bench, 3)
    assert isinstance(fewer, RequestError)
    assert "has 4 partitions, cannot be given 3" in str(fewer)

    assert isinstance(grown(bench, 4), Topic)
    bench.produce("t", b"a", partition=3)
    bench.close()
    again = open_broker(tmp_path / "data")
    assert [0, 1, 0, 1] == [leader.high_watermark for leader in again.broker.topics.get("t").leaders]
    again.close()


def test_more_partitions_may_be_asked_for_after_some_could_not_be_opened(bench: BrokerBench) -> None:
    bench.disk.faults.append(Fault(operation="mkdir", name="t-3", error=errno.ENOSPC))
    assert isinstance(grown(bench, 4), LogError)
    bench.disk.faults.clear()

    again = grown(bench, 5)

    assert isinstance(again, Topic)
    assert 5 == len(again.leaders) == bench.catalog.get("t").partitions


def test_a_deletion_that_a_full_disk_does_not_take_leaves_the_topic(bench: BrokerBench) -> None:
    topic = bench.broker.topics.get("t")
    bench.produce("t", b"acknowledged")
    refused = bench.send(produce_one(b"refused", acks=-1))
    bench.disk.faults.append(Fault(operation="pwrite", name="catalog", error=errno.ENOSPC))

    assert isinstance(deleted(bench), LogError)

    assert bench.broker.topics.get("t") is topic
    assert not bench.broker.topics.was_just_deleted("t")
    answer = refused.response.responses[0].partition_responses[0]
    assert ErrorCode.KAFKA_STORAGE_ERROR == answer.error_code
    bench.produce("t", b"more")
    found = values_of(bench.leader("t").read(0, 1 << 20))
    assert {0: b"acknowledged", 1: b"refused", 2: b"more"} == found
    bench.disk.faults.clear()
    assert isinstance(deleted(bench), Topic)
    assert [] == directories(bench, "t-")


def test_a_topic_given_back_syncs_what_it_had_taken(bench: BrokerBench) -> None:
    bench.send(produce_one(b"refused", acks=-1))
    bench.disk.faults.append(Fault(operation="pwrite", name="catalog", error=errno.ENOSPC))
    bench.disk.faults.append(Fault(operation="fdatasync", name=".log", error=errno.EIO))

    assert isinstance(deleted(bench), LogError)

    assert isinstance(bench.leader("t").log.read_only, LogError)
    assert 0 == bench.leader("t").high_watermark


def test_a_topic_whose_deletion_is_in_doubt_is_gone_until_a_restart(tmp_path: Path) -> None:
    bench = open_broker(tmp_path / "data")
    bench.make("t")
    bench.produce("t", b"a")
    bench.disk.faults.append(Fault(operation="fdatasync", name="catalog", error=errno.EIO))

    assert isinstance(deleted(bench), LogError)

    assert None is bench.broker.topics.find("t")
    assert isinstance(made(bench, "t", 1), LogError)
    bench.close()
    again = open_broker(tmp_path / "data")  # the line had come to lie there
    assert None is again.broker.topics.find("t")
    assert isinstance(made(again, "t", 1), Topic)
    again.close()


def test_files_of_a_deleted_topic_that_cannot_be_removed_are_removed_later(
    bench: BrokerBench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.disk.faults.append(Fault(operation="fsync_dir", name="data", error=errno.EMFILE))
    upkeep = Upkeep(bench.broker.topics, bench.runtime)

    assert isinstance(deleted(bench), Topic)

    assert 2 == len(directories(bench, "t-"))
    assert "topic 't' is deleted, its directories are not removed yet" in caplog.text
    bench.disk.faults.clear()
    bench.runtime.forward(RETENTION_EVERY_US)
    upkeep.tick()
    bench.runtime.work()
    assert [] == directories(bench, "t-")
