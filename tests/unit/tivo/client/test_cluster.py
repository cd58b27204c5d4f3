"""The cluster as a guest asks it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.unit.tivo.client.peer import NODE, Answer, a_topic, peer
from tivo.client.cluster import Cluster, Extent, Led, TopicInfo
from tivo.model.errors import BrokerError, RequestError, UnknownTopic
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.api_versions import ApiVersion, ApiVersionsRequest, ApiVersionsResponse
from tivo.wire.messages.create_topics import CreatableTopicResult, CreateTopicsRequest, CreateTopicsResponse
from tivo.wire.messages.delete_topics import DeletableTopicResult, DeleteTopicsRequest, DeleteTopicsResponse
from tivo.wire.messages.list_offsets import (
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopicResponse,
)
from tivo.wire.messages.metadata import MetadataRequest
from tivo.wire.messages.offset_for_leader_epoch import (
    EpochEndOffset,
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
    OffsetForLeaderTopicResult,
)
from tivo.wire.schema import Message

ID = bytes(range(16))


@dataclass
class Answers:
    """What the peer says; each may be made to fail with a code. A transaction is open from offset 90 on."""

    code: int = 0
    codes: Iterator[int] = field(default_factory=lambda: iter(()))
    offsets: dict[int, int] = field(default_factory=lambda: {-2: 5, -1: 95, -3: 93})
    stable: dict[int, int] = field(default_factory=lambda: {-2: 5, -1: 90, -3: -1})

    def list_offsets(self, request: ListOffsetsRequest) -> ListOffsetsResponse:
        offsets = self.stable if request.isolation_level == 1 else self.offsets
        return ListOffsetsResponse(
            topics=[
                ListOffsetsTopicResponse(
                    name=topic.name,
                    partitions=[
                        ListOffsetsPartitionResponse(
                            partition_index=each.partition_index,
                            error_code=next(self.codes, self.code),
                            offset=offsets[each.timestamp] + each.partition_index,
                            timestamp=1_700_000_000_000 + each.partition_index,
                        )
                        for each in topic.partitions
                    ],
                )
                for topic in request.topics
            ]
        )

    def create(self, request: CreateTopicsRequest) -> CreateTopicsResponse:
        return CreateTopicsResponse(
            topics=[CreatableTopicResult(name=request.topics[0].name, error_code=self.code, error_message="so it is")]
        )

    def delete(self, request: DeleteTopicsRequest) -> DeleteTopicsResponse:
        return DeleteTopicsResponse(responses=[DeletableTopicResult(name=request.topics[0].name, error_code=self.code)])

    def table(self) -> dict[type[Message], Answer]:
        return {
            ListOffsetsRequest: self.list_offsets,
            CreateTopicsRequest: self.create,
            DeleteTopicsRequest: self.delete,
        }


@pytest.fixture
def answers() -> Answers:
    return Answers()


async def test_topics_are_listed_with_their_ids(answers: Answers) -> None:
    async with peer(answers.table()) as broker:
        broker.topics = [a_topic("quakes", ID, 1, 0), a_topic("__offsets", bytes(16), 0)]

        async with Cluster(broker.bootstrap) as cluster:
            assert {
                "quakes": TopicInfo(name="quakes", topic_id=ID, partitions=(0, 1), internal=False),
                "__offsets": TopicInfo(name="__offsets", topic_id=bytes(16), partitions=(0,), internal=True),
            } == await cluster.topics()


async def test_asking_for_a_topic_never_makes_it(answers: Answers) -> None:
    async with peer(answers.table()) as broker:
        async with Cluster(broker.bootstrap) as cluster:
            await cluster.topic_ids(("quakes",))

        asked = [request for request in broker.asked if isinstance(request, MetadataRequest)][-1]
        assert not asked.allow_auto_topic_creation


async def test_topic_ids_leave_out_what_is_not_there(answers: Answers) -> None:
    async with peer(answers.table()) as broker:
        broker.topics = [a_topic("quakes", ID, 0), a_topic("gone", bytes(16), error_code=3)]

        async with Cluster(broker.bootstrap) as cluster:
            assert {"quakes": ID} == await cluster.topic_ids(("quakes", "gone", "never"))


async def test_leaders_are_told_with_the_topic_id_and_whoever_has_none_is_left_out(answers: Answers) -> None:
    async with peer(answers.table()) as broker:
        topic = a_topic("quakes", ID, 0, 1)
        topic.partitions[1].leader_id = -1
        topic.partitions[0].leader_epoch = 6
        broker.topics = [topic]

        async with Cluster(broker.bootstrap) as cluster:
            assert {"quakes": Led(ID, {0: NODE}, {0: 6})} == await cluster.leaders(("quakes", "never"))


async def test_ends_of_leader_epochs_are_told_by_those_who_lead(answers: Answers) -> None:
    def end(request: OffsetForLeaderEpochRequest) -> OffsetForLeaderEpochResponse:
        ends = {0: 50, 1: -1}
        asked = request.topics[0].partitions
        told = [EpochEndOffset(partition=each.partition, end_offset=ends[each.partition]) for each in asked]
        assert {0: 4, 1: 9} == {each.partition: each.leader_epoch for each in asked}
        return OffsetForLeaderEpochResponse(topics=[OffsetForLeaderTopicResult(topic="quakes", partitions=told)])

    async with peer({**answers.table(), OffsetForLeaderEpochRequest: end}) as broker:
        broker.topics = [a_topic("quakes", ID, 0, 1)]

        async with Cluster(broker.bootstrap) as cluster:
            assert {0: 50} == await cluster.epoch_ends("quakes", {0: 4, 1: 9, 2: 1})
            with pytest.raises(UnknownTopic):
                await cluster.epoch_ends("never", {0: 4})


async def test_an_end_that_cannot_be_told_is_the_brokers_fault(answers: Answers) -> None:
    def fail(request: OffsetForLeaderEpochRequest) -> OffsetForLeaderEpochResponse:
        told = [EpochEndOffset(partition=0, error_code=76)]
        return OffsetForLeaderEpochResponse(topics=[OffsetForLeaderTopicResult(topic="quakes", partitions=told)])

    async with peer({**answers.table(), OffsetForLeaderEpochRequest: fail}) as broker:
        broker.topics = [a_topic("quakes", ID, 0)]

        async with Cluster(broker.bootstrap) as cluster:
            with pytest.raises(BrokerError, match="does not tell where an epoch ended"):
                await cluster.epoch_ends("quakes", {0: 4})


async def test_log_starts_and_ends_are_those_of_committed_records_per_partition(answers: Answers) -> None:
    async with peer(answers.table()) as broker:
        broker.topics = [a_topic("quakes", ID, 0, 1)]

        async with Cluster(broker.bootstrap) as cluster:
            assert {0: 5, 1: 6} == await cluster.log_starts("quakes")
            assert {0: 90, 1: 91} == await cluster.log_ends("quakes")


async def test_the_extents_of_any_number_of_topics_cost_three_requests(answers: Answers) -> None:
    async with peer(answers.table()) as broker:
        broker.topics = [a_topic("quakes", ID, 0, 1), a_topic("tides", bytes(16), 0)]

        async with Cluster(broker.bootstrap) as cluster:
            await cluster.topics()
            before = len(broker.asked)
            extents = await cluster.extents(("quakes", "tides", "never"))

    assert {
        "quakes": Extent(ID, starts={0: 5, 1: 6}, ends={0: 90, 1: 91}),
        "tides": Extent(bytes(16), starts={0: 5}, ends={0: 90}),
    } == extents
    assert [MetadataRequest, ListOffsetsRequest, ListOffsetsRequest] == [type(each) for each in broker.asked[before:]]


async def test_extents_may_reach_to_the_high_watermark(answers: Answers) -> None:
    async with peer(answers.table()) as broker:
        broker.topics = [a_topic("quakes", ID, 0)]

        async with Cluster(broker.bootstrap) as cluster:
            extents = await cluster.extents(("quakes",), committed=False)

    assert {"quakes": Extent(ID, starts={0: 5}, ends={0: 95})} == extents


async def test_a_topic_that_goes_while_extents_are_asked_for_is_left_out(answers: Answers) -> None:
    answers.codes = iter([ErrorCode.UNKNOWN_TOPIC_OR_PARTITION])
    async with peer(answers.table()) as broker:
        broker.topics = [a_topic("quakes", ID, 0)]

        async with Cluster(broker.bootstrap) as cluster:
            assert {} == await cluster.extents(("quakes",))


async def test_last_time_is_the_greatest_of_all_partitions(answers: Answers) -> None:
    async with peer(answers.table()) as broker:
        broker.topics = [a_topic("quakes", ID, 0, 1)]

        async with Cluster(broker.bootstrap) as cluster:
            assert 1_700_000_000_001_000 == await cluster.last_time_us("quakes")


async def test_empty_log_has_no_last_time(answers: Answers) -> None:
    answers.offsets[-3] = -1
    async with peer(answers.table()) as broker:
        broker.topics = [a_topic("quakes", ID, 0)]

        async with Cluster(broker.bootstrap) as cluster:
            assert await cluster.last_time_us("quakes") is None


async def test_topic_that_is_not_there_is_unknown(answers: Answers) -> None:
    async with peer(answers.table()) as broker:
        broker.topics = [a_topic("quakes", ID, error_code=ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)]

        async with Cluster(broker.bootstrap) as cluster:
            with pytest.raises(UnknownTopic, match="quakes"):
                await cluster.log_ends("quakes")


async def test_partition_that_fails_names_topic_and_code(answers: Answers) -> None:
    answers.code = ErrorCode.KAFKA_STORAGE_ERROR
    async with peer(answers.table()) as broker:
        broker.topics = [a_topic("quakes", ID, 0)]

        async with Cluster(broker.bootstrap) as cluster:
            with pytest.raises(BrokerError, match=r"quakes.*KAFKA_STORAGE_ERROR"):
                await cluster.log_ends("quakes")


async def test_made_topic_is_waited_for_until_it_has_leaders(answers: Answers) -> None:
    answers.codes = iter([ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.NOT_LEADER_OR_FOLLOWER])
    async with peer(answers.table()) as broker:
        broker.topics = [a_topic("quakes", ID, 0)]

        async with Cluster(broker.bootstrap) as cluster:
            await cluster.create_topic("quakes", partitions=1, settings={"retention.ms": "5"})

        (made,) = [request for request in broker.asked if isinstance(request, CreateTopicsRequest)]
        assert [("quakes", 1, "retention.ms", "5")] == [
            (topic.name, topic.num_partitions, config.name, config.value)
            for topic in made.topics
            for config in topic.configs
        ]


@pytest.mark.parametrize(
    ("code", "error"),
    [(ErrorCode.TOPIC_ALREADY_EXISTS, RequestError), (ErrorCode.REQUEST_TIMED_OUT, BrokerError)],
)
async def test_topic_that_cannot_be_made_says_why(answers: Answers, code: ErrorCode, error: type[Exception]) -> None:
    answers.code = code
    async with peer(answers.table()) as broker, Cluster(broker.bootstrap) as cluster:
        with pytest.raises(error, match=r"quakes.*so it is"):
            await cluster.create_topic("quakes")


@pytest.mark.parametrize("code", [0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION])
async def test_topic_is_deleted_by_its_name(answers: Answers, code: int) -> None:
    answers.code = code
    async with peer(answers.table()) as broker, Cluster(broker.bootstrap) as cluster:
        if code:
            with pytest.raises(UnknownTopic):
                await cluster.delete_topic("quakes")
        else:
            await cluster.delete_topic("quakes")


async def test_broker_without_topic_ids_is_refused_by_name_and_version(answers: Answers) -> None:
    old = [ApiVersion(api_key=18, min_version=0, max_version=0), ApiVersion(api_key=3, min_version=0, max_version=5)]
    table: dict[type[Message], Answer] = {
        **answers.table(),
        ApiVersionsRequest: lambda _: ApiVersionsResponse(api_keys=old),
    }
    async with peer(table) as broker, Cluster(broker.bootstrap) as cluster:
        with pytest.raises(BrokerError, match=r"Metadata v0 to v5, tivo needs v10"):
            await cluster.topics()


async def test_connection_lost_in_the_middle_is_a_broker_error_and_the_next_question_is_answered(
    answers: Answers,
) -> None:
    falls = iter([None])
    table: dict[type[Message], Answer] = {
        **answers.table(),
        ListOffsetsRequest: lambda request: next(falls, answers.list_offsets(request)),
    }
    async with peer(table) as broker:
        broker.topics = [a_topic("quakes", ID, 0)]

        async with Cluster(broker.bootstrap) as cluster:
            with pytest.raises(BrokerError, match="ListOffsets"):
                await cluster.log_ends("quakes")
            assert {0: 90} == await cluster.log_ends("quakes")


async def test_cluster_that_is_not_there_is_a_broker_error_naming_the_address() -> None:
    async with peer({}) as broker:
        pass

    with pytest.raises(BrokerError, match=broker.bootstrap):
        await Cluster(broker.bootstrap).start()


async def test_cluster_that_was_not_started_is_a_broker_error() -> None:
    cluster = Cluster("127.0.0.1:1")
    await cluster.close()

    with pytest.raises(BrokerError, match="not connected"):
        await cluster.topics()
