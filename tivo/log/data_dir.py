"""A data directory: whose it is, and whether it was left in good order.

.lock              held by the process that owns the directory, with its pid inside
.clean             there only after a clean stop
catalog            which topics there are (see `catalog.py`)
<topic>-<n>/       one directory per partition (see `partition.py`)
<topic id>-<n>.deleted/   a partition on its way out
"""

import fcntl
import os
from pathlib import Path

from tivo.log.disk import Disk, replace_file
from tivo.model.errors import LogError

CLEAN = ".clean"
LOCK = ".lock"


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


def leave_clean_mark(disk: Disk, data_dir: Path) -> None:
    """Say, durably, that the next start need not look anything over. Raises OSError."""
    replace_file(disk, data_dir / CLEAN, b"")
    disk.fsync_dir(data_dir)


def take_clean_mark(disk: Disk, data_dir: Path) -> bool:
    """Whether there was one; it is gone durably. Raises OSError."""
    mark = data_dir / CLEAN
    is_there = disk.exists(mark)
    if is_there:
        disk.unlink(mark)
        disk.fsync_dir(data_dir)
    return is_there
