"""What the page of metrics shows of partitions."""

from pathlib import Path

from prometheus_client import REGISTRY, generate_latest

from tests.support.broker import BrokerBench, open_broker
from tivo.wire.messages.delete_topics import DeleteTopicsRequest, DeleteTopicState


def shown(name: str, topic: str, partition: int = 0) -> float | None:
    return REGISTRY.get_sample_value(name, {"topic": topic, "partition": str(partition)})


def test_partition_is_shown_as_it_is_when_asked(tmp_path: Path) -> None:
    bench = open_broker(tmp_path / "data")
    bench.make("shown", 2)
    assert 0 == shown("tivo_broker_log_end_offset", "shown")

    bench.produce("shown", b"a", b"b")

    assert 2 == shown("tivo_broker_log_end_offset", "shown")
    assert 2 == shown("tivo_broker_high_watermark", "shown")
    assert 0 == shown("tivo_broker_log_start_offset", "shown")
    assert 1 == shown("tivo_broker_segments", "shown", 1)
    assert 0 == shown("tivo_broker_read_only", "shown")
    assert b'tivo_broker_log_bytes{partition="0",topic="shown"}' in generate_latest(REGISTRY)
    bench.close()


def test_deleted_topic_is_shown_no_more(bench: BrokerBench) -> None:
    bench.make("hidden")

    bench.ask(DeleteTopicsRequest(topics=[DeleteTopicState(name="hidden")]))

    assert None is shown("tivo_broker_log_end_offset", "hidden")
