"""Consumer groups as a guest sees and moves them, in any Kafka cluster."""

from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from itertools import groupby
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from tivo.client.access import Bootstrap
from tivo.client.assignment import assigned
from tivo.client.cluster import Cluster, Extent
from tivo.client.connection import Connection
from tivo.client.delays import Delays
from tivo.client.group_offsets import AtTime, Move, Spot, Standing, Target, chosen, moves
from tivo.model.errors import BrokerError, RequestError
from tivo.model.timeline import Now
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.delete_groups import DeleteGroupsRequest, DeleteGroupsResponse
from tivo.wire.messages.describe_groups import (
    DescribedGroup,
    DescribedGroupMember,
    DescribeGroupsRequest,
    DescribeGroupsResponse,
)
from tivo.wire.messages.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse
from tivo.wire.messages.list_groups import ListGroupsRequest, ListGroupsResponse
from tivo.wire.messages.metadata import MetadataRequest, MetadataResponse
from tivo.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
    OffsetCommitResponse,
)
from tivo.wire.messages.offset_fetch import OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchResponse

UNKNOWN = "Dead"
"""The state that Kafka gives to a group that it does not know."""

PATIENCE_S = 10.0
_WAIT_S = 0.1
_WITHOUT_MEMBERS = ("Empty", UNKNOWN)
_SOON = {ErrorCode.COORDINATOR_NOT_AVAILABLE, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.NOT_COORDINATOR}

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupInfo:
    """A group as the cluster lists it. A cluster that is old tells no state."""

    name: str
    state: str
    protocol_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member of a group, and the partitions that it reads now."""

    id: str
    instance_id: str | None
    client_id: str
    host: str
    partitions: tuple[Spot, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDescription:
    """A group with its members, and how far it has come in every partition that it reads or has read."""

    name: str
    state: str
    protocol: str
    coordinator: int
    members: tuple[Member, ...]
    standings: tuple[Standing, ...]


class _NotYet(BrokerError):
    """The group is on its way to another broker, or its broker has not read it yet."""


def _patient(
    ask: "Callable[Concatenate[Groups, P], Awaitable[T]]",
) -> "Callable[Concatenate[Groups, P], Coroutine[Any, Any, T]]":
    """Asks again for a while where a group's broker is not there yet."""

    @wraps(ask)
    async def asking(self: "Groups", /, *args: P.args, **named: P.kwargs) -> T:
        again = AsyncRetrying(
            stop=stop_after_delay(self.patience_s),
            wait=wait_fixed(min(_WAIT_S, self.patience_s)),
            retry=retry_if_exception_type(_NotYet),
            reraise=True,
        )
        return await again(ask, self, *args, **named)

    return asking


class Groups:
    """Asks a cluster about its groups. Raises BrokerError where no broker answers; ask again then.

    A group whose broker is not there yet is waited for, `patience_s` at most.
    """

    def __init__(self, bootstrap: Bootstrap, now: Callable[[], Now], *, patience_s: float = PATIENCE_S) -> None:
        self.patience_s = patience_s
        self._connection = Connection(bootstrap, client_id="tivo-groups")
        self._cluster = Cluster(bootstrap)
        self._delays = Delays(bootstrap, self._cluster, now)

    async def __aenter__(self) -> Self:
        await self._connection.start()
        await self._cluster.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._delays.close()
        await self._cluster.close()
        await self._connection.close()

    @_patient
    async def listed(self) -> list[GroupInfo]:
        """All groups of all brokers, by name."""
        brokers = (await self._connection.ask(MetadataRequest(topics=[]), MetadataResponse)).brokers
        found = []
        for broker in brokers:
            answer = await self._connection.ask(ListGroupsRequest(), ListGroupsResponse, node=broker.node_id)
            _raise_for(answer.error_code, f"broker {broker.node_id} lists no groups")
            found += [
                GroupInfo(name=each.group_id, state=each.group_state, protocol_type=each.protocol_type)
                for each in answer.groups
            ]
        return sorted(found, key=lambda info: info.name)

    @_patient
    async def describe(self, group: str) -> GroupDescription:
        """Members, and how far the group has come. Raises RequestError where there is no such group."""
        coordinator = await self._coordinator(group)
        told = await self._described(group, coordinator)
        committed = await self._committed(group, coordinator)
        if told.group_state == UNKNOWN and not committed:
            raise _no_group(group)
        members = tuple(sorted(map(_member, told.members), key=lambda member: (member.client_id, member.id)))
        reading = {spot: member.id for member in members for spot in member.partitions}
        measured = await self._delays.measured(await self._standings({*committed, *reading}, committed))
        return GroupDescription(
            name=group,
            state=told.group_state,
            protocol=told.protocol_data,
            coordinator=coordinator,
            members=members,
            standings=tuple(replace(each, member=reading.get(each.spot)) for each in measured),
        )

    @_patient
    async def committed(self, group: str) -> dict[Spot, int]:
        """The offsets that a group has committed; none where there is no such group."""
        return await self._committed(group, await self._coordinator(group))

    @_patient
    async def plan(self, group: str, goal: Target, topics: Sequence[str]) -> list[Move]:
        """Where a group would go on. Raises RequestError where that is impossible: it has members, or no such place."""
        coordinator = await self._coordinator(group)
        told = await self._described(group, coordinator)
        if told.group_state not in _WITHOUT_MEMBERS:
            raise RequestError(f"group {group!r} is {told.group_state}, its members read on: stop them first")
        committed = await self._committed(group, coordinator)
        if told.group_state == UNKNOWN and not committed and not topics:
            raise _no_group(group)
        there = {name: topic.partitions for name, topic in (await self._cluster.topics()).items()}
        standings = await self._standings(chosen(topics, committed, there), committed)
        return moves(goal, standings, await self._at_time(goal, standings))

    @_patient
    async def commit(self, group: str, planned: Iterable[Move]) -> None:
        """Let a group go on as planned. Raises RequestError where members came meanwhile."""
        request = OffsetCommitRequest(
            group_id=group,
            topics=[
                OffsetCommitRequestTopic(
                    name=topic,
                    partitions=[
                        OffsetCommitRequestPartition(partition_index=move.spot.partition, committed_offset=move.after)
                        for move in ours
                    ],
                )
                for topic, ours in groupby(sorted(planned), key=lambda move: move.spot.topic)
            ],
        )
        answer = await self._connection.ask(request, OffsetCommitResponse, node=await self._coordinator(group))
        for topic in answer.topics:
            for told in topic.partitions:
                if told.error_code in (ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.ILLEGAL_GENERATION):
                    raise RequestError(f"group {group!r} has members by now; stop them and try again")
                _raise_for(told.error_code, f"the offset of {topic.name}/{told.partition_index} is not committed")

    @_patient
    async def delete(self, group: str) -> None:
        """Forget a group that nobody is in, with its offsets. Raises RequestError."""
        request = DeleteGroupsRequest(groups_names=[group])
        answer = await self._connection.ask(request, DeleteGroupsResponse, node=await self._coordinator(group))
        for told in answer.results:
            if told.error_code == ErrorCode.GROUP_ID_NOT_FOUND:
                raise _no_group(group)
            if told.error_code == ErrorCode.NON_EMPTY_GROUP:
                raise RequestError(f"group {group!r} has members: stop them first")
            _raise_for(told.error_code, f"group {group!r} is not deleted")

    # ------------------------------------------------------------- below

    async def _coordinator(self, group: str) -> int:
        request = FindCoordinatorRequest(key=group, coordinator_keys=[group])
        answer = await self._connection.ask(request, FindCoordinatorResponse)
        (found,) = answer.coordinators or (answer,)
        _raise_for(found.error_code, f"nobody looks after group {group!r}")
        return found.node_id

    async def _described(self, group: str, coordinator: int) -> DescribedGroup:
        request = DescribeGroupsRequest(groups=[group])
        (told,) = (await self._connection.ask(request, DescribeGroupsResponse, node=coordinator)).groups
        if told.error_code != ErrorCode.GROUP_ID_NOT_FOUND:
            _raise_for(told.error_code, f"group {group!r} is not described")
        if told.error_code or told.group_state == UNKNOWN:
            told = DescribedGroup(group_id=group, group_state=await self._listed_state(group, coordinator))
        return told

    async def _listed_state(self, group: str, coordinator: int) -> str:
        """That of a group of the newer protocol (KIP-848) too, whose members only another API tells."""
        answer = await self._connection.ask(ListGroupsRequest(), ListGroupsResponse, node=coordinator)
        return next((each.group_state for each in answer.groups if each.group_id == group), UNKNOWN)

    async def _committed(self, group: str, coordinator: int) -> dict[Spot, int]:
        request = OffsetFetchRequest(
            group_id=group, topics=None, groups=[OffsetFetchRequestGroup(group_id=group, topics=None)]
        )
        answer = await self._connection.ask(request, OffsetFetchResponse, node=coordinator)
        (told,) = answer.groups or (answer,)
        if told.error_code == ErrorCode.GROUP_ID_NOT_FOUND:
            return {}
        _raise_for(told.error_code, f"the offsets of group {group!r} are not told")
        return {
            Spot(topic.name, each.partition_index): each.committed_offset
            for topic in told.topics
            for each in topic.partitions
            if each.committed_offset >= 0
        }

    async def _standings(self, spots: Collection[Spot], committed: Mapping[Spot, int]) -> list[Standing]:
        """The log ends where Kafka's own tool has it end: nobody can tell whether a group reads what is uncommitted."""
        extents = await self._cluster.extents({spot.topic for spot in spots}, committed=False) if spots else {}
        return [_standing(spot, committed.get(spot), extents.get(spot.topic)) for spot in spots]

    async def _at_time(self, goal: Target, standings: Sequence[Standing]) -> dict[Spot, int]:
        if not isinstance(goal, AtTime):
            return {}
        return {
            Spot(topic, partition): offset
            for topic in {each.spot.topic for each in standings}
            for partition, offset in (await self._cluster.offsets_at(topic, goal.time_us)).items()
        }


def _member(told: DescribedGroupMember) -> Member:
    return Member(
        id=told.member_id,
        instance_id=told.group_instance_id,
        client_id=told.client_id,
        host=told.client_host.removeprefix("/"),
        partitions=tuple(Spot(topic, partition) for topic, partition in assigned(told.member_assignment)),
    )


def _standing(spot: Spot, committed: int | None, extent: Extent | None) -> Standing:
    """A topic that is gone, or has fewer partitions now, has no ends."""
    start = None if extent is None else extent.starts.get(spot.partition)
    end = None if extent is None else extent.ends.get(spot.partition)
    return Standing(spot=spot, committed=committed, start=start, end=end)


def _no_group(group: str) -> RequestError:
    return RequestError(f"there is no group named {group!r}")


def _raise_for(error_code: int, what: str) -> None:
    if error_code:
        kind = _NotYet if error_code in _SOON else BrokerError
        raise kind(f"{what}: {ErrorCode(error_code).name}")
