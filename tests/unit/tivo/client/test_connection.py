"""Messages of ours over aiokafka's connections."""

import pytest

from tests.unit.tivo.client.peer import NODE, peer
from tivo.client.connection import Connection
from tivo.model.errors import BrokerError
from tivo.wire.messages.metadata import MetadataRequest, MetadataResponse


async def test_a_broker_is_asked_at_the_latest_version_that_both_know() -> None:
    async with peer({}) as broker:
        connection = Connection(broker.bootstrap, client_id="test")
        await connection.start()
        told = await connection.ask(MetadataRequest(topics=[]), MetadataResponse, node=NODE)
        await connection.close()

    assert NODE == told.controller_id


async def test_a_broker_that_is_too_old_is_refused_by_name_and_version() -> None:
    async with peer({}, upto={MetadataRequest: 5}) as broker:
        connection = Connection(broker.bootstrap, client_id="test")
        await connection.start()
        with pytest.raises(BrokerError, match=r"Metadata v\d to v5, tivo needs v10"):
            await connection.ask(MetadataRequest(topics=[]), MetadataResponse, first=10)
        await connection.close()


async def test_a_lost_connection_is_a_broker_error_and_the_next_question_is_answered() -> None:
    async with peer({}) as broker:
        connection = Connection(broker.bootstrap, client_id="test")
        await connection.start()
        broker.falls = True
        with pytest.raises(BrokerError, match="MetadataRequest"):
            await connection.ask(MetadataRequest(topics=[]), MetadataResponse)
        broker.falls = False
        told = await connection.ask(MetadataRequest(topics=[]), MetadataResponse)
        await connection.close()

    assert NODE == told.controller_id


async def test_a_connection_that_was_closed_says_so() -> None:
    connection = Connection("127.0.0.1:1", client_id="test")
    await connection.close()

    with pytest.raises(BrokerError, match="not connected to 127"):
        await connection.ask(MetadataRequest(topics=[]), MetadataResponse)
