"""The log of one partition in small segments, and disks that let others in between."""

import threading
from collections.abc import Callable
from pathlib import Path

from tests.support.batches import batch, values_of
from tests.support.faulty_disk import Fault, FaultyDisk, FaultyFile
from tivo.log.disk import Disk
from tivo.log.partition import Partition
from tivo.log.settings import LogSettings

SETTINGS = LogSettings(segment_bytes=1_000, checkpoint_bytes=300, index_bytes=100)
NOW_US = 1_000_000


def opened(
    directory: Path, disk: Disk | None = None, *, clean: bool = False, settings: LogSettings = SETTINGS
) -> Partition:
    return Partition.open(directory, topic="quakes", partition=0, settings=settings, clean=clean, disk=disk)


def add(partition: Partition, count: int = 1, *, now_us: int = NOW_US) -> None:
    for _ in range(count):
        number = partition.log_end
        partition.append(batch(b"value %02d" % number, time_ms=number * 10), now_us=now_us)


def values(partition: Partition) -> list[int]:
    found: dict[int, bytes] = {}
    offset = partition.log_start
    while offset < partition.log_end:
        found |= values_of(partition.read(offset, max_bytes=500, upto=partition.log_end))
        offset = max(found) + 1
    assert {number: b"value %02d" % number for number in found} == found
    return list(found)


def descriptors(directory: Path) -> int:
    links = []
    for link in Path("/proc/self/fd").iterdir():
        try:
            links.append(str(link.readlink()))
        except FileNotFoundError:  # the listing's own descriptor
            continue
    return sum(link.startswith(str(directory)) for link in links)


class StallingFile(FaultyFile):
    """Its fdatasync waits until the test lets it go on."""

    __slots__ = ()

    def fdatasync(self) -> None:
        disk = self.disk
        assert isinstance(disk, StallingDisk)
        if self.path.suffix == ".log":
            with disk.lock:
                disk.under_way += 1
                disk.most_at_once = max(disk.most_at_once, disk.under_way)
            disk.entered.set()
            assert disk.go_on.wait(10)
            with disk.lock:
                disk.under_way -= 1
        super().fdatasync()


class StallingDisk(FaultyDisk):
    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.go_on = threading.Event()
        self.lock = threading.Lock()
        self.under_way = 0
        self.most_at_once = 0

    def open(self, path: Path, *, create: bool = False) -> FaultyFile:
        file = super().open(path, create=create)
        file.__class__ = StallingFile
        return file


def spoil(directory: Path, number: int) -> None:
    """Flip a bit in the record of an offset of the first segment."""
    log = directory / f"{0:020d}.log"
    content = bytearray(log.read_bytes())
    content[76 * number + 70] ^= 1
    log.write_bytes(content)


class InterruptedDisk(FaultyDisk):
    """Before the next operation of a kind goes on, a read unless said otherwise, somebody else does something."""

    def __init__(self, operation: str = "pread") -> None:
        super().__init__()
        self.operation = operation
        self.somebody: Callable[[], object] | None = None

    def meet(self, operation: str, path: Path) -> Fault | None:
        if operation == self.operation and self.somebody is not None:
            somebody, self.somebody = self.somebody, None
            somebody()
        return super().meet(operation, path)
