"""A disk in memory that remembers what was done to it, and what a loss of power may leave of that.

What counts as durable is what POSIX promises and no more: the content of a file up to its last fdatasync,
and the names in a directory as of its last fsync. Of what came later, anything may be there: nothing, all,
some of it, a write cut at a sector, sectors of zeros, sectors that kept their old content, a rename without
the write before it.
"""

import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from tivo.log.disk import Buffer

SECTOR = 512


class Write(NamedTuple):
    inode: int
    position: int
    content: bytes


class Truncate(NamedTuple):
    inode: int
    size: int


class Sync(NamedTuple):
    """The content of a file is durable from here on."""

    inode: int


class Name(NamedTuple):
    """In a directory a name stands for this inode now, or for nothing. `old` is the name it had before."""

    directory: int
    name: str
    inode: int | None
    old: str | None = None


class SyncNames(NamedTuple):
    """The names in a directory are durable from here on."""

    directory: int


class Note(NamedTuple):
    """Something that the test wants to know the time of, such as an acknowledgement."""

    what: object


Step: TypeAlias = Write | Truncate | Sync | Name | SyncNames | Note
Content: TypeAlias = bytearray
Names: TypeAlias = dict[str, int]

ROOT = 0


class MemoryFile:
    """A file of a `MemoryDisk`. Lives on without a name as long as somebody holds it."""

    def __init__(self, disk: "MemoryDisk", inode: int) -> None:
        self._disk = disk
        self._inode = inode
        self._content = disk.files[inode]

    def pread(self, size: int, position: int) -> bytes:
        return bytes(self._content[position : position + size])

    def pwrite(self, buffer: Buffer, position: int) -> int:
        self._disk.trace.append(Write(self._inode, position, bytes(buffer)))
        _write(self._content, position, buffer)
        return len(buffer)

    def fdatasync(self) -> None:
        self._disk.trace.append(Sync(self._inode))

    def truncate(self, size: int) -> None:
        self._disk.trace.append(Truncate(self._inode, size))
        _truncate(self._content, size)

    def size(self) -> int:
        return len(self._content)

    def modified_us(self) -> int:
        return 0

    def close(self) -> None:
        """Nothing is held."""


class WrappedFile(MemoryFile):
    """The same file, for a kind of disk that does something else with it."""

    def __init__(self, disk: "MemoryDisk", file: MemoryFile) -> None:
        self.__dict__.update(file.__dict__)


class MemoryDisk:
    """Names and files in memory, below `root`, and the trace of what was done to them."""

    def __init__(
        self, root: Path, files: dict[int, Content] | None = None, directories: dict[int, Names] | None = None
    ) -> None:
        self.files = files or {}
        self.directories = directories or {ROOT: {}}
        self.trace: list[Step] = []
        self._root = root

    def open(self, path: Path, *, create: bool = False) -> MemoryFile:
        directory = self._directory(path.parent)
        inode = self.directories[directory].get(path.name)
        if inode is None:
            if not create:
                raise FileNotFoundError(path)
            inode = self._new_inode()
            self.files[inode] = bytearray()
            self._name(Name(directory, path.name, inode))
        return MemoryFile(self, inode)

    def rename(self, source: Path, target: Path) -> None:
        directory = self._directory(source.parent)
        assert source.parent == target.parent, "the log renames within a directory only"
        self._name(Name(directory, target.name, self.directories[directory][source.name], old=source.name))

    def unlink(self, path: Path) -> None:
        directory = self._directory(path.parent)
        if path.name not in self.directories[directory]:
            raise FileNotFoundError(path)
        self._name(Name(directory, path.name, None))

    def mkdir(self, path: Path) -> None:
        inode = self._new_inode()
        self.directories[inode] = {}
        self._name(Name(self._directory(path.parent), path.name, inode))

    def rmdir(self, path: Path) -> None:
        assert not self.directories[self._directory(path)], f"{path} is not empty"
        self.unlink(path)

    def names(self, path: Path) -> list[str]:
        return sorted(self.directories[self._directory(path)])

    def exists(self, path: Path) -> bool:
        try:
            return path == self._root or path.name in self.directories[self._directory(path.parent)]
        except FileNotFoundError:
            return False

    def fsync_dir(self, path: Path) -> None:
        self.trace.append(SyncNames(self._directory(path)))

    def note(self, what: object) -> None:
        self.trace.append(Note(what))

    def _name(self, step: Name) -> None:
        self.trace.append(step)
        _rename(self.directories[step.directory], step)

    def _directory(self, path: Path) -> int:
        inode = ROOT
        for name in path.relative_to(self._root).parts:
            if name not in self.directories.get(inode, {}):
                raise FileNotFoundError(path)
            inode = self.directories[inode][name]
        return inode

    def _new_inode(self) -> int:
        return len(self.files) + len(self.directories)


def after_power_loss(trace: Sequence[Step], root: Path, dice: random.Random) -> MemoryDisk:
    """What a disk, empty at first, may hold when the power went right after these steps."""
    files, pending = _durable_files(trace)
    crashed = {inode: _crashed(content, pending.get(inode, []), dice) for inode, content in files.items()}
    return MemoryDisk(root, crashed, _crashed_names(trace, dice))


def after_kill(trace: Sequence[Step], root: Path) -> MemoryDisk:
    """What a disk, empty at first, holds when the process was killed right after these steps: all of them."""
    files, pending = _durable_files(trace)
    for inode, changes in pending.items():
        for change in changes:
            _apply(files.setdefault(inode, bytearray()), change)
    directories: dict[int, Names] = defaultdict(dict)
    for step in trace:
        if isinstance(step, Name):
            _rename(directories[step.directory], step)
    return MemoryDisk(root, files, directories)


def _durable_files(trace: Sequence[Step]) -> tuple[dict[int, Content], dict[int, list[Write | Truncate]]]:
    """Of every file: its content at its last sync, and what was done to it since."""
    durable: dict[int, Content] = {}
    pending: dict[int, list[Write | Truncate]] = {}
    for step in trace:
        if isinstance(step, Write | Truncate):
            pending.setdefault(step.inode, []).append(step)
        elif isinstance(step, Sync):
            content = durable.setdefault(step.inode, bytearray())
            for change in pending.pop(step.inode, []):
                _apply(content, change)
        elif isinstance(step, Name) and step.inode is not None:
            durable.setdefault(step.inode, bytearray())
    return durable, pending


def _crashed(durable: Content, pending: list[Write | Truncate], dice: random.Random) -> Content:
    """One of the contents that a file may have."""
    if not pending:
        return bytearray(durable)
    content = bytearray(durable)
    how = dice.choice(("nothing", "everything", "part", "cut", "zeros", "lost sectors"))
    if how == "nothing":
        return content
    if how in {"part", "cut"}:
        kept = dice.randrange(len(pending))
        for change in pending[:kept]:
            _apply(content, change)
        if how == "cut" and isinstance(torn := pending[kept], Write):
            size = dice.randrange(len(torn.content) // SECTOR + 1) * SECTOR
            _write(content, torn.position, torn.content[: size - torn.position % SECTOR if size else 0])
        return content
    for change in pending:
        _apply(content, change)
    if how in {"zeros", "lost sectors"}:
        _lose_sectors(content, durable, pending, dice, from_one_on=how == "zeros")
    return content


def _lose_sectors(
    content: Content, durable: Content, pending: list[Write | Truncate], dice: random.Random, *, from_one_on: bool
) -> None:
    """Some sectors that were written, or all from one on, hold what they held before, or zeros."""
    written = sorted(
        {
            sector
            for change in pending
            if isinstance(change, Write)
            for sector in range(change.position // SECTOR, (change.position + len(change.content)) // SECTOR + 1)
        }
    )
    lost = written[dice.randrange(len(written)) :] if from_one_on and written else []
    lost = lost or [sector for sector in written if dice.random() < 0.3]
    for sector in lost:
        start, end = sector * SECTOR, min((sector + 1) * SECTOR, len(content))
        content[start:end] = durable[start:end].ljust(max(end - start, 0), b"\0")


def _crashed_names(trace: Sequence[Step], dice: random.Random) -> dict[int, Names]:
    """One of the sets of names that may be there."""
    durable: dict[int, Names] = {ROOT: {}}
    pending: dict[int, list[Name]] = {}
    for step in trace:
        if isinstance(step, Name):
            pending.setdefault(step.directory, []).append(step)
        elif isinstance(step, SyncNames):
            for change in pending.pop(step.directory, []):
                _rename(durable.setdefault(step.directory, {}), change)
    for directory, changes in pending.items():
        share = dice.choice((0.0, 0.5, 1.0))
        for change in changes:
            if dice.random() < share:
                _rename(durable.setdefault(directory, {}), change)
    return defaultdict(dict, durable)


def _rename(names: Names, change: Name) -> None:
    if change.old is not None:
        names.pop(change.old, None)
    if change.inode is None:
        names.pop(change.name, None)
    else:
        names[change.name] = change.inode


def _apply(content: Content, change: Write | Truncate) -> None:
    if isinstance(change, Write):
        _write(content, change.position, change.content)
    else:
        _truncate(content, change.size)


def _write(content: Content, position: int, data: Buffer) -> None:
    if position > len(content):
        content.extend(bytes(position - len(content)))
    content[position : position + len(data)] = data


def _truncate(content: Content, size: int) -> None:
    if size <= len(content):
        del content[size:]
    else:
        content.extend(bytes(size - len(content)))
