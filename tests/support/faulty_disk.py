"""A real disk whose operations fail when a test says so."""

import os
from dataclasses import dataclass
from pathlib import Path

from tivo.log.disk import Buffer, OsDisk, OsFile


@dataclass(kw_only=True)
class Fault:
    """What goes wrong: an operation on files whose name ends so, after it went well `skip` times.

    `error` is an errno; for a `pwrite` without one, the disk takes `taken` bytes only.
    """

    operation: str
    name: str = ""
    error: int = 0
    taken: int = 0
    skip: int = 0

    def meets(self, operation: str, path: Path) -> bool:
        if operation != self.operation or not path.name.endswith(self.name):
            return False
        self.skip -= 1
        return self.skip < 0


class FaultyFile(OsFile):
    """A file that asks its disk before each operation."""

    __slots__ = ("disk", "path")

    def __init__(self, fd: int, path: Path, disk: "FaultyDisk") -> None:
        super().__init__(fd)
        self.path = path
        self.disk = disk

    def pread(self, size: int, position: int) -> bytes:
        self.disk.meet("pread", self.path)
        return super().pread(size, position)

    def pwrite(self, buffer: Buffer, position: int) -> int:
        fault = self.disk.meet("pwrite", self.path)
        return super().pwrite(buffer if fault is None else memoryview(buffer)[: fault.taken], position)

    def fdatasync(self) -> None:
        self.disk.meet("fdatasync", self.path)
        super().fdatasync()

    def truncate(self, size: int) -> None:
        self.disk.meet("truncate", self.path)
        super().truncate(size)


class FaultyDisk(OsDisk):
    """Counts what is done and fails what `faults` name."""

    def __init__(self, *faults: Fault) -> None:
        self.faults = list(faults)
        self.done: list[tuple[str, str]] = []

    def meet(self, operation: str, path: Path) -> Fault | None:
        """Raises OSError where a fault says so; gives the fault that shortens a write."""
        for fault in self.faults:
            if fault.meets(operation, path):
                if fault.error:
                    raise OSError(fault.error, os.strerror(fault.error), str(path))
                return fault
        self.done.append((operation, path.name))
        return None

    def count(self, operation: str, name: str = "") -> int:
        return sum(1 for done, path in self.done if done == operation and path.endswith(name))

    def open(self, path: Path, *, create: bool = False) -> FaultyFile:
        self.meet("create" if create and not path.exists() else "open", path)
        flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0)
        return FaultyFile(os.open(path, flags, 0o640), path, self)

    def rename(self, source: Path, target: Path) -> None:
        self.meet("rename", target)
        super().rename(source, target)

    def unlink(self, path: Path) -> None:
        self.meet("unlink", path)
        super().unlink(path)

    def mkdir(self, path: Path) -> None:
        self.meet("mkdir", path)
        super().mkdir(path)

    def fsync_dir(self, path: Path) -> None:
        self.meet("fsync_dir", path)
        super().fsync_dir(path)
