"""OffsetFetch (9), versions 1-9: how far groups have come.

Odd: a partition without a committed offset gets -1 and no error, whether it exists or not. An
empty group id gets INVALID_GROUP_ID (24).

- 2: null topics mean all that the group has committed. 5: leader epochs. 8: several groups at once.
- 7: "require stable" changes nothing, as long as there are no transactions. 9: member id and
  epoch are those of another kind of groups (KIP-848) and ignored.
"""

from collections.abc import Iterable

from tivo.broker.broker import Broker, Caller
from tivo.broker.offsets import Committed
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

Wanted = Iterable[tuple[str, list[int]]]


def handle(broker: Broker, request: OffsetFetchRequest, caller: Caller) -> OffsetFetchResponse:
    if caller.version >= SEVERAL_GROUPS:
        return OffsetFetchResponse(groups=[_group(broker, group) for group in request.groups])
    if not request.group_id:
        return OffsetFetchResponse(error_code=ErrorCode.INVALID_GROUP_ID)
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
                    )
                    for partition, committed in partitions
                ],
            )
            for topic, partitions in _found(broker, request.group_id, wanted)
        ]
    )


def _group(broker: Broker, group: OffsetFetchRequestGroup) -> OffsetFetchResponseGroup:
    if not group.group_id:
        return OffsetFetchResponseGroup(error_code=ErrorCode.INVALID_GROUP_ID)
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
                    )
                    for partition, committed in partitions
                ],
            )
            for topic, partitions in _found(broker, group.group_id, wanted)
        ],
    )


def _found(broker: Broker, group_id: str, wanted: Wanted | None) -> list[tuple[str, list[tuple[int, Committed]]]]:
    """Per topic the partitions asked for, or all that the group has committed."""
    offsets = broker.coordinator.offsets
    if wanted is not None:
        return [
            (topic, [(partition, offsets.of(group_id, topic, partition) or NOTHING) for partition in partitions])
            for topic, partitions in wanted
        ]
    by_topic: dict[str, list[tuple[int, Committed]]] = {}
    for (topic, partition), committed in offsets.of_group(group_id).items():
        by_topic.setdefault(topic, []).append((partition, committed))
    return list(by_topic.items())
