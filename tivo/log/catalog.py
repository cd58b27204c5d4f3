"""Which topics there are: name, stable id, partitions, settings.

A change is on stable storage when its call returns.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from uuid import UUID, uuid4

from tivo.log.catalog_journal import CatalogJournal, Change, Deleted, Removed, Set
from tivo.log.data_dir import leave_clean_mark, take_clean_mark
from tivo.log.disk import Disk, OsDisk, remove_tree
from tivo.model.errors import LogError, RequestError, UnknownTopic

REWRITE_ABOVE = 1_000
"""A journal with more lines than this, and twice the lines that its topics need, is written anew at open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic as the catalog knows it. A topic made anew under an old name has another id."""

    name: str
    id: UUID
    partitions: int
    settings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


class Catalog:
    """The topics of a data directory. Used by one thread; every change is on stable storage when the call returns.

    `was_clean` says whether the directory was stopped cleanly before it was opened: partitions are
    opened with it.
    """

    def __init__(self, data_dir: Path, *, disk: Disk, new_id: Callable[[], UUID], rewrite_above: int) -> None:
        self._data_dir = data_dir
        self._disk = disk
        self._new_id = new_id
        self._rewrite_above = rewrite_above
        self._topics: dict[str, Topic] = {}
        self._by_id: dict[UUID, Topic] = {}
        self._leaving: dict[UUID, Topic] = {}
        self._journal = CatalogJournal(disk, data_dir)
        self.was_clean = False

    @classmethod
    def open(
        cls,
        data_dir: Path,
        *,
        disk: Disk | None = None,
        new_id: Callable[[], UUID] = uuid4,
        rewrite_above: int = REWRITE_ABOVE,
    ) -> "Catalog":
        """Read the journal, finish deletions that a crash cut short, and take away the mark of a clean stop.

        A torn last line is a change that was never confirmed: it is cut off. Raises LogError where a line
        before it is damaged, or where the journal is of a newer format, and nothing has been written then; or where
        the directories of a deleted topic cannot be removed.
        """
        catalog = cls(data_dir, disk=disk or OsDisk(), new_id=new_id, rewrite_above=rewrite_above)
        catalog._load()
        catalog.remove_deleted()
        catalog.was_clean = take_clean_mark(catalog._disk, data_dir)
        return catalog

    @classmethod
    def look(cls, data_dir: Path, disk: Disk) -> list[Topic]:
        """The topics of a directory that is left as it is. Raises LogError where its journal is damaged."""
        catalog = cls(data_dir, disk=disk, new_id=uuid4, rewrite_above=REWRITE_ABOVE)
        for change in catalog._journal.read():
            catalog._apply(change)
        return catalog.topics()

    @property
    def refusal(self) -> str | None:
        """Why no changes are taken until the next open, as the disk failed; None while they are."""
        return self._journal.refusal

    def topics(self) -> list[Topic]:
        return list(self._topics.values())

    def __contains__(self, name: str) -> bool:
        return name in self._topics

    def get(self, name: str) -> Topic:
        """Raises UnknownTopic."""
        try:
            return self._topics[name]
        except KeyError:
            raise UnknownTopic(name) from None

    def by_id(self, topic_id: UUID) -> Topic:
        """Raises UnknownTopic."""
        try:
            return self._by_id[topic_id]
        except KeyError:
            raise UnknownTopic(str(topic_id)) from None

    def directory(self, topic: Topic, partition: int) -> Path:
        """Where a partition lives."""
        return self._data_dir / f"{topic.name}-{partition}"

    def create(self, name: str, partitions: int, settings: Mapping[str, str] | None = None) -> Topic:
        """Make a topic with a new id.

        Raises RequestError where it exists, LogError where its directories do or the disk fails.
        """
        if name in self._topics:
            raise RequestError(f"topic {name!r} exists already")
        topic = Topic(name=name, id=self._new_id(), partitions=partitions, settings=settings or {})
        self._journal.check()
        for former in [one for one in self._leaving.values() if one.name == name]:
            self._move(former)
        self._check_unowned(topic, range(partitions))
        return self._set(topic)

    def grow(self, name: str, partitions: int) -> Topic:
        """Have this many partitions from now on. Raises UnknownTopic, or RequestError where that is not more."""
        topic = self.get(name)
        if partitions <= topic.partitions:
            raise RequestError(f"topic {name!r} has {topic.partitions} partitions, cannot be given {partitions}")
        self._check_unowned(topic, range(topic.partitions, partitions))
        return self._set(replace(topic, partitions=partitions))

    def alter(self, name: str, settings: Mapping[str, str]) -> Topic:
        """Have these settings, and no others, from now on. Raises UnknownTopic."""
        return self._set(replace(self.get(name), settings=settings))

    def delete(self, name: str) -> None:
        """Delete a topic, durably. Close its partitions (`Partition.delete`) then, and call `remove_deleted`.

        Raises UnknownTopic, or LogError where the disk fails: the topic is still there then. It is not where nobody
        knows what the disk holds, until the next open finds out: records that it took meanwhile might go with it.
        """
        topic = self.get(name)
        try:
            self._journal.write(Deleted(topic.id))
        except LogError:
            if self.refusal is not None:
                self._drop(topic)
            raise
        self._drop(topic)
        self._leaving[topic.id] = topic

    @property
    def has_deleted(self) -> bool:
        """Whether there are deleted topics whose directories are still to be removed."""
        return bool(self._leaving)

    def remove_deleted(self) -> None:
        """Remove the directories of deleted topics. What fails is done at the next call, or at the next open.

        Raises LogError where the disk fails, once all others are removed.
        """
        failed: LogError | None = None
        for topic in list(self._leaving.values()):
            try:
                self._remove(topic)
            except LogError as error:
                failed = error
        if failed is not None:
            raise failed

    def close(self, *, clean: bool) -> None:
        """Close the journal. `clean`: every partition was closed without error, so the next start need not scan."""
        self._journal.close()
        if clean and self.refusal is None:
            leave_clean_mark(self._disk, self._data_dir)

    # ------------------------------------------------------------------ changes

    def _check_unowned(self, topic: Topic, partitions: range) -> None:
        """A directory that no topic owns may hold records of a lost catalog: never taken over, never removed."""
        for directory in (self.directory(topic, partition) for partition in partitions):
            try:
                is_there = self._disk.exists(directory)
            except OSError as error:
                raise LogError(f"topic {topic.name!r} cannot be given {directory}: {error}") from error
            if is_there:
                raise LogError(f"{directory} exists, but no topic owns it; move it away to make topic {topic.name!r}")

    def _set(self, topic: Topic) -> Topic:
        self._journal.write(_change(topic))
        return self._put(topic)

    def _put(self, topic: Topic) -> Topic:
        kept = replace(topic, settings=MappingProxyType(dict(topic.settings)))
        self._topics[kept.name] = kept
        self._by_id[kept.id] = kept
        return kept

    def _drop(self, topic: Topic) -> None:
        del self._topics[topic.name], self._by_id[topic.id]

    def _remove(self, topic: Topic) -> None:
        moved = self._move(topic)
        try:
            for directory in moved:
                remove_tree(self._disk, directory)
            self._disk.fsync_dir(self._data_dir)
        except OSError as error:
            raise _unremoved(topic, error) from error
        self._journal.write(Removed(topic.id))
        del self._leaving[topic.id]

    def _move(self, topic: Topic) -> list[Path]:
        """Once renamed, a new topic may take the name while the old directories go."""
        try:
            moved = [self._move_away(topic, partition) for partition in range(topic.partitions)]
            self._disk.fsync_dir(self._data_dir)
        except OSError as error:
            raise _unremoved(topic, error) from error
        return moved

    def _move_away(self, topic: Topic, partition: int) -> Path:
        """A name that is taken again belongs to the new topic: the old directory was moved before it was."""
        directory = self.directory(topic, partition)
        moved = self._data_dir / f"{topic.id.hex}-{partition}.deleted"
        if topic.name not in self._topics and self._disk.exists(directory):
            self._disk.rename(directory, moved)
        return moved

    # ------------------------------------------------------------------ the journal

    def _load(self) -> None:
        if not self._disk.exists(self._data_dir):
            self._disk.mkdir(self._data_dir)
        for change in self._journal.read():
            self._apply(change)
        lines, needed = self._journal.lines, 1 + len(self._topics) + len(self._leaving) * 2
        if lines == 0 or lines > max(self._rewrite_above, 2 * needed):
            self._journal.rewrite(self._changes())
        self._journal.begin()

    def _apply(self, change: Change) -> None:
        match change:
            case Set(id=topic_id, name=name, partitions=partitions, settings=settings):
                self._put(Topic(name=name, id=topic_id, partitions=partitions, settings=settings))
            case Deleted(id=topic_id) if topic_id in self._by_id:
                topic = self._leaving[topic_id] = self._by_id[topic_id]
                self._drop(topic)
            case Removed(id=topic_id) if topic_id in self._leaving:
                del self._leaving[topic_id]
            case _:
                raise LogError(
                    f"{self._journal.path} tells of topic {change.id}, which it has not made;"
                    " restore the file from a backup"
                )

    def _changes(self) -> list[Change]:
        """The changes that lead to the present topics."""
        left = [change for topic in self._leaving.values() for change in (_change(topic), Deleted(topic.id))]
        return [*left, *(_change(topic) for topic in self._topics.values())]


def _change(topic: Topic) -> Set:
    return Set(topic.id, topic.name, topic.partitions, dict(topic.settings))


def _unremoved(topic: Topic, error: OSError) -> LogError:
    return LogError(f"topic {topic.name!r} is deleted, its directories are not removed yet: {error}")
