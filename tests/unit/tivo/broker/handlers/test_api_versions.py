"""ApiVersions."""

import pytest

from tests.support.broker import BrokerBench
from tivo.broker.handlers import TABLE
from tivo.wire.messages.api_versions import ApiVersionsRequest

NOT_SERVED = {27, 68, 69, 71, 72, 76, 77, 78, 79}
"""What brokers say to each other, groups of KIP-848, telemetry, share groups."""


@pytest.mark.parametrize("version", range(5))
def test_whole_table_is_told(bench: BrokerBench, version: int) -> None:
    told = {
        each.api_key: (each.min_version, each.max_version) for each in bench.ask(ApiVersionsRequest(), version).api_keys
    }
    assert TABLE.keys() == told.keys()
    assert NOT_SERVED.isdisjoint(told)
    assert ((0, 12), (4, 16), (0, 12)) == (told[0], told[1], told[3])
