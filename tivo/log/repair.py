"""Puts damaged partitions right, as a start after a crash does, and keeps a copy of whatever is cut off.

A partition in which nothing is wrong stays as it is. Indexes and metas that do not fit are built anew; a damaged end
that was never on stable storage is cut off; other damage is set aside where it lies, and what lies behind it is served.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tivo.log.catalog import Catalog
from tivo.log.catalog_journal import JOURNAL
from tivo.log.disk import OsDisk, OsFile, ReadOnlyDisk, open_fd, write_whole
from tivo.log.partition import Partition
from tivo.log.places import Place
from tivo.log.segment_files import LOG, META
from tivo.log.settings import LogSettings
from tivo.log.verdict import Verdict
from tivo.log.verify import verify
from tivo.model.errors import LogError

CUT_DIR = ".cut"
"""Where the copies lie, in the data directory: a directory for each repair."""

_COPY_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """A damaged partition before and after, and the copies of what was cut off."""

    before: Verdict
    after: Verdict
    copies: tuple[Path, ...]


def repair(data_dir: Path, places: Sequence[Place], *, name: str) -> Iterator[Repaired]:
    """Put each damaged partition right, one after the other. The directory must be held by this process.

    Copies go to the directory `name` in CUT_DIR. Raises LogError where the disk fails.
    """
    looking = ReadOnlyDisk()
    damaged = [verdict for place in places if not (verdict := verify(place, looking)).is_good]
    if not damaged:
        return
    disk = CopyingDisk(data_dir / CUT_DIR / name)
    catalog = Catalog.open(data_dir, disk=disk)
    is_clean = False
    try:
        for before in damaged:
            copied = len(disk.copies)
            _put_right(before, disk)
            yield Repaired(before=before, after=verify(before.place, looking), copies=tuple(disk.copies[copied:]))
        is_clean = catalog.was_clean  # the others are as they were
    except OSError as error:
        raise LogError(f"{data_dir} cannot be repaired: {error}") from error
    finally:
        catalog.close(clean=is_clean)


def _put_right(damaged: Verdict, disk: "CopyingDisk") -> None:
    place = damaged.place
    for trouble in damaged.troubles:
        path = place.directory / trouble.file
        if path.suffix == META and disk.exists(path):
            disk.unlink(path)  # so that the segment is read whole
    partition = Partition.open(
        place.directory, topic=place.topic, partition=place.partition, settings=LogSettings(), clean=False, disk=disk
    )
    for _ in partition.headers(0):
        pass  # what is read and found damaged is set aside on the way
    partition.close(clean=True)


class CopyingDisk(OsDisk):
    """The disk of the operating system; what is cut off a log or the catalog, or removed with it, is copied before."""

    def __init__(self, directory: Path) -> None:
        self.copies: list[Path] = []
        self._directory = directory

    def open(self, path: Path, *, create: bool = False) -> OsFile:
        is_kept = path.suffix == LOG or path.name == JOURNAL
        fd = open_fd(path, create=create)
        return _CopyingFile(fd, path, self) if is_kept else OsFile(fd)

    def unlink(self, path: Path) -> None:
        if path.suffix == LOG and path.stat().st_size:
            path.rename(self._copy(path, 0))
        else:
            super().unlink(path)

    def keep(self, path: Path, file: OsFile, position: int) -> None:
        """Copy a file from a position to its end; the copy is on stable storage then."""
        copy = OsFile(open_fd(self._copy(path, position), create=True))
        for start in range(position, file.size(), _COPY_BYTES):
            write_whole(copy, file.pread(min(_COPY_BYTES, file.size() - start), start), start - position)
        copy.fdatasync()
        copy.close()

    def _copy(self, path: Path, position: int) -> Path:
        """Where the copy of a file from a position on goes; its name says both."""
        copy = self._directory / path.parent.name / f"{path.name}.from-{position}"
        copy.parent.mkdir(parents=True, exist_ok=True)
        self.copies.append(copy)
        return copy


class _CopyingFile(OsFile):
    """A file that is copied from where it is about to be cut off."""

    __slots__ = ("_disk", "_path")

    def __init__(self, fd: int, path: Path, disk: CopyingDisk) -> None:
        super().__init__(fd)
        self._path = path
        self._disk = disk

    def truncate(self, size: int) -> None:
        if size < self.size():
            self._disk.keep(self._path, self, size)
        super().truncate(size)
