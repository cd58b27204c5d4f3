"""Groups as a guest asks for them, from a broker that answers as a test tells it."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tests.support.manual_clock import ManualClock
from tests.unit.tivo.client.peer import NODE, Answer, Peer, a_topic, peer
from tivo.client.group_offsets import AtTime, Earliest, Latest, Move, Spot
from tivo.client.groups import GroupDescription, GroupInfo, Groups
from tivo.model.errors import BrokerError, RequestError, UnknownTopic
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.delete_groups import DeletableGroupResult, DeleteGroupsRequest, DeleteGroupsResponse
from tivo.wire.messages.describe_groups import (
    DescribedGroup,
    DescribedGroupMember,
    DescribeGroupsRequest,
    DescribeGroupsResponse,
)
from tivo.wire.messages.find_coordinator import Coordinator, FindCoordinatorRequest, FindCoordinatorResponse
from tivo.wire.messages.list_groups import ListedGroup, ListGroupsRequest, ListGroupsResponse
from tivo.wire.messages.list_offsets import (
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopicResponse,
)
from tivo.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitResponse,
    OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
)
from tivo.wire.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchResponse,
    OffsetFetchResponseGroup,
    OffsetFetchResponsePartition,
    OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
)
from tivo.wire.schema import Message

ID = bytes(range(16))
OFFSETS = {-2: 5, -1: 95, 7: 33}
"""By the time that is asked for; 7 ms stands for a time. A transaction is open from STABLE on."""
STABLE = 30


@dataclass
class Cluster:
    """What the peer says. It holds group `g`, which has committed 40 in `a/0`; each API may fail with a code."""

    state: str = "Empty"
    members: list[DescribedGroupMember] = field(default_factory=list)
    committed: int = 40
    codes: dict[str, ErrorCode] = field(default_factory=dict)
    listed: tuple[str, ...] = ("h", "g")

    def code(self, api: str) -> int:
        return int(self.codes.get(api, 0))

    def find(self, request: FindCoordinatorRequest) -> FindCoordinatorResponse:
        code = self.code("find")
        found = [Coordinator(key=key, node_id=NODE, error_code=code) for key in request.coordinator_keys]
        return FindCoordinatorResponse(node_id=NODE, error_code=code, coordinators=found)

    def list(self, _: ListGroupsRequest) -> ListGroupsResponse:
        groups = [ListedGroup(group_id=name, protocol_type="consumer", group_state="Empty") for name in self.listed]
        return ListGroupsResponse(groups=groups, error_code=self.code("list"))

    def describe(self, request: DescribeGroupsRequest) -> DescribeGroupsResponse:
        (name,) = request.groups
        told = DescribedGroup(
            group_id=name, group_state=self.state, members=self.members, error_code=self.code("describe")
        )
        return DescribeGroupsResponse(groups=[told])

    def fetch(self, request: OffsetFetchRequest) -> OffsetFetchResponse:
        code = self.code("fetch")
        if not request.groups:
            old = OffsetFetchResponsePartition(partition_index=0, committed_offset=self.committed)
            return OffsetFetchResponse(topics=[OffsetFetchResponseTopic(name="a", partitions=[old])], error_code=code)
        new = OffsetFetchResponsePartitions(partition_index=0, committed_offset=self.committed)
        topics = [OffsetFetchResponseTopics(name="a", partitions=[new])]
        group = OffsetFetchResponseGroup(group_id=request.groups[0].group_id, topics=topics, error_code=code)
        return OffsetFetchResponse(groups=[group])

    def commit(self, request: OffsetCommitRequest) -> OffsetCommitResponse:
        return OffsetCommitResponse(
            topics=[
                OffsetCommitResponseTopic(
                    name=topic.name,
                    partitions=[
                        OffsetCommitResponsePartition(
                            partition_index=each.partition_index, error_code=self.code("commit")
                        )
                        for each in topic.partitions
                    ],
                )
                for topic in request.topics
            ]
        )

    def delete(self, request: DeleteGroupsRequest) -> DeleteGroupsResponse:
        results = [DeletableGroupResult(group_id=name, error_code=self.code("delete")) for name in request.groups_names]
        return DeleteGroupsResponse(results=results)

    def list_offsets(self, request: ListOffsetsRequest) -> ListOffsetsResponse:
        return ListOffsetsResponse(
            topics=[
                ListOffsetsTopicResponse(
                    name=topic.name,
                    partitions=[
                        ListOffsetsPartitionResponse(
                            partition_index=each.partition_index,
                            offset=min(OFFSETS[each.timestamp], STABLE if request.isolation_level else 95),
                        )
                        for each in topic.partitions
                    ],
                )
                for topic in request.topics
            ]
        )

    def table(self) -> dict[type[Message], Answer]:
        return {
            FindCoordinatorRequest: self.find,
            ListGroupsRequest: self.list,
            DescribeGroupsRequest: self.describe,
            OffsetFetchRequest: self.fetch,
            OffsetCommitRequest: self.commit,
            DeleteGroupsRequest: self.delete,
            ListOffsetsRequest: self.list_offsets,
        }


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


async def asked(cluster: Cluster, ask: Callable[[Groups], object], **upto: int) -> tuple[object, Peer]:
    """What a question gives, and the peer that was asked; `upto` are the newest versions of OffsetFetch and others."""
    named = {"find": FindCoordinatorRequest, "fetch": OffsetFetchRequest}
    async with peer(cluster.table(), upto={named[name]: version for name, version in upto.items()}) as broker:
        broker.topics = [a_topic("a", ID, 0, 1)]
        async with Groups(broker.bootstrap, ManualClock(), patience_s=0) as groups:
            return await ask(groups), broker  # type: ignore[misc]


async def test_groups_of_all_brokers_are_listed_by_name(cluster: Cluster) -> None:
    found, _ = await asked(cluster, lambda groups: groups.listed())

    assert [GroupInfo(name=name, state="Empty", protocol_type="consumer") for name in ("g", "h")] == found


@pytest.mark.parametrize("versions", [{}, {"find": 3, "fetch": 7}, {"find": 0, "fetch": 2}])
async def test_plan_in_any_version(cluster: Cluster, versions: dict[str, int]) -> None:
    planned, _ = await asked(cluster, lambda groups: groups.plan("g", Earliest(), ()), **versions)

    assert [Move(Spot("a", 0), 40, 5)] == planned


async def test_lag_counts_what_an_open_transaction_holds(cluster: Cluster) -> None:
    found, _ = await asked(cluster, lambda groups: groups.describe("g"))

    assert isinstance(found, GroupDescription)
    assert [(95, 55)] == [(each.end, each.lag) for each in found.standings]


async def test_time_is_asked_of_the_log(cluster: Cluster) -> None:
    planned, _ = await asked(cluster, lambda groups: groups.plan("g", AtTime(6_001), ("a",)))

    assert [Move(Spot("a", 0), 40, 33), Move(Spot("a", 1), None, 33)] == planned


async def test_plan_is_committed_without_a_member(cluster: Cluster) -> None:
    moves = [Move(Spot("a", 1), None, 7), Move(Spot("b", 0), 1, 2), Move(Spot("a", 0), 40, 5)]

    _, broker = await asked(cluster, lambda groups: groups.commit("g", moves))

    (request,) = [request for request in broker.asked if isinstance(request, OffsetCommitRequest)]
    assert ("g", "", -1) == (request.group_id, request.member_id, request.generation_id_or_member_epoch)
    assert [("a", [(0, 5), (1, 7)]), ("b", [(0, 2)])] == [
        (topic.name, [(each.partition_index, each.committed_offset) for each in topic.partitions])
        for topic in request.topics
    ]


async def test_group_with_members_is_left_alone(cluster: Cluster) -> None:
    cluster.state, cluster.members = "Stable", [DescribedGroupMember(member_id="m")]

    with pytest.raises(RequestError, match="is Stable, its members read on"):
        await asked(cluster, lambda groups: groups.plan("g", Latest(), ()))


@pytest.mark.parametrize("code", [ErrorCode.GROUP_ID_NOT_FOUND, ErrorCode.NONE])
async def test_group_of_the_newer_protocol_has_its_listed_state(cluster: Cluster, code: ErrorCode) -> None:
    cluster.state = "Dead"
    cluster.codes["describe"] = code

    found, _ = await asked(cluster, lambda groups: groups.describe("g"))

    assert isinstance(found, GroupDescription)
    assert ("Empty", [40]) == (found.state, [each.committed for each in found.standings])


@pytest.mark.parametrize("told", ["dead", "not found", "no offsets either"])
async def test_group_that_is_not_there_is_told(cluster: Cluster, told: str) -> None:
    cluster.state, cluster.committed, cluster.listed = "Dead", -1, ("h",)
    if told == "not found":
        cluster.codes["describe"] = ErrorCode.GROUP_ID_NOT_FOUND
    if told == "no offsets either":
        cluster.codes["fetch"] = ErrorCode.GROUP_ID_NOT_FOUND

    for ask in (lambda groups: groups.describe("g"), lambda groups: groups.plan("g", Latest(), ())):
        with pytest.raises(RequestError, match="no group named 'g'"):
            await asked(cluster, ask)


async def test_new_group_may_be_put_into_a_topic(cluster: Cluster) -> None:
    cluster.state, cluster.committed, cluster.listed = "Dead", -1, ()

    planned, _ = await asked(cluster, lambda groups: groups.plan("g", Latest(), ("a/1",)))

    assert [Move(Spot("a", 1), None, 95)] == planned
    with pytest.raises(UnknownTopic):
        await asked(cluster, lambda groups: groups.plan("g", Latest(), ("b",)))


@pytest.mark.parametrize("code", [ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.ILLEGAL_GENERATION])
async def test_member_that_came_meanwhile_is_told(cluster: Cluster, code: ErrorCode) -> None:
    cluster.codes["commit"] = code

    with pytest.raises(RequestError, match="has members by now"):
        await asked(cluster, lambda groups: groups.commit("g", [Move(Spot("a", 0), 40, 5)]))


@pytest.mark.parametrize(
    ("code", "told"),
    [(ErrorCode.GROUP_ID_NOT_FOUND, "no group named"), (ErrorCode.NON_EMPTY_GROUP, "has members")],
)
async def test_group_that_cannot_be_deleted_is_told(cluster: Cluster, code: ErrorCode, told: str) -> None:
    cluster.codes["delete"] = code

    with pytest.raises(RequestError, match=told):
        await asked(cluster, lambda groups: groups.delete("g"))


@pytest.mark.parametrize(
    ("api", "ask"),
    [
        ("find", lambda groups: groups.describe("g")),
        ("list", lambda groups: groups.listed()),
        ("describe", lambda groups: groups.describe("g")),
        ("fetch", lambda groups: groups.describe("g")),
        ("commit", lambda groups: groups.commit("g", [Move(Spot("a", 0), 40, 5)])),
        ("delete", lambda groups: groups.delete("g")),
    ],
)
async def test_broker_that_fails_is_told_with_its_code(
    cluster: Cluster, api: str, ask: Callable[[Groups], object]
) -> None:
    cluster.codes[api] = ErrorCode.COORDINATOR_NOT_AVAILABLE

    with pytest.raises(BrokerError, match="COORDINATOR_NOT_AVAILABLE"):
        await asked(cluster, ask)


async def test_broker_that_comes_is_waited_for(cluster: Cluster) -> None:
    refusals = [ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.NOT_COORDINATOR]

    def listed(request: ListGroupsRequest) -> ListGroupsResponse:
        return ListGroupsResponse(error_code=refusals.pop()) if refusals else cluster.list(request)

    async with (
        peer(cluster.table() | {ListGroupsRequest: listed}) as broker,
        Groups(broker.bootstrap, ManualClock()) as groups,
    ):
        assert ["g", "h"] == [group.name for group in await groups.listed()]


async def test_cluster_that_is_away_is_told() -> None:
    with pytest.raises(BrokerError, match=r"127\.0\.0\.1:1"):
        async with Groups("127.0.0.1:1", ManualClock()):
            pass
