"""The file that topics are kept in: one checked JSON line per change, synced before the change counts."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias
from uuid import UUID

import msgspec

from tivo.log.disk import Disk, File, is_full, read_file, replace_file, sync_file, write_whole
from tivo.log.lines import decode_line, encode_line
from tivo.model.errors import LogError

JOURNAL = "catalog"
FORMAT = 1


class Began(msgspec.Struct, tag="began", frozen=True):
    """The first line."""

    format: int


class Set(msgspec.Struct, tag="set", frozen=True):
    """A topic is made, or altered: what it is from here on."""

    id: UUID
    name: str
    partitions: int
    settings: dict[str, str]


class Deleted(msgspec.Struct, tag="deleted", frozen=True):
    """A topic is gone; its directories may not be yet."""

    id: UUID


class Removed(msgspec.Struct, tag="removed", frozen=True):
    """The directories of a deleted topic are gone too."""

    id: UUID


Change: TypeAlias = Set | Deleted | Removed
_decoder: msgspec.json.Decoder[Began | Change] = msgspec.json.Decoder(Began | Change)


class CatalogJournal:
    """The changes of a data directory. Read first, then begun, then written to by one thread."""

    def __init__(self, disk: Disk, data_dir: Path) -> None:
        self.path = data_dir / JOURNAL
        self.lines = 0
        self._disk = disk
        self._data_dir = data_dir
        self._file: File
        self._size = 0
        self.refusal: str | None = None
        """Why no change is taken until the next start has read what the disk holds; None while they are."""

    def read(self) -> Iterator[Change]:
        """All changes up to a torn last line, which was never confirmed. Changes nothing.

        Raises LogError where a line before it is damaged, or where the file is of a newer format.
        """
        for entry, line in _entries(read_file(self._disk, self.path) or b"", self.path):
            self._size += len(line)
            self.lines += 1
            if not isinstance(entry, Began):
                yield entry
            elif entry.format > FORMAT:
                raise LogError(f"{self.path} has format {entry.format}, this version of tivo reads up to {FORMAT}")

    def rewrite(self, changes: Sequence[Change]) -> None:
        """Have these changes and no others. Raises OSError."""
        content = b"".join(_line(entry) for entry in (Began(FORMAT), *changes))
        replace_file(self._disk, self.path, content)
        self._disk.fsync_dir(self._data_dir)
        self._size = len(content)

    def begin(self) -> None:
        """Cut off a torn last line, and be ready to write. Raises OSError."""
        self._file = self._disk.open(self.path)
        if self._file.size() != self._size:
            self._file.truncate(self._size)
            self._file.fdatasync()

    def write(self, change: Change) -> None:
        """Append and sync a change. Raises LogError, and always does where that left open what the disk holds."""
        self.check()
        line = _line(change)
        try:
            write_whole(self._file, line, self._size)
            sync_file(self._file)
        except OSError as error:
            raise self._refused(error) from error
        self._size += len(line)

    def check(self) -> None:
        """Raises LogError where no change is taken."""
        if self.refusal is not None:
            raise LogError(self.refusal)

    def close(self) -> None:
        self._file.close()

    def _refused(self, error: OSError) -> LogError:
        """A disk that is full is tried again at the next change, once what it did take is cut off."""
        if is_full(error):
            with suppress(OSError):
                self._file.truncate(self._size)
                return LogError(f"the catalog in {self._data_dir} takes no changes for now: {error}")
        self.refusal = f"the catalog in {self._data_dir} takes no changes since: {error}"
        return LogError(self.refusal)


def _line(entry: Began | Change) -> bytes:
    return encode_line(msgspec.json.encode(entry))


def _entries(content: bytes, path: Path) -> Iterator[tuple[Began | Change, bytes]]:
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


def _decoded(payload: bytes, number: int, path: Path) -> Began | Change:
    """The entry of a line that is whole. Raises LogError for one that was written by somebody else."""
    try:
        return _decoder.decode(payload)
    except msgspec.DecodeError as error:
        raise LogError(
            f"{path}: line {number} is whole and not known to this version of tivo, perhaps to a newer: {error}"
        ) from error
