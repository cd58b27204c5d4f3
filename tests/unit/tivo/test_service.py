"""What a process asks of its surroundings before it runs."""

import asyncio
import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tivo import service
from tivo.broker.options import BrokerOptions
from tivo.broker.server import Server as Broker
from tivo.config import Settings
from tivo.model.errors import ConfigError, RequestError

PATIENCE_S = 20


def test_a_data_directory_is_made_with_those_above_it(tmp_path: Path) -> None:
    service.make_directory(tmp_path / "a" / "b")

    assert (tmp_path / "a" / "b").is_dir()


def test_a_data_directory_that_cannot_be_made_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ConfigError, match=r"data directory .*file/data cannot .*: Not a directory; .*--data"):
        service.make_directory(tmp_path / "file" / "data")
    with pytest.raises(ConfigError, match="cannot be made"), service.lock(tmp_path / "file" / "data"):
        pass
    with pytest.raises(ConfigError, match="cannot be made"):
        service.run_broker(Settings(data=str(tmp_path / "file" / "data")), tell=print)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_data_directory_that_may_not_be_written_to_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    with pytest.raises(ConfigError, match=r"cannot be made or written to: Permission denied; let this user"):
        service.make_directory(tmp_path)


@pytest.fixture
def thawed() -> Iterator[None]:
    """A process that serves freezes what it has loaded; the tests go on without that."""
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("thawed")
async def test_a_broker_whose_work_breaks_in_a_way_nobody_foresaw_stops_with_that(tmp_path: Path) -> None:
    def break_down() -> None:
        raise ZeroDivisionError

    def told(broker: Broker) -> None:
        broker.broker.runtime.in_thread(break_down, lambda result: None)

    broker = service.serving_broker(BrokerOptions(data=tmp_path / "data", port=0))

    with pytest.raises(ZeroDivisionError):
        async with asyncio.timeout(PATIENCE_S):
            await service._serve(broker, Settings(), told)

    service.make_directory(tmp_path / "data")
    with service.lock(tmp_path / "data"):
        pass


async def test_a_broker_that_is_told_to_stop_stops_without_an_error(tmp_path: Path) -> None:
    async with service.serving_broker(BrokerOptions(data=tmp_path / "data", port=0)) as broker:
        assert {} == broker.unready()

    assert {"broker": "closing"} == broker.unready()


async def test_what_fails_beside_a_broker_is_raised_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="asked wrongly"):
        async with service.serving_broker(BrokerOptions(data=tmp_path / "data", port=0)):
            raise RequestError("asked wrongly")
