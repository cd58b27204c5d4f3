"""Committed offsets: up to where each consumer group has come."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Committed(NamedTuple):
    """A committed offset. Leader epoch (-1: not told) and metadata are given back as they came."""

    offset: int
    leader_epoch: int
    metadata: str
    committed_ms: int


class OffsetRecord(NamedTuple):
    """A committed offset as the log keeps it; `committed` is None where it was removed."""

    group_id: str
    topic: str
    partition: int
    committed: Committed | None


class Offsets:
    """All committed offsets. They change only by applying records."""

    def __init__(self) -> None:
        self._by_group: dict[str, dict[tuple[str, int], Committed]] = {}

    def apply(self, record: OffsetRecord) -> None:
        place = record.topic, record.partition
        if record.committed is not None:
            self._by_group.setdefault(record.group_id, {})[place] = record.committed
            return
        offsets = self._by_group.get(record.group_id, {})
        offsets.pop(place, None)
        if not offsets:
            self._by_group.pop(record.group_id, None)

    def of(self, group_id: str, topic: str, partition: int) -> Committed | None:
        return self._by_group.get(group_id, {}).get((topic, partition))

    def of_group(self, group_id: str) -> dict[tuple[str, int], Committed]:
        """All offsets of a group by (topic, partition)."""
        return dict(self._by_group.get(group_id, {}))

    def groups(self) -> Iterable[str]:
        return self._by_group.keys()

    def removals(self, group_id: str) -> list[OffsetRecord]:
        """Records that remove all that a group has committed."""
        return [OffsetRecord(group_id, topic, partition, None) for topic, partition in self.of_group(group_id)]

    def removals_of_topic(self, topic: str) -> list[OffsetRecord]:
        """Records that remove what any group has committed for a topic: it would mislead readers of its successor."""
        return [record._replace(committed=None) for record in self if record.topic == topic]

    def __iter__(self) -> Iterator[OffsetRecord]:
        """All of them as records."""
        for group_id, offsets in self._by_group.items():
            for (topic, partition), committed in offsets.items():
                yield OffsetRecord(group_id, topic, partition, committed)

    def __len__(self) -> int:
        return sum(map(len, self._by_group.values()))
