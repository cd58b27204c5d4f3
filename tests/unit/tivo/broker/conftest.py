"""A broker on a log of its own for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.broker import BrokerBench, open_broker


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[BrokerBench]:
    """Flush mode `always`, one topic `t` with two partitions."""
    opened = open_broker(tmp_path / "data")
    opened.make("t", 2)
    yield opened
    opened.close()
