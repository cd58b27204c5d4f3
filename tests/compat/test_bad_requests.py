"""Well-formed requests for what no client should ask for: refused with a code and one line of log."""

from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from typing import Any

import pytest

from tests.compat.raw import ask, connect, frame, is_closed, take
from tests.compat.running import RunningBroker, eventually
from tests.compat.watching import Watch
from tests.support.lengths import altered, samples
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.api_versions import ApiVersionsRequest
from tivo.wire.messages.create_partitions import CreatePartitionsRequest, CreatePartitionsTopic
from tivo.wire.messages.create_topics import CreatableTopic, CreateTopicsRequest
from tivo.wire.messages.delete_groups import DeleteGroupsRequest
from tivo.wire.messages.describe_groups import DescribeGroupsRequest
from tivo.wire.messages.find_coordinator import FindCoordinatorRequest
from tivo.wire.messages.heartbeat import HeartbeatRequest
from tivo.wire.messages.init_producer_id import InitProducerIdRequest
from tivo.wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol
from tivo.wire.messages.leave_group import LeaveGroupRequest, MemberIdentity
from tivo.wire.messages.metadata import MetadataRequest, MetadataRequestTopic
from tivo.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from tivo.wire.messages.offset_fetch import OffsetFetchRequest, OffsetFetchRequestTopic
from tivo.wire.messages.produce import ProduceRequest
from tivo.wire.messages.sync_group import SyncGroupRequest
from tivo.wire.primitives import uvarint
from tivo.wire.schema import Message

pytestmark = pytest.mark.parametrize("broker", ["uvloop"], indirect=True, scope="session")
"""One loop will do: none of this is about sockets."""

ERRORS = "tivo_broker_errors_total"

NAMES = {
    "parent": "..",
    "here": ".",
    "slash": "a/b",
    "NUL": "a\0b",
    "250 characters": "x" * 250,
    "emoji": "\N{GRINNING FACE}",
    "nothing": "",
    "escape": "\x1b[31m\r\nWARNING",
    "internal": "__consumer_offsets",
    "to be internal": "__transaction_state_of_mine",
}


def answered(broker: RunningBroker, request: Message) -> Any:
    with closing(connect(broker)) as connection:
        return ask(connection, request)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_topic_cannot_have_any_name(broker: RunningBroker, watch: Watch, name: str) -> None:
    watch.begin(ERRORS)
    wanted = CreatableTopic(name=name, num_partitions=1, replication_factor=1)

    (told,) = answered(broker, CreateTopicsRequest(topics=[wanted])).topics

    assert ErrorCode.INVALID_TOPIC_EXCEPTION == told.error_code
    assert watch.tells(1), watch.lines()
    assert watch.lines()[0].isprintable()
    assert 1 == watch.counted(ERRORS)


@pytest.mark.parametrize("name", [name for name in NAMES.values() if name != "__consumer_offsets"])
def test_a_topic_of_any_name_is_not_made_by_asking_for_it(broker: RunningBroker, watch: Watch, name: str) -> None:
    (told,) = answered(broker, MetadataRequest(topics=[MetadataRequestTopic(name=name)])).topics

    assert ErrorCode.INVALID_TOPIC_EXCEPTION == told.error_code
    assert watch.tells(1), watch.lines()


def test_ten_thousand_topics_are_too_many(broker: RunningBroker, watch: Watch) -> None:
    topics = [CreatableTopic(name=f"many-{at}", num_partitions=1, replication_factor=1) for at in range(10_000)]

    told = answered(broker, CreateTopicsRequest(topics=topics)).topics

    assert {ErrorCode.POLICY_VIOLATION} == {topic.error_code for topic in told}
    assert watch.tells(1), watch.lines()


def test_ten_thousand_topics_are_not_made_by_asking_for_them(broker: RunningBroker, watch: Watch) -> None:
    before = len(answered(broker, MetadataRequest(topics=None)).topics)
    topics = [MetadataRequestTopic(name=f"many-{at}") for at in range(10_000)]

    told = answered(broker, MetadataRequest(topics=topics)).topics

    assert {ErrorCode.POLICY_VIOLATION} == {topic.error_code for topic in told}
    assert watch.tells(1), watch.lines()
    assert before == len(answered(broker, MetadataRequest(topics=None)).topics)


@pytest.mark.parametrize(
    ("count", "code"),
    [
        (10_000, ErrorCode.POLICY_VIOLATION),
        (2**31 - 1, ErrorCode.POLICY_VIOLATION),
        (0, ErrorCode.INVALID_PARTITIONS),
        (-2, ErrorCode.INVALID_PARTITIONS),
    ],
)
def test_a_topic_cannot_have_any_number_of_partitions(
    broker: RunningBroker, watch: Watch, topic: str, count: int, code: ErrorCode
) -> None:
    wanted = CreatableTopic(name=topic, num_partitions=count, replication_factor=1)
    (told,) = answered(broker, CreateTopicsRequest(topics=[wanted])).topics
    assert code == told.error_code
    assert watch.tells(1), watch.lines()

    grown = CreatePartitionsRequest(topics=[CreatePartitionsTopic(name="bystander", count=count)])
    assert code == answered(broker, grown).results[0].error_code
    assert watch.tells(2), watch.lines()


def test_ten_thousand_places_in_one_request_are_too_many(broker: RunningBroker, watch: Watch, group: str) -> None:
    places = [OffsetCommitRequestPartition(partition_index=at) for at in range(10_000)]
    topics = [OffsetCommitRequestTopic(name="bystander", partitions=places)]

    (told,) = answered(broker, OffsetCommitRequest(group_id=group, topics=topics)).topics

    assert [ErrorCode.POLICY_VIOLATION] * 10_000 == [place.error_code for place in told.partitions]
    assert watch.tells(1), watch.lines()
    assert -1 == kept(broker, group)


@pytest.mark.parametrize(
    ("asks", "told"),
    [
        (lambda ids: FindCoordinatorRequest(coordinator_keys=ids), lambda response: response.coordinators),
        (lambda ids: DescribeGroupsRequest(groups=ids), lambda response: response.groups),
        (lambda ids: DeleteGroupsRequest(groups_names=ids), lambda response: response.results),
    ],
    ids=["FindCoordinator", "DescribeGroups", "DeleteGroups"],
)
def test_ten_thousand_groups_in_one_request_are_too_many(
    broker: RunningBroker, watch: Watch, asks: Callable[[list[str]], Message], told: Callable[[Any], list[Any]]
) -> None:
    answers = told(answered(broker, asks([f"many-{at}" for at in range(10_000)])))

    assert [ErrorCode.POLICY_VIOLATION] * 10_000 == [each.error_code for each in answers]
    assert watch.tells(1), watch.lines()


def test_ten_thousand_members_do_not_leave_at_once(broker: RunningBroker, watch: Watch, group: str) -> None:
    members = [MemberIdentity(member_id=str(at)) for at in range(10_000)]

    assert ErrorCode.POLICY_VIOLATION == answered(broker, LeaveGroupRequest(group_id=group, members=members)).error_code
    assert watch.tells(1), watch.lines()


def sized(request: bytes) -> bytes:
    return len(request).to_bytes(4) + request


FLOODS = {
    "keys": frame(FindCoordinatorRequest(coordinator_keys=["k"] * 1_000_000)),
    "tags": sized(frame(ApiVersionsRequest())[4:-1] + uvarint(1_000_000) + b"\x63\0" * 1_000_000),
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
def test_a_request_of_a_million_elements_closes_the_connection(
    broker: RunningBroker, watch: Watch, flood: bytes
) -> None:
    watch.begin("tivo_broker_hung_up_total")
    with closing(connect(broker)) as connection:
        with suppress(OSError):
            connection.sendall(flood)
        assert is_closed(connection)

    assert watch.tells(1), watch.lines()
    assert "at most 131072" in watch.lines()[0]
    assert 1 == watch.counted("tivo_broker_hung_up_total")


# ---------------------------------------------------------------- lengths that cannot be


@pytest.mark.parametrize("sample", samples(newest=True), ids=str)
def test_a_length_that_cannot_be_closes_the_connection_or_is_another_request(
    broker: RunningBroker, watch: Watch, sample: Any
) -> None:
    lies = [data for place in sample.lengths for _, data in altered(sample, place)]
    assert lies
    for data in lies:
        with closing(connect(broker)) as connection:
            connection.sendall(data)
    assert watch.bystander.goes_on()


# ---------------------------------------------------------------- groups


def joining(group: str, **fields: Any) -> JoinGroupRequest:
    protocols = [JoinGroupRequestProtocol(name="range", metadata=fields.pop("metadata", b"topics"))]
    given = {"session_timeout_ms": 6_000, "rebalance_timeout_ms": 6_000, "protocol_type": "consumer", **fields}
    return JoinGroupRequest(group_id=group, protocols=protocols, **given)


def test_a_group_has_a_thousand_members_and_no_more(broker: RunningBroker, watch: Watch, group: str) -> None:
    with closing(connect(broker)) as connection:
        for _ in range(1_000):
            assert ErrorCode.MEMBER_ID_REQUIRED == ask(connection, joining(group)).error_code

        assert ErrorCode.GROUP_MAX_SIZE_REACHED == ask(connection, joining(group)).error_code

    assert watch.tells(1), watch.lines()[:3]


def test_a_member_cannot_bring_a_mebibyte(broker: RunningBroker, watch: Watch, group: str) -> None:
    told = answered(broker, joining(group, metadata=bytes(1 << 20)))

    assert ErrorCode.INVALID_REQUEST == told.error_code
    assert watch.tells(1), watch.lines()


def test_a_group_that_is_large_in_all_takes_nobody_more(broker: RunningBroker, watch: Watch, group: str) -> None:
    metadata = bytes(250 << 10)
    codes = set()
    for _ in range(200):
        with closing(connect(broker)) as connection:
            member_id = ask(connection, joining(group, metadata=metadata)).member_id
            connection.sendall(frame(joining(group, metadata=metadata, member_id=member_id)))
        codes.add(answered(broker, joining(group, metadata=metadata)).error_code)

    assert ErrorCode.GROUP_MAX_SIZE_REACHED in codes


def test_groups_that_are_large_in_all_take_nobody_more(broker: RunningBroker, watch: Watch, group: str) -> None:
    codes = set()
    with ExitStack() as opened:
        connections = [opened.enter_context(closing(connect(broker))) for _ in range(5)]
        for turn in range(22):
            joins = [joining(f"{group}-{turn}-{at}", metadata=bytes(250 << 10)) for at in range(5)]
            for connection, join in zip(connections, joins, strict=True):
                connection.sendall(frame(join, 3))
            codes |= {take(each, join, 3).error_code for each, join in zip(connections, joins, strict=True)}

    assert {0, ErrorCode.GROUP_MAX_SIZE_REACHED} == codes
    assert eventually(lambda: answered(broker, joins[0]).error_code == ErrorCode.MEMBER_ID_REQUIRED)


def test_a_group_of_any_name_is_not_made(broker: RunningBroker, watch: Watch) -> None:
    watch.begin(ERRORS)
    long = "g" * 40_000
    topics = [OffsetCommitRequestTopic(name="bystander", partitions=[OffsetCommitRequestPartition()])]

    assert ErrorCode.INVALID_GROUP_ID == answered(broker, joining(long)).error_code
    commit = answered(broker, OffsetCommitRequest(group_id=long, topics=topics))

    assert ErrorCode.INVALID_GROUP_ID == commit.topics[0].partitions[0].error_code
    assert watch.tells(2), watch.lines()
    assert 2 == watch.counted(ERRORS)


def test_a_member_of_any_name_is_not_taken(broker: RunningBroker, watch: Watch, group: str) -> None:
    watch.begin(ERRORS)

    assert ErrorCode.INVALID_REQUEST == answered(broker, joining(group, group_instance_id="i" * 40_000)).error_code

    assert watch.tells(1), watch.lines()
    assert 1 == watch.counted(ERRORS)


def test_a_transaction_of_any_name_is_not_begun(broker: RunningBroker, watch: Watch) -> None:
    init = InitProducerIdRequest(transactional_id="x" * 40_000, transaction_timeout_ms=1_000)

    assert ErrorCode.INVALID_REQUEST == answered(broker, init).error_code

    assert watch.tells(1), watch.lines()


def test_a_rebalance_that_is_allowed_no_time_holds_up_nobody(broker: RunningBroker, watch: Watch, group: str) -> None:
    """A static member that allows it none is alone in it, once the other one has gone."""
    mine: dict[str, Any] = {"group_instance_id": "one", "rebalance_timeout_ms": 0}
    with closing(connect(broker)) as stays, closing(connect(broker)) as goes:
        first = ask(stays, joining(group, **mine))
        known: dict[str, Any] = {"group_id": group, "member_id": first.member_id, "group_instance_id": "one"}
        assert 0 == ask(stays, SyncGroupRequest(generation_id=1, **known)).error_code
        goes.sendall(frame(joining(group), 3))
        beat = HeartbeatRequest(generation_id=1, **known)
        assert eventually(lambda: ask(stays, beat).error_code == ErrorCode.REBALANCE_IN_PROGRESS)
        assert 2 == ask(stays, joining(group, member_id=first.member_id, **mine)).generation_id
        other = take(goes, joining(group), 3)

        assert 0 == ask(goes, LeaveGroupRequest(group_id=group, member_id=other.member_id), 2).error_code

        assert watch.bystander.goes_on()


@pytest.fixture
def member(broker: RunningBroker, group: str) -> Any:
    """A static member that is alone in its group: its id and generation."""
    with closing(connect(broker)) as connection:
        joined = ask(connection, joining(group, group_instance_id="one"))
        assert 0 == joined.error_code
        sync = SyncGroupRequest(
            group_id=group,
            generation_id=joined.generation_id,
            member_id=joined.member_id,
            group_instance_id="one",
            protocol_type="consumer",
            protocol_name="range",
        )
        assert 0 == ask(connection, sync).error_code
    return joined


@pytest.mark.parametrize(
    ("fields", "code", "lines"),
    [
        ({"generation": 0}, ErrorCode.ILLEGAL_GENERATION, 0),
        ({"generation": 9}, ErrorCode.ILLEGAL_GENERATION, 0),
        ({"member_id": "somebody"}, ErrorCode.UNKNOWN_MEMBER_ID, 0),
        ({"member_id": "somebody", "group_instance_id": "one"}, ErrorCode.FENCED_INSTANCE_ID, 1),
        ({"member_id": "", "generation": -1}, ErrorCode.UNKNOWN_MEMBER_ID, 0),
    ],
    ids=str,
)
def test_only_a_member_of_the_present_generation_commits_and_beats(
    broker: RunningBroker, watch: Watch, group: str, member: Any, fields: dict[str, Any], code: ErrorCode, lines: int
) -> None:
    watch.begin(ERRORS)
    given = {"member_id": member.member_id, "generation": member.generation_id, "group_instance_id": None, **fields}
    topics = [OffsetCommitRequestTopic(name="bystander", partitions=[OffsetCommitRequestPartition()])]
    commit = OffsetCommitRequest(
        group_id=group,
        member_id=given["member_id"],
        generation_id_or_member_epoch=given["generation"],
        group_instance_id=given["group_instance_id"],
        topics=topics,
    )
    beat = HeartbeatRequest(
        group_id=group,
        member_id=given["member_id"],
        generation_id=given["generation"],
        group_instance_id=given["group_instance_id"],
    )

    assert code == answered(broker, commit).topics[0].partitions[0].error_code
    assert code == answered(broker, beat).error_code

    assert watch.tells(2 * lines), watch.lines()
    assert 2 == watch.counted(ERRORS)


# ---------------------------------------------------------------- offsets


def committed(broker: RunningBroker, group: str, offset: int, metadata: str = "") -> int:
    place = OffsetCommitRequestPartition(committed_offset=offset, committed_metadata=metadata)
    topics = [OffsetCommitRequestTopic(name="bystander", partitions=[place])]
    code: int = answered(broker, OffsetCommitRequest(group_id=group, topics=topics)).topics[0].partitions[0].error_code
    return code


def kept(broker: RunningBroker, group: str) -> int:
    asked = OffsetFetchRequestTopic(name="bystander", partition_indexes=[0])
    with closing(connect(broker)) as connection:
        told = ask(connection, OffsetFetchRequest(group_id=group, topics=[asked]), 7)
    offset: int = told.topics[0].partitions[0].committed_offset
    return offset


def test_the_metadata_of_an_offset_is_short(broker: RunningBroker, watch: Watch, group: str) -> None:
    watch.begin(ERRORS)

    assert ErrorCode.OFFSET_METADATA_TOO_LARGE == committed(broker, group, 5, "x" * 4_097)

    assert watch.tells(1), watch.lines()
    assert 1 == watch.counted(ERRORS)
    assert -1 == kept(broker, group)


def test_a_group_may_go_beyond_the_end_and_back(broker: RunningBroker, watch: Watch, group: str) -> None:
    for offset in (10**12, 3, 2**63 - 1, -2, 0):
        assert 0 == committed(broker, group, offset, "x" * 4_096)
        assert offset == kept(broker, group)

    assert watch.tells(0), watch.lines()


def test_acks_are_minus_one_to_one(broker: RunningBroker, watch: Watch) -> None:
    with closing(connect(broker)) as connection:
        connection.sendall(frame(ProduceRequest(acks=0)) + b"\0\0\0\1")
        assert is_closed(connection)

    assert watch.tells(1), watch.lines()
