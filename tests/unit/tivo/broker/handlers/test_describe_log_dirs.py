"""DescribeLogDirs."""

import pytest

from tests.support.broker import BrokerBench
from tivo.wire.messages.describe_log_dirs import (
    DescribableLogDirTopic,
    DescribeLogDirsRequest,
    DescribeLogDirsResult,
)


def described(
    bench: BrokerBench, topics: list[DescribableLogDirTopic] | None, version: int = 4
) -> DescribeLogDirsResult:
    (result,) = bench.ask(DescribeLogDirsRequest(topics=topics), version).results
    assert isinstance(result, DescribeLogDirsResult)
    return result


@pytest.mark.parametrize("version", range(1, 5))
def test_sizes_of_all_partitions(bench: BrokerBench, version: int) -> None:
    bench.produce("t", b"a" * 1_000)

    result = described(bench, None, version)

    sizes = {
        (topic.name, each.partition_index): each.partition_size for topic in result.topics for each in topic.partitions
    }
    assert {("__consumer_offsets", 0), ("__transaction_state", 0), ("t", 0), ("t", 1)} == sizes.keys()
    assert 1_000 < sizes["t", 0] < 1_200
    assert 0 == sizes["t", 1]
    assert bench.broker.data_dir == result.log_dir
    assert version < 4 or result.total_bytes > result.usable_bytes > 0


def test_asked_for_partitions_only(bench: BrokerBench) -> None:
    wanted = [DescribableLogDirTopic(topic="t", partitions=[1, 9]), DescribableLogDirTopic(topic="nowhere")]

    (topic,) = described(bench, wanted).topics

    assert ("t", [1]) == (topic.name, [each.partition_index for each in topic.partitions])
