"""The topics of a broker."""

from pathlib import Path

import pytest

from tests.support.broker import BrokerBench, open_broker
from tivo.broker.refusal import Refusal
from tivo.broker.topic import Topic
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
