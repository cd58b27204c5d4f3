"""The topics of a broker."""

import errno
from pathlib import Path

import pytest

from tests.support.batches import values_of
from tests.support.broker import BrokerBench, open_broker
from tests.support.faulty_disk import Fault
from tests.unit.tivo.broker.handlers.test_fetch import produce_one
from tivo.broker.refusal import Refusal
from tivo.broker.topics import Topic, check_name
from tivo.broker.upkeep import RETENTION_EVERY_US, Upkeep
from tivo.model.errors import LogError, RequestError, UnknownTopic
from tivo.wire.error_codes import ErrorCode

Told = list[Topic | LogError | RequestError]


def test_topics_are_there_again_after_a_kill(tmp_path: Path) -> None:
    before = open_broker(tmp_path / "data")
    before.make("t", 3, retention_ms="5000")
    before.produce("t", b"a", partition=2)

    after = open_broker(tmp_path / "data")

    topic = after.broker.topics.get("t")
    assert before.broker.topics.get("t").id == topic.id
    assert [0, 0, 1] == [leader.high_watermark for leader in topic.leaders]
    assert 5_000_000 == topic.settings.log.retention_us
    after.close()


def test_topic_that_is_not_there(bench: BrokerBench) -> None:
    with pytest.raises(UnknownTopic):
        bench.broker.topics.get("nowhere")
    with pytest.raises(Refusal, match="no topic with id"):
        bench.broker.topics.by_id(bytes(16))
    with pytest.raises(Refusal, match="no partition 2"):
        bench.broker.topics.get("t").leader(2)


def test_changes_are_checked_again_in_their_turn(bench: BrokerBench) -> None:
    told: Told = []
    topics = bench.broker.topics
    topics.grow("t", 4, told.append)
    topics.grow("t", 3, told.append)
    topics.delete(topics.get("t"), told.append)
    topics.grow("t", 5, told.append)
    bench.runtime.work()

    grown, refused, deleted, unknown = told
    assert isinstance(grown, Topic)
    assert isinstance(refused, Refusal)
    assert ErrorCode.INVALID_PARTITIONS is refused.code
    assert isinstance(deleted, Topic)
    assert isinstance(unknown, UnknownTopic)


def test_topic_made_anew_while_the_old_one_goes(bench: BrokerBench) -> None:
    told: Told = []
    topics = bench.broker.topics
    former = topics.get("t")
    bench.produce("t", b"old")
    topics.delete(former, told.append)
    topics.create("t", 1, {}, told.append)
    topics.delete(former, told.append)
    bench.runtime.work()

    made = topics.get("t")
    assert former.id != made.id
    assert 0 == made.leaders[0].log.log_end
    assert isinstance(told[2], UnknownTopic)


def test_whoever_waits_for_the_changes_is_told_last(bench: BrokerBench) -> None:
    told: list[object] = []
    bench.broker.topics.create("new", 1, {}, told.append)
    bench.broker.topics.when_settled(lambda: told.append("settled"))

    bench.runtime.work()

    assert ["new", "settled"] == [each.name if isinstance(each, Topic) else each for each in told]


def test_partitions_are_limited_over_all_topics(tmp_path: Path) -> None:
    bench = open_broker(tmp_path / "data", max_partitions=5)
    bench.make("t", 3)  # with the broker's own two

    with pytest.raises(Refusal, match="limit, 5"):
        bench.broker.topics.check_new("u", 1, {})
    bench.close()


# ---------------------------------------------------------------- a disk that fails


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


@pytest.mark.parametrize("name", ["a", "A.b_c-9", "...", "_one", "a" * 249])
def test_good_names(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("name", ["", ".", "..", "a b", "a/b", "a\0", "a\n", "ä", "a" * 250, "__own"])
def test_bad_names(name: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_name(name)

    assert ErrorCode.INVALID_TOPIC_EXCEPTION is refused.value.code
