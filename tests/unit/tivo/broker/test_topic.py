"""A topic, and names of topics."""

import pytest

from tests.support.broker import BrokerBench
from tivo.broker.refusal import Refusal
from tivo.broker.topic import check_name
from tivo.wire.error_codes import ErrorCode


def test_partition_that_is_not_there(bench: BrokerBench) -> None:
    topic = bench.broker.topics.get("t")

    assert topic.leaders[1] is topic.leader(1)
    for partition in (-1, 2):
        with pytest.raises(Refusal, match=f"no partition {partition}"):
            topic.leader(partition)


@pytest.mark.parametrize("name", ["a", "A.b_c-9", "...", "_one", "a" * 249])
def test_good_names(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("name", ["", ".", "..", "a b", "a/b", "a\0", "a\n", "ä", "a" * 250, "__own"])
def test_bad_names(name: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_name(name)

    assert ErrorCode.INVALID_TOPIC_EXCEPTION is refused.value.code
