"""A broker on a log of its own for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.broker import BrokerBench, open_broker
from tests.support.certificates import Certificates, make_certificates
from tests.support.transactional import TransactionalProducer
from tivo.auth.principals import Principal


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[BrokerBench]:
    """Flush mode `always`, one topic `t` with two partitions."""
    opened = open_broker(tmp_path / "data")
    opened.make("t", 2)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[BrokerBench]:
    """A broker with access control, spoken to by its super user, with one topic `t` with two partitions."""
    opened = open_broker(tmp_path / "guarded", authorizer="acl", super_users=(Principal("root"),))
    opened.become("root")
    opened.make("t", 2)
    yield opened
    opened.close()


@pytest.fixture
def producer(bench: BrokerBench) -> TransactionalProducer:
    """Of transactional id `x`, with its identity."""
    made = TransactionalProducer(bench)
    assert made.init() == 0
    return made
