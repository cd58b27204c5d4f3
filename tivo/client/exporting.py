"""A file that an export grows into, beside it until it is whole: what is there already survives a kill."""

import fcntl
import importlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tivo.client.exported import csv_head, csv_lines, ndjson_lines
from tivo.model.errors import NeighbourError, RequestError

SUFFIX = ".tivo-part"


@dataclass(frozen=True, slots=True)
class Format:
    """How events are written as they come, and what the file is made into at the end, if anything."""

    name: str
    head: bytes
    lines: Callable[[Sequence[msgspec.Raw]], bytes]
    is_parquet: bool = False


NDJSON = Format("ndjson", b"", ndjson_lines)
FORMATS = {
    ".ndjson": NDJSON,
    ".jsonl": NDJSON,
    ".csv": Format("csv", csv_head(), csv_lines),
    ".parquet": Format("parquet", b"", ndjson_lines, is_parquet=True),
}


def format_of(file: Path) -> Format:
    """By the end of its name. Raises RequestError where that says none, or what it takes is not installed."""
    found = FORMATS.get(file.suffix.lower())
    if found is None:
        raise RequestError(f"{str(file)!r} says no format: an export ends in {', '.join(FORMATS)}")
    if found.is_parquet:
        _parquet()
    return found


def _parquet() -> Callable[[Iterator[bytes], Path], None]:
    try:
        write: Callable[[Iterator[bytes], Path], None] = importlib.import_module("tivo.client.parquet").write
    except ModuleNotFoundError as error:
        raise RequestError(f"a Parquet file takes {error.name}: install tivo[parquet]") from error
    return write


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is exported, as it was asked for."""

    topic: str
    start: str = ""
    end: str = ""
    keys: tuple[str, ...] = ()
    where: str = ""


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far it has come: `next` is the address of the next page, None before the first and behind the last."""

    asked: Asked
    next: str | None = None
    is_read: bool = False
    events: int = 0
    size: int = 0
    complete_to_us: int | None = None


class Part:
    """The folder beside the file: the events so far, and how far that is. Made by `growing`."""

    def __init__(self, file: Path, how: Format, asked: Asked) -> None:
        self.progress = Progress(asked=asked)
        self._file = file
        self._how = how
        self._folder = folder_of(file)
        self._data, self._state = self._folder / f"data.{how.name}", self._folder / "state.json"
        self._whole = self._folder / "whole.parquet" if how.is_parquet else self._data

    @property
    def has_begun(self) -> bool:
        """Whether it holds a page, if only an empty one."""
        return self.progress.is_read or self.progress.next is not None

    def resume(self) -> None:
        """Take up what is there. Raises RequestError where that is of another export."""
        found = self._found() if self._state.exists() else None
        if found is not None and self._data.exists():
            self.progress = found
            os.truncate(self._data, found.size)
        elif found is not None and (self._whole.exists() or self._file.exists()):
            self.progress = found
        else:  # nothing is there, or the file was in its place and is gone from it
            self._data.write_bytes(self._how.head)
            self.progress = msgspec.structs.replace(self.progress, size=len(self._how.head))

    @property
    def is_placed(self) -> bool:
        """Whether this very export has put its file in place, and was killed before it took the folder away.

        Raises RequestError as `resume`.
        """
        is_there = self._file.exists() and self._state.exists()
        return is_there and not self._data.exists() and not self._whole.exists() and self._found().is_read

    def _found(self) -> Progress:
        try:
            found = msgspec.json.decode(self._state.read_bytes(), type=Progress)
        except msgspec.DecodeError as error:
            raise RequestError(f"{self._state} is no state of an export ({error}): take the folder away") from error
        if found.asked != self.progress.asked or not (found.is_read or self._data.exists()):
            raise RequestError(f"{self._folder} holds the beginning of another export: take it away first")
        return found

    def append(self, events: Sequence[msgspec.Raw], following: str | None, complete_to_us: int | None) -> None:
        """Hold a page of events, and where the next one is: on disk when this returns."""
        with self._data.open("ab") as data:
            data.write(self._how.lines(events))
            data.flush()
            os.fsync(data.fileno())
            size = data.tell()
        before = self.progress
        self.progress = Progress(
            asked=before.asked,
            next=following,
            is_read=following is None,
            events=before.events + len(events),
            size=size,
            complete_to_us=complete_to_us if before.next is None else before.complete_to_us,
        )
        self._note()

    def _note(self) -> None:
        fresh = self._state.with_suffix(".new")
        with fresh.open("wb") as state:
            state.write(msgspec.json.encode(self.progress))
            state.flush()
            os.fsync(state.fileno())
        fresh.replace(self._state)

    def finish(self) -> int:
        """Put the whole file in its place, and take the folder away; how many bytes it has.

        After a kill at any point of it, it can be done again.
        """
        if self._how.is_parquet and self._data.exists():
            with self._data.open("rb") as lines:
                _parquet()(iter(lines), self._whole)
            _sync(self._whole, self._folder)
            self._data.unlink()
        if self._whole.exists():
            _sync(self._whole)
            self._whole.replace(self._file)
            _sync(self._file.parent)
        size = self._file.stat().st_size
        self.discard()
        return size

    def discard(self) -> None:
        """Take the folder away with all that is in it."""
        shutil.rmtree(self._folder)


@contextmanager
def growing(file: Path, how: Format, asked: Asked) -> Iterator[Part]:
    """The part of a file that is there, to go on with; a folder without a page does not stay.

    Raises RequestError where another export is at it or has begun it, NeighbourError where it cannot be written.
    """
    part = Part(file, how, asked)
    try:
        folder_of(file).mkdir(exist_ok=True)
        with _held(folder_of(file) / "lock"):
            part.resume()
            try:
                yield part
            finally:
                if not part.has_begun and folder_of(file).exists():
                    part.discard()
    except OSError as error:
        raise NeighbourError(f"{file} cannot be written: {error}") from error


@contextmanager
def _held(lock: Path) -> Iterator[None]:
    with lock.open("ab") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RequestError(f"another export is at work in {lock.parent}") from None
        yield


def _sync(*paths: Path) -> None:
    """See that files, and what stands in folders, outlast a loss of power."""
    for path in paths:
        opened = os.open(path, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def folder_of(file: Path) -> Path:
    """Where the part of a file lies."""
    return file.with_name(file.name + SUFFIX)
