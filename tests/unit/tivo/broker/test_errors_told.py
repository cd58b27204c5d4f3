"""Errors in responses, wherever they stand."""

import pytest

from tests.conformance.wire.cases import MESSAGES
from tivo.broker.errors_told import Told, errors_in
from tivo.wire.messages.api_versions import ApiVersionsResponse
from tivo.wire.messages.create_topics import CreatableTopicResult, CreateTopicsResponse
from tivo.wire.messages.fetch import FetchableTopicResponse, FetchResponse, PartitionData
from tivo.wire.messages.metadata import MetadataResponse
from tivo.wire.messages.offset_fetch import OffsetFetchResponse
from tivo.wire.schema import Message


def test_a_response_without_errors_has_none() -> None:
    fine = FetchResponse(responses=[FetchableTopicResponse(partitions=[PartitionData()])])

    assert [] == errors_in(fine)


def test_an_error_of_the_whole_response() -> None:
    assert [Told(35, None)] == errors_in(ApiVersionsResponse(error_code=35))


def test_errors_deep_inside_in_their_order() -> None:
    partitions = [PartitionData(error_code=1), PartitionData(), PartitionData(error_code=3)]

    told = errors_in(FetchResponse(responses=[FetchableTopicResponse(partitions=partitions)]))

    assert [Told(1, None), Told(3, None)] == told


def test_the_words_come_along() -> None:
    refused = CreatableTopicResult(error_code=17, error_message="a topic's name has 1 to 249 characters")

    assert [Told(17, "a topic's name has 1 to 249 characters")] == errors_in(CreateTopicsResponse(topics=[refused]))


def test_lists_may_be_null() -> None:
    assert [] == errors_in(MetadataResponse())
    assert [] == errors_in(OffsetFetchResponse())


@pytest.mark.parametrize("message", [each for each in MESSAGES if each.__name__.endswith("Response")])
def test_every_response_can_be_asked(message: type[Message]) -> None:
    assert [] == errors_in(message())
