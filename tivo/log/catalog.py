"""Which topics there are: name, stable id, partitions, settings. A change is on stable storage when its call returns.

Layout of a data directory:

    .lock              held by the process that owns the directory, with its pid inside
    .clean             there only after a clean stop
    catalog            the journal: one checked JSON line per change
    <topic>-<n>/       one directory per partition (see `partition.py`)
    <topic id>-<n>.deleted/   a partition on its way out
"""

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias
from uuid import UUID, uuid4

import msgspec

from tivo.log.disk import Disk, File, OsDisk, is_full, read_file, remove_tree, replace_file, sync_file, write_whole
from tivo.log.lines import decode_line, encode_line
from tivo.model.errors import LogError, RequestError, UnknownTopic

JOURNAL = "catalog"
CLEAN = ".clean"
LOCK = ".lock"
FORMAT = 1

REWRITE_ABOVE = 1_000
"""A journal with more lines than this, and twice the lines that its topics need, is written anew at open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic as the catalog knows it. A topic made anew under an old name has another id."""

    name: str
    id: UUID
    partitions: int
    settings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


class _Began(msgspec.Struct, tag="began", frozen=True):
    format: int


class _Set(msgspec.Struct, tag="set", frozen=True):
    """A topic is made, or altered: what it is from here on."""

    id: UUID
    name: str
    partitions: int
    settings: dict[str, str]


class _Deleted(msgspec.Struct, tag="deleted", frozen=True):
    """A topic is gone; its directories may not be yet."""

    id: UUID


class _Removed(msgspec.Struct, tag="removed", frozen=True):
    """The directories of a deleted topic are gone too."""

    id: UUID


_Entry: TypeAlias = _Began | _Set | _Deleted | _Removed
_decoder: msgspec.json.Decoder[_Entry] = msgspec.json.Decoder(_Entry)


class DataDirLock:
    """The right to use a data directory, held until `release` or the end of the process."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def release(self) -> None:
        os.close(self._fd)


def lock(data_dir: Path) -> DataDirLock:
    """Take the data directory for this process. Raises LogError naming the pid that holds it."""
    data_dir.mkdir(parents=True, exist_ok=True)
    fd = os.open(data_dir / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(fd)
        raise LogError(f"data directory {data_dir} is in use by process {holder}") from error
    os.ftruncate(fd, 0)
    os.pwrite(fd, b"%d\n" % os.getpid(), 0)
    return DataDirLock(fd)


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
        self._refusal: str | None = None
        self._journal: File
        self._journal_size = 0
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
        catalog._take_clean_mark()
        return catalog

    @classmethod
    def look(cls, data_dir: Path, disk: Disk) -> list[Topic]:
        """The topics of a directory that is left as it is. Raises LogError where its journal is damaged."""
        path = data_dir / JOURNAL
        catalog = cls(data_dir, disk=disk, new_id=uuid4, rewrite_above=REWRITE_ABOVE)
        for entry, _ in _entries(read_file(disk, path) or b"", path):
            catalog._apply(entry, path)
        return catalog.topics()

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
        self._check_takes_changes()
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
            self._write(_Deleted(topic.id))
        except LogError:
            if self._refusal is not None:
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
        if clean and self._refusal is None:
            replace_file(self._disk, self._data_dir / CLEAN, b"")
            self._disk.fsync_dir(self._data_dir)

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
        self._write(_Set(topic.id, topic.name, topic.partitions, dict(topic.settings)))
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
        self._write(_Removed(topic.id))
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

    def _write(self, entry: _Entry) -> None:
        """Append and sync one line. After a failure that leaves open what the disk holds no more changes are taken."""
        self._check_takes_changes()
        line = encode_line(msgspec.json.encode(entry))
        try:
            write_whole(self._journal, line, self._journal_size)
            sync_file(self._journal)
        except OSError as error:
            raise self._refused(error) from error
        self._journal_size += len(line)

    def _check_takes_changes(self) -> None:
        if self._refusal is not None:
            raise LogError(self._refusal)

    def _refused(self, error: OSError) -> LogError:
        """A disk that is full is tried again at the next change, once what it did take is cut off."""
        if is_full(error):
            with suppress(OSError):
                self._journal.truncate(self._journal_size)
                return LogError(f"the catalog in {self._data_dir} takes no changes for now: {error}")
        self._refusal = f"the catalog in {self._data_dir} takes no changes since: {error}"
        return LogError(self._refusal)

    def _load(self) -> None:
        if not self._disk.exists(self._data_dir):
            self._disk.mkdir(self._data_dir)
        path = self._data_dir / JOURNAL
        content = read_file(self._disk, path) or b""
        lines = 0
        for entry, line in _entries(content, path):
            self._apply(entry, path)
            self._journal_size += len(line)
            lines += 1
        needed = 1 + len(self._topics) + len(self._leaving) * 2
        if lines == 0 or lines > max(self._rewrite_above, 2 * needed):
            self._rewrite(path)
        self._journal = self._disk.open(path)
        if self._journal.size() != self._journal_size:
            self._journal.truncate(self._journal_size)
            self._journal.fdatasync()

    def _apply(self, entry: _Entry, path: Path) -> None:
        match entry:
            case _Began(format=written):
                if written > FORMAT:
                    raise LogError(f"{path} has format {written}, this version of tivo reads up to {FORMAT}")
            case _Set(id=topic_id, name=name, partitions=partitions, settings=settings):
                self._put(Topic(name=name, id=topic_id, partitions=partitions, settings=settings))
            case _Deleted(id=topic_id) if topic_id in self._by_id:
                topic = self._leaving[topic_id] = self._by_id[topic_id]
                self._drop(topic)
            case _Removed(id=topic_id) if topic_id in self._leaving:
                del self._leaving[topic_id]
            case _:
                raise LogError(
                    f"{path} tells of topic {entry.id}, which it has not made; restore the file from a backup"
                )

    def _rewrite(self, path: Path) -> None:
        entries: list[_Entry] = [_Began(FORMAT)]
        for topic in (*self._leaving.values(), *self._topics.values()):
            entries.append(_Set(topic.id, topic.name, topic.partitions, dict(topic.settings)))
            if topic.id in self._leaving:
                entries.append(_Deleted(topic.id))
        content = b"".join(encode_line(msgspec.json.encode(entry)) for entry in entries)
        replace_file(self._disk, path, content)
        self._disk.fsync_dir(self._data_dir)
        self._journal_size = len(content)

    def _take_clean_mark(self) -> None:
        mark = self._data_dir / CLEAN
        self.was_clean = self._disk.exists(mark)
        if self.was_clean:
            self._disk.unlink(mark)
            self._disk.fsync_dir(self._data_dir)


def _unremoved(topic: Topic, error: OSError) -> LogError:
    return LogError(f"topic {topic.name!r} is deleted, its directories are not removed yet: {error}")


def _entries(content: bytes, path: Path) -> Iterator[tuple[_Entry, bytes]]:
    """The entries of a journal up to a torn tail. Raises LogError where a damaged line has a good one behind it."""
    lines = content.splitlines(keepends=True)
    payloads = [decode_line(line) for line in lines]
    if lines and payloads[0] is None:
        raise LogError(f"{path} does not begin as a catalog; restore the file from a backup")
    for number, payload in enumerate(payloads, start=1):
        if payload is None:
            if any(later is not None for later in payloads[number:]):
                raise LogError(f"{path}: line {number} of {len(lines)} is damaged; restore the file from a backup")
            return
        yield _decoded(payload, number, path), lines[number - 1]


def _decoded(payload: bytes, number: int, path: Path) -> _Entry:
    """The entry of a line that is whole. Raises LogError for one that was written by somebody else."""
    try:
        return _decoder.decode(payload)
    except msgspec.DecodeError as error:
        raise LogError(
            f"{path}: line {number} is whole and not known to this version of tivo, perhaps to a newer: {error}"
        ) from error
