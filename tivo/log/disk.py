"""The door to the disk: every file operation of the log goes through it, so that a test can make one fail.

Nothing here retries. An OSError is passed on; what it means for a partition is decided there.
"""

import errno
import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, Protocol, TypeAlias

Buffer: TypeAlias = bytes | bytearray | memoryview

_FULL_FSYNC = 51
"""macOS: fsync there stops at the drive's cache, this does not."""

_fdatasync: Callable[[int], object] = getattr(os, "fdatasync", lambda fd: fcntl.fcntl(fd, _FULL_FSYNC))

_NO_SPACE = frozenset((errno.ENOSPC, errno.EDQUOT))
_NO_DESCRIPTOR = frozenset((errno.EMFILE, errno.ENFILE))
_NO_ROOM = _NO_SPACE | _NO_DESCRIPTOR
"""No space, none that this user may have, no descriptor for one more file: nothing has happened, and it may pass."""

_UNFINISHED = ".new"
"""Suffix of a file that `replace_file` has not renamed yet: safe to remove when nobody has the directory open."""


class File(Protocol):
    """One open file. Closed by `close`, or when the last one who holds it lets go of it."""

    def pread(self, size: int, position: int) -> bytes: ...

    def pwrite(self, buffer: Buffer, position: int) -> int:
        """One write; gives how many bytes were taken, which may be fewer than offered."""
        ...

    def fdatasync(self) -> None:
        """Come back when what was written, and the size, is on stable storage."""
        ...

    def truncate(self, size: int) -> None: ...

    def size(self) -> int: ...

    def modified_us(self) -> int:
        """Wall time of the last write."""
        ...

    def close(self) -> None: ...


class Disk(Protocol):
    """Names and directories. What changes here is durable only after `fsync_dir` of the directory."""

    def open(self, path: Path, *, create: bool = False) -> File: ...

    def rename(self, source: Path, target: Path) -> None: ...

    def unlink(self, path: Path) -> None: ...

    def mkdir(self, path: Path) -> None: ...

    def rmdir(self, path: Path) -> None: ...

    def names(self, path: Path) -> list[str]: ...

    def exists(self, path: Path) -> bool: ...

    def fsync_dir(self, path: Path) -> None: ...


class OsFile:
    """A file of the operating system.

    A reader on another thread may still hold a segment that retention has dropped. The descriptor
    is closed when nobody holds the object any more, never beneath a read: its number could belong
    to another file by then.
    """

    __slots__ = ("_fd",)

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def pread(self, size: int, position: int) -> bytes:
        return os.pread(self._fd, size, position)

    def pwrite(self, buffer: Buffer, position: int) -> int:
        return os.pwrite(self._fd, buffer, position)

    def fdatasync(self) -> None:
        _fdatasync(self._fd)

    def truncate(self, size: int) -> None:
        os.ftruncate(self._fd, size)

    def size(self) -> int:
        return os.fstat(self._fd).st_size

    def modified_us(self) -> int:
        return os.fstat(self._fd).st_mtime_ns // 1_000

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __del__(self) -> None:
        self.close()


def open_fd(path: Path, *, create: bool) -> int:
    """Descriptor of a file to read and write."""
    return os.open(path, os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0), 0o640)


class OsDisk:
    """The disk of the operating system."""

    def open(self, path: Path, *, create: bool = False) -> OsFile:
        return OsFile(open_fd(path, create=create))

    def rename(self, source: Path, target: Path) -> None:
        source.rename(target)

    def unlink(self, path: Path) -> None:
        path.unlink()

    def mkdir(self, path: Path) -> None:
        path.mkdir(0o750)

    def rmdir(self, path: Path) -> None:
        path.rmdir()

    def names(self, path: Path) -> list[str]:
        return sorted(os.listdir(path))  # noqa: PTH208 - names are wanted, not paths

    def exists(self, path: Path) -> bool:
        return path.exists()

    def fsync_dir(self, path: Path) -> None:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


class ReadOnlyDisk(OsDisk):
    """The disk of the operating system for who only looks: whatever would change it raises PermissionError."""

    def open(self, path: Path, *, create: bool = False) -> OsFile:
        return OsFile(os.open(path, os.O_RDONLY | os.O_CLOEXEC))

    def rename(self, source: Path, target: Path) -> None:
        self._refuse(source)

    def unlink(self, path: Path) -> None:
        self._refuse(path)

    def mkdir(self, path: Path) -> None:
        self._refuse(path)

    def rmdir(self, path: Path) -> None:
        self._refuse(path)

    def _refuse(self, path: Path) -> NoReturn:
        raise PermissionError(errno.EROFS, "it is only looked at", str(path))


def read_file(disk: Disk, path: Path) -> bytes | None:
    """The whole content of a small file; None where there is none."""
    if not disk.exists(path):
        return None
    file = disk.open(path)
    try:
        return file.pread(file.size(), 0)
    finally:
        file.close()


class SyncFailed(OSError):
    """Something could not be brought to stable storage: what was written may be lost, whatever the reason."""


def sync_file(file: File) -> None:
    """Bring a file to stable storage. Raises SyncFailed."""
    try:
        file.fdatasync()
    except OSError as error:
        raise SyncFailed(*error.args) from error


def sync_names(disk: Disk, directory: Path) -> None:
    """Bring the names in a directory to stable storage.

    Raises SyncFailed; OSError where it was not begun, for want of a descriptor of the directory.
    """
    try:
        disk.fsync_dir(directory)
    except OSError as error:
        if error.errno in _NO_DESCRIPTOR:
            raise
        raise SyncFailed(*error.args) from error


def is_full(error: OSError) -> bool:
    """Whether there was no room and nothing else went wrong, so that the same may be tried again later."""
    return error.errno in _NO_ROOM and not isinstance(error, SyncFailed)


def lacks_space(error: OSError) -> bool:
    """Whether to remove files would have made room."""
    return is_full(error) and error.errno in _NO_SPACE


def write_whole(file: File, buffer: Buffer, position: int) -> None:
    """One write of all bytes. Raises OSError where the disk does not take them.

    A disk that becomes full takes a part first; the rest is offered once more to hear why.
    """
    written = file.pwrite(buffer, position)
    if written < len(buffer):
        written += file.pwrite(memoryview(buffer)[written:], position + written)
    if written < len(buffer):
        raise OSError(f"the disk took {written} of {len(buffer)} bytes")


def replace_file(disk: Disk, path: Path, content: bytes) -> None:
    """Put `content` at `path` so that a crash leaves the old content or the new, whole.

    The name is durable after the caller's next `fsync_dir` of the directory.
    """
    unfinished = path.with_name(path.name + _UNFINISHED)
    file = disk.open(unfinished, create=True)
    try:
        file.truncate(0)
        write_whole(file, content, 0)
        sync_file(file)
    finally:
        file.close()
    disk.rename(unfinished, path)


def is_unfinished(name: str) -> bool:
    """Whether a file's name is that of a replacement which a crash cut short."""
    return name.endswith(_UNFINISHED)


def remove_tree(disk: Disk, directory: Path) -> None:
    """Remove a directory of plain files; one that is gone already is fine."""
    if not disk.exists(directory):
        return
    for name in disk.names(directory):
        disk.unlink(directory / name)
    disk.rmdir(directory)
