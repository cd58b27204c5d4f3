"""Which topics are persisted."""

import re

import pytest

from streams.subscription import PATTERN


@pytest.mark.parametrize("name", ["quakes", "sensor-1", "a.b_c", "_one", "a__b"])
def test_every_topic_is_persisted(name: str) -> None:
    assert re.match(PATTERN, name)


@pytest.mark.parametrize("name", ["__consumer_offsets", "__transaction_state"])
def test_internal_topics_are_not(name: str) -> None:
    assert not re.match(PATTERN, name)
