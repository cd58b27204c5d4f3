"""Committed offsets: up to where each consumer group has come. Those of open transactions wait for their end."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from tivo.broker.transactions import Producer
from tivo.wire.control import Marker
from tivo.wire.schema import NO_UUID


class Committed(NamedTuple):
    """A committed offset. Leader epoch (-1: not told) and metadata are given back as they came.

    `topic_id` is that of the topic it was committed for, NO_UUID where nobody knows.
    """

    offset: int
    leader_epoch: int
    metadata: str
    committed_ms: int
    topic_id: bytes = NO_UUID

    def is_of(self, topic_id: bytes) -> bool:
        """Whether it was committed for this topic, not for one of the same name that is gone."""
        return self.topic_id in (NO_UUID, topic_id)


class OffsetRecord(NamedTuple):
    """A committed offset as the log keeps it; `committed` is None where it was removed."""

    group_id: str
    topic: str
    partition: int
    committed: Committed | None


class Pending(NamedTuple):
    """An offset that counts once its producer's transaction is committed."""

    producer: Producer
    record: OffsetRecord


class Ended(NamedTuple):
    """A producer's transaction is over, committed or aborted."""

    producer_id: int
    marker: Marker


class Offsets:
    """All committed offsets. They change only by applying records."""

    def __init__(self) -> None:
        self._by_group: dict[str, dict[tuple[str, int], Committed]] = {}
        self._pending: dict[int, dict[tuple[str, str, int], Pending]] = {}  # by producer id, then by place

    def apply(self, record: OffsetRecord | Pending | Ended) -> None:
        match record:
            case Pending():
                self._pending.setdefault(record.producer.id, {})[record.record[:3]] = record
            case Ended():
                for pending in self._pending.pop(record.producer_id, {}).values():
                    if record.marker is Marker.COMMIT:
                        self._set(pending.record)
            case _:
                self._set(record)

    def _set(self, record: OffsetRecord) -> None:
        place = record.topic, record.partition
        if record.committed is not None:
            self._by_group.setdefault(record.group_id, {})[place] = record.committed
            return
        for waiting in self._pending.values():  # what is removed does not come back with a transaction
            waiting.pop(record[:3], None)
        offsets = self._by_group.get(record.group_id, {})
        offsets.pop(place, None)
        if not offsets:
            self._by_group.pop(record.group_id, None)

    def drop_gone(self, topic_id_of: Callable[[str], bytes | None]) -> None:
        """Drop what was committed for topics that are gone: `topic_id_of` tells of each name who has it now."""

        def stands(topic: str, committed: Committed | None) -> bool:
            topic_id = topic_id_of(topic)
            return topic_id is not None and (committed is None or committed.is_of(topic_id))

        for group_id, offsets in list(self._by_group.items()):
            for place in [place for place, committed in offsets.items() if not stands(place[0], committed)]:
                del offsets[place]
            if not offsets:
                del self._by_group[group_id]
        for waiting in self._pending.values():
            for key in [key for key, each in waiting.items() if not stands(key[1], each.record.committed)]:
                del waiting[key]

    def of(self, group_id: str, topic: str, partition: int) -> Committed | None:
        return self._by_group.get(group_id, {}).get((topic, partition))

    def is_pending(self, group_id: str, topic: str, partition: int) -> bool:
        """Whether a transaction that is open may change this offset."""
        return any((group_id, topic, partition) in waiting for waiting in self._pending.values())

    def pending_of_group(self, group_id: str) -> set[tuple[str, int]]:
        """The places whose offsets open transactions may change."""
        return {place[1:] for waiting in self._pending.values() for place in waiting if place[0] == group_id}

    def pending(self) -> list[tuple[Producer, list[OffsetRecord]]]:
        """What waits for the end of its transaction, by producer."""
        found = [list(waiting.values()) for waiting in self._pending.values() if waiting]
        return [(waiting[0].producer, [each.record for each in waiting]) for waiting in found]

    def of_group(self, group_id: str) -> dict[tuple[str, int], Committed]:
        """All offsets of a group by (topic, partition)."""
        return dict(self._by_group.get(group_id, {}))

    def groups(self) -> Iterable[str]:
        return self._by_group.keys()

    def users(self) -> set[str]:
        """The groups that have committed something, or are about to in a transaction."""
        return {*self._by_group, *(place[0] for waiting in self._pending.values() for place in waiting)}

    def removals(self, group_id: str) -> list[OffsetRecord]:
        """Records that remove all that a group has committed, or is about to in a transaction."""
        places = dict.fromkeys([*self.of_group(group_id), *sorted(self.pending_of_group(group_id))])
        return [OffsetRecord(group_id, topic, partition, None) for topic, partition in places]

    def removals_of_topic(self, topic: str) -> list[OffsetRecord]:
        """Records that remove what any group has committed for a topic: it would mislead readers of its successor."""
        waiting = [each.record for waiting in self._pending.values() for each in waiting.values()]
        found = [record._replace(committed=None) for record in (*self, *waiting) if record.topic == topic]
        return list(dict.fromkeys(found))

    def __iter__(self) -> Iterator[OffsetRecord]:
        """All of them as records."""
        for group_id, offsets in self._by_group.items():
            for (topic, partition), committed in offsets.items():
                yield OffsetRecord(group_id, topic, partition, committed)

    def __len__(self) -> int:
        return sum(map(len, self._by_group.values()))
