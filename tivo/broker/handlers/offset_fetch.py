"""OffsetFetch (9), versions 1-9: how far groups have come.

Odd: GROUP_AUTHORIZATION_FAILED (30) without DESCRIBE of the group, TOPIC_AUTHORIZATION_FAILED (29)
for a topic without DESCRIBE, which is left out of "all"; a partition without a committed offset
gets -1 and no error, whether it exists or not, and so does one whose offset was committed for a topic
of the same name that is gone. An empty group id gets INVALID_GROUP_ID (24).

- A group or a partition that is named twice is told once.
- 2: null topics mean all that the group has committed. 5: leader epochs. 8: several groups at once.
- 7: where stable offsets are required, a place whose offset an open transaction may change gets
  UNSTABLE_OFFSET_COMMIT (88) and no offset; clients ask again.
- 9: member id and epoch are those of another kind of groups (KIP-848) and ignored.
"""

from collections.abc import Collection
from typing import NamedTuple

from tivo.auth import acl
from tivo.auth.acl import Operation
from tivo.broker.broker import Broker, Caller
from tivo.broker.offsets import Committed
from tivo.broker.repeats import drop_repeats, first_of_each
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchResponse,
    OffsetFetchResponseGroup,
    OffsetFetchResponsePartition,
    OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
)

SEVERAL_GROUPS = 8
NOTHING = Committed(-1, -1, "", -1)


class Found(NamedTuple):
    """How far a group has come in a partition, or why that is not told."""

    partition: int
    committed: Committed
    error: ErrorCode


Wanted = Collection[tuple[str, list[int]]]


def handle(broker: Broker, request: OffsetFetchRequest, caller: Caller) -> OffsetFetchResponse:
    if caller.version >= SEVERAL_GROUPS:
        return OffsetFetchResponse(
            groups=[
                _group(broker, caller, group, request.require_stable)
                for group in first_of_each(request.groups, lambda group: group.group_id)
            ]
        )
    error = _refusal(broker, caller, request.group_id)
    if error:
        return _refused(request, error)
    wanted = None if request.topics is None else [(topic.name, topic.partition_indexes) for topic in request.topics]
    return OffsetFetchResponse(
        topics=[
            OffsetFetchResponseTopic(
                name=topic,
                partitions=[
                    OffsetFetchResponsePartition(
                        partition_index=partition,
                        committed_offset=committed.offset,
                        committed_leader_epoch=committed.leader_epoch,
                        metadata=committed.metadata,
                        error_code=error,
                    )
                    for partition, committed, error in partitions
                ],
            )
            for topic, partitions in _found(broker, caller, request.group_id, wanted, request.require_stable)
        ]
    )


def _refusal(broker: Broker, caller: Caller, group_id: str) -> ErrorCode:
    error = broker.authorizer.error(caller, Operation.DESCRIBE, acl.group(group_id))
    return error or (ErrorCode.NONE if group_id else ErrorCode.INVALID_GROUP_ID)


def _refused(request: OffsetFetchRequest, error: ErrorCode) -> OffsetFetchResponse:
    """Version 1 has an error for each partition only."""
    topics = [
        OffsetFetchResponseTopic(
            name=topic.name,
            partitions=[
                OffsetFetchResponsePartition(partition_index=partition, committed_offset=-1, error_code=error)
                for partition in topic.partition_indexes
            ],
        )
        for topic in request.topics or []
    ]
    return OffsetFetchResponse(error_code=error, topics=topics)


def _group(
    broker: Broker, caller: Caller, group: OffsetFetchRequestGroup, require_stable: bool
) -> OffsetFetchResponseGroup:
    error = _refusal(broker, caller, group.group_id)
    if error:
        return OffsetFetchResponseGroup(group_id=group.group_id, error_code=error)
    wanted = None if group.topics is None else [(topic.name, topic.partition_indexes) for topic in group.topics]
    return OffsetFetchResponseGroup(
        group_id=group.group_id,
        topics=[
            OffsetFetchResponseTopics(
                name=topic,
                partitions=[
                    OffsetFetchResponsePartitions(
                        partition_index=partition,
                        committed_offset=committed.offset,
                        committed_leader_epoch=committed.leader_epoch,
                        metadata=committed.metadata,
                        error_code=error,
                    )
                    for partition, committed, error in partitions
                ],
            )
            for topic, partitions in _found(broker, caller, group.group_id, wanted, require_stable)
        ],
    )


def _found(
    broker: Broker, caller: Caller, group_id: str, wanted: Wanted | None, require_stable: bool
) -> list[tuple[str, list[Found]]]:
    """Per topic the partitions asked for, or all that the group has committed and the caller may see."""
    if wanted is None:
        wanted = _all(broker, caller, group_id, require_stable)
    else:
        drop_repeats(wanted, int)
    answers = []
    for topic, partitions in wanted:
        error = broker.authorizer.error(caller, Operation.DESCRIBE, acl.topic(topic))
        told = [_find(broker, group_id, topic, each, require_stable) for each in partitions]
        answers.append((topic, [Found(each.partition, NOTHING, error) for each in told] if error else told))
    return answers


def _find(broker: Broker, group_id: str, topic: str, partition: int, require_stable: bool) -> Found:
    offsets = broker.coordinator.offsets
    if require_stable and offsets.is_pending(group_id, topic, partition):
        return Found(partition, NOTHING, ErrorCode.UNSTABLE_OFFSET_COMMIT)
    committed = offsets.of(group_id, topic, partition)
    if committed is None or not _stands(broker, topic, committed):
        return Found(partition, NOTHING, ErrorCode.NONE)
    return Found(partition, committed, ErrorCode.NONE)


def _stands(broker: Broker, topic: str, committed: Committed) -> bool:
    """Whether it is no offset of a topic that had this name before."""
    topic_id = broker.topics.id_of(topic)
    return topic_id is None or committed.is_of(topic_id)


def _all(broker: Broker, caller: Caller, group_id: str, require_stable: bool) -> Wanted:
    """The places that a group has committed, or is about to, in topics that the caller may see."""
    offsets = broker.coordinator.offsets
    waiting = sorted(offsets.pending_of_group(group_id)) if require_stable else []
    by_topic: dict[str, list[int]] = {}
    committed = [place for place, each in offsets.of_group(group_id).items() if _stands(broker, place[0], each)]
    for topic, partition in dict.fromkeys([*committed, *waiting]):
        if broker.authorizer.sees(caller, Operation.DESCRIBE, acl.topic(topic)):
            by_topic.setdefault(topic, []).append(partition)
    return by_topic.items()
