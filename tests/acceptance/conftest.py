"""The whole product, beside its own broker and beside Apache Kafka: the same tests for both."""

import os
import uuid
from collections.abc import Iterator

import pytest

from tests.support.tivo import Tivo, tivo_up


@pytest.fixture(scope="module", params=["embedded", pytest.param("apache", marks=pytest.mark.needs("kafka"))])
def up(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tivo]:
    """tivo as `tivo up` starts it, on its own broker and on a real Kafka cluster."""
    environment = {}
    if request.param == "apache":
        environment["TIVO_KAFKA_BOOTSTRAP"] = request.getfixturevalue("kafka")
        environment["TIVO_AGENT_GROUP"] = f"tivo-{uuid.uuid4().hex}"
    with tivo_up(tmp_path_factory.mktemp(request.param), environment=environment) as running:
        yield running


@pytest.fixture
def topic() -> str:
    """A name that no other test uses."""
    return f"topic-{os.urandom(4).hex()}"
