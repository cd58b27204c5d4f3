"""Where this worker stands in each of its partitions: from the store's frontier to the last page handed out.

A partition that is assigned is first *unplaced*. It is placed by asking the cluster for the topic
id and the two ends of the log, and the store for the frontier of that id; `decide` says where to
begin. One that cannot be placed for now is put off, and holds up no other. Whatever goes wrong with
a placed one later (a page lost on the way, an agent that failed, a topic made anew) ends in the same
way: it is unplaced again, pages under way turn stale by their epoch, and the fetch loop places it
anew before its next fetch. Only that loop seeks, so no fetch in flight can bring records of an old
position under a new one.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from faust.types import TP

from streams.models import FetchedPage, FetchedRecord, LostRecords
from tivo.model.timeline import Now
from tivo.store.base import Owned

UNOWNED = Owned(0, -1)
"""Nobody has written yet, and nobody counts leader epochs."""

STALLED_US = 5_000_000
"""Pages handed out and not stored for so long, with nobody at work on them, were lost on the way."""


class Begin(NamedTuple):
    """Fetch from `position`; the store stands at `base`, which lies lower where the log has lost records."""

    position: int
    base: int


class Most(NamedTuple):
    """How many events and bytes a page may have."""

    events: int
    bytes: int


class Stop(NamedTuple):
    """Fetch nothing: the log is not the one that the store knows."""

    reason: str


class Cut(NamedTuple):
    """The log has lost its end since, and says so: what the store holds at or beyond an offset is to go."""

    at: int


def decide(
    *, frontier: int | None, log_start: int, log_end: int, epoch_end: int | None = None, stopped: str | None = None
) -> Begin | Stop | Cut:
    """Where to begin in a partition, or why not to. None is an unset frontier; `stopped` why it was stopped before.

    `epoch_end`: a new leader epoch has begun since the store wrote last, and the old one ended there. That is the word
    of a log that has lost its end. One that is shorter without it may be another log altogether.
    """
    if stopped is not None:
        return Stop(stopped)
    if frontier is None:
        return Begin(log_start, log_start)
    if epoch_end is not None and epoch_end < frontier:
        return Cut(epoch_end)
    if frontier > log_end:
        return Stop(f"the log ends at offset {log_end}, the store holds everything below {frontier} of the same topic")
    return Begin(max(frontier, log_start), frontier)


def parts(records: Sequence[FetchedRecord], most: Most) -> Iterator[Sequence[FetchedRecord]]:
    """Records in turn, cut into parts of at most so many and so large; a larger one stands alone."""
    for first in range(0, len(records), most.events):
        part = records[first : first + most.events]
        if sum(map(_size, part)) <= most.bytes:
            yield part
        else:
            yield from _parts_by_size(part, most.bytes)


def _parts_by_size(records: Sequence[FetchedRecord], most_bytes: int) -> Iterator[Sequence[FetchedRecord]]:
    first = size = 0
    for index, record in enumerate(records):
        more = _size(record)
        if index > first and size + more > most_bytes:
            yield records[first:index]
            first, size = index, 0
        size += more
    yield records[first:]


def _size(record: FetchedRecord) -> int:
    size = record.serialized_key_size + record.serialized_value_size
    return size if not record.headers else size + sum(len(name) + len(value or b"") for name, value in record.headers)


@dataclass(slots=True, kw_only=True)
class Place:
    """One partition: `next` is where the next page begins, `frontier` what the store is known to hold."""

    topic_id: bytes
    epoch: int
    next: int
    frontier: int
    moved_us: int
    owned: Owned
    committed: int = -1


def _page(partition: TP, place: Place, records: Sequence[FetchedRecord], behind: int, now: Now) -> FetchedPage:
    """The next page of a place, which moves behind it."""
    if place.frontier == place.next:
        place.moved_us = now.steady_us  # nothing was under way, so nothing has been waiting
    page = FetchedPage(
        topic=partition.topic,
        topic_id=place.topic_id,
        partition=partition.partition,
        base=place.next,
        next=behind,
        epoch=place.epoch,
        records=records,
        received_us=now.wall_us,
        owner_epoch=place.owned.owner_epoch,
        leader_epoch=place.owned.leader_epoch,
    )
    place.next = behind
    return page


class Places:
    """The partitions of this worker. Belongs to the event loop; no method waits."""

    def __init__(self) -> None:
        self.unplaced: set[TP] = set()
        self.stopped: dict[TP, str] = {}
        self.assignments = 0
        self._put_off: dict[TP, tuple[str, int]] = {}
        self._placed: dict[TP, Place] = {}
        self._stops: dict[tuple[TP, bytes], str] = {}
        self._ids: dict[str, bytes] = {}
        self._retired: set[bytes] = set()
        self._epoch = 0

    # ------------------------------------------------------------ which partitions, and are they placed

    def assign(self, partitions: Iterable[TP]) -> None:
        """These are the partitions now, all of them unplaced; of any other nothing is known any more."""
        self.assignments += 1
        self.unplaced = set(partitions)
        self._placed.clear()
        self._put_off.clear()
        self.stopped.clear()

    def rewind(self, partition: TP) -> None:
        """Place a partition anew before the next fetch; its pages under way are stale."""
        if self._placed.pop(partition, None) is not None:
            self.unplaced.add(partition)

    def rewind_all(self) -> None:
        """Place every partition anew that is not stopped."""
        self.unplaced.update(self._placed)
        self._placed.clear()

    def put_off(self, partition: TP, reason: str, *, until_us: int) -> None:
        """A partition cannot be placed for now; it is tried again from then on."""
        if partition in self.unplaced:
            self._put_off[partition] = reason, until_us

    @property
    def waiting(self) -> dict[TP, str]:
        """Why the partitions that were put off are not placed."""
        return {partition: reason for partition, (reason, _) in self._put_off.items()}

    def due(self, *, now_us: int) -> set[TP]:
        """The unplaced partitions that may be tried now."""
        return {tp for tp in self.unplaced if tp not in self._put_off or self._put_off[tp][1] <= now_us}

    def is_retired(self, topic_id: bytes) -> bool:
        """Whether another topic has taken the place of this one. A broker may still tell of it for a moment."""
        return topic_id in self._retired

    def put(self, partition: TP, topic_id: bytes, offset: int, *, now_us: int, owned: Owned = UNOWNED) -> None:
        """A partition is placed: the store holds all below an offset, from which on it will be fetched.

        `owned`: the store's owner epoch now, and the log's leader epoch.
        """
        self._know(partition.topic, topic_id)
        self._epoch += 1
        self._is_settled(partition)
        self._placed[partition] = Place(
            topic_id=topic_id, epoch=self._epoch, next=offset, frontier=offset, moved_us=now_us, owned=owned
        )

    def stop(self, partition: TP, topic_id: bytes, reason: str) -> None:
        """Fetch a partition no more until its topic has another id, however often it is assigned."""
        self._know(partition.topic, topic_id)
        self._placed.pop(partition, None)
        self._is_settled(partition)
        self.stopped[partition] = reason
        self._stops[partition, topic_id] = reason

    def _is_settled(self, partition: TP) -> None:
        self.unplaced.discard(partition)
        self._put_off.pop(partition, None)

    def stop_reason(self, partition: TP, topic_id: bytes) -> str | None:
        """Why a partition of this topic id was stopped earlier; the log may have grown past the frontier since."""
        return self._stops.get((partition, topic_id))

    def topics_seen(self, topic_ids: Mapping[str, bytes]) -> None:
        """These are the topic ids as of now: what stands in a topic of another id is placed anew."""
        for partition, place in list(self._placed.items()):
            if self._is_news(topic_ids.get(partition.topic), place.topic_id):
                self.rewind(partition)
        for partition in list(self.stopped):
            if self._is_news(topic_ids.get(partition.topic), self._ids[partition.topic]):
                del self.stopped[partition]
                self.unplaced.add(partition)

    def epochs_seen(self, topic: str, epochs: Mapping[int, int]) -> None:
        """These are the leader epochs of a topic as of now: what was placed in another one is placed anew."""
        for partition, place in list(self._placed.items()):
            known = place.owned.leader_epoch
            if partition.topic == topic and epochs.get(partition.partition, known) != known:
                self.rewind(partition)

    def _is_news(self, seen: bytes | None, known: bytes) -> bool:
        return seen is not None and seen != known and seen not in self._retired

    def _know(self, topic: str, topic_id: bytes) -> None:
        known = self._ids.setdefault(topic, topic_id)
        if known != topic_id:
            self._retired.add(known)
            self._ids[topic] = topic_id

    # ------------------------------------------------------------ pages out

    def wanted(self, partitions: Collection[TP]) -> set[TP]:
        """Those of some partitions that are placed."""
        return {partition for partition in partitions if partition in self._placed}

    def id_of(self, partition: TP) -> bytes | None:
        """The topic id in which a partition is placed; None where it is not placed."""
        place = self._placed.get(partition)
        return None if place is None else place.topic_id

    def expected(self, partition: TP) -> int | None:
        """The offset of a partition's next record if there is no hole before it; None where it is not placed."""
        place = self._placed.get(partition)
        return None if place is None else place.next

    def cut(
        self, partition: TP, records: Sequence[FetchedRecord], *, most: Most, now: Now, upto: int = 0
    ) -> list[FetchedPage]:
        """Records of one fetch, and the holes behind them up to an offset, as pages; the place is moved behind them.

        None for a partition that is not placed. Records below the place mean that the log has gone
        back: the partition is unplaced and nothing handed out.
        """
        place = self._placed.get(partition)
        if place is None:
            return []
        if records and records[0].offset < place.next:
            self.rewind(partition)
            return []
        pages = [_page(partition, place, part, part[-1].offset + 1, now) for part in parts(records, most)]
        if place.next < upto:
            pages.append(_page(partition, place, (), upto, now))
        return pages

    def lose(self, partition: TP, lost: LostRecords, *, now: Now) -> list[FetchedPage]:
        """The page, in its turn, of offsets that will never be held; none where the partition stands behind them."""
        place = self._placed.get(partition)
        if place is None or lost.next <= place.next:
            return []
        page = _page(partition, place, lost.records, lost.next, now)
        return [replace(page, loss=lost.loss, why=lost.why)]

    # ------------------------------------------------------------ frontier in

    def is_current(self, page: FetchedPage) -> bool:
        """Whether a page still follows from where its partition stands."""
        place = self._placed.get(page.tp)
        return place is not None and place.epoch == page.epoch

    def stored(self, page: FetchedPage, *, now_us: int) -> None:
        """The store holds everything below `page.next`."""
        place = self._placed.get(page.tp)
        if place is not None and place.epoch == page.epoch:
            place.frontier = page.next
            place.moved_us = now_us

    def is_behind(self) -> bool:
        """Whether pages are under way, handed out and not stored yet."""
        return any(place.frontier < place.next for place in self._placed.values())

    def stalled(self, *, now_us: int) -> list[TP]:
        """Partitions whose pages are under way and have not moved for STALLED_US."""
        return [
            partition
            for partition, place in self._placed.items()
            if place.frontier < place.next and now_us - place.moved_us > STALLED_US
        ]

    def to_commit(self) -> dict[TP, int]:
        """The frontiers that Kafka has not been told yet."""
        return {tp: place.frontier for tp, place in self._placed.items() if place.frontier != place.committed}

    def committed(self, offsets: Mapping[TP, int]) -> None:
        """Kafka has been told."""
        for partition, offset in offsets.items():
            place = self._placed.get(partition)
            if place is not None:
                place.committed = offset

    def frontiers(self) -> dict[TP, int]:
        """The frontier of every partition that is placed."""
        return {partition: place.frontier for partition, place in self._placed.items()}
