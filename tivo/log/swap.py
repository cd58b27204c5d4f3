"""Lets one segment take the place of several so that a crash leaves the old ones or the new one, never a mixture.

The new segment is written and synced whole under names that end in `.cleaned`, and these names are synced. Then its
meta gets a name that tells which offsets it stands for, `<base20>-<next20>.swap`, and that name is synced: from here
on the new one counts. Only now do its files take their places, the old ones go, and, when that is synced too, the meta
takes its own place. Each step may be done twice, so whoever opens the directory after a crash goes on from the sync of
that name.
"""

import re
from pathlib import Path

from tivo.log.disk import Disk
from tivo.log.segment_files import META, SUFFIXES

CLEANED = ".cleaned"
SWAP = ".swap"

_SWAP = re.compile(r"(\d{20})-(\d{20})\.swap")
_SEGMENT_FILE = re.compile(r"(\d{20})\.\w+")


def commit(disk: Disk, directory: Path, base: int, next_offset: int) -> None:
    """Let the segment written under `.cleaned` names count, for offsets from `base` to before `next_offset`."""
    disk.fsync_dir(directory)
    disk.rename(_path(directory, base, META + CLEANED), _swap(directory, base, next_offset))
    disk.fsync_dir(directory)


def finish(disk: Disk, directory: Path, base: int, next_offset: int) -> None:
    """Put the files of a committed segment in their places, in the stead of the old ones."""
    names = set(disk.names(directory))
    for suffix in SUFFIXES:
        cleaned = _path(directory, base, suffix + CLEANED)
        if cleaned.name in names:
            disk.rename(cleaned, _path(directory, base, suffix))
    for name in sorted(names):
        found = _SEGMENT_FILE.fullmatch(name)
        if found and base < int(found[1]) < next_offset:
            disk.unlink(directory / name)
    disk.fsync_dir(directory)
    disk.rename(_swap(directory, base, next_offset), _path(directory, base, META))
    disk.fsync_dir(directory)


def settle(disk: Disk, directory: Path) -> None:
    """After a stop: finish what was committed, undo what was not."""
    committed = [found for name in disk.names(directory) if (found := _SWAP.fullmatch(name))]
    if committed:  # a process that was killed may have gone before it had brought that name to stable storage
        disk.fsync_dir(directory)
    for found in committed:
        finish(disk, directory, int(found[1]), int(found[2]))
    for name in disk.names(directory):
        if name.endswith(CLEANED):
            disk.unlink(directory / name)


def _path(directory: Path, base: int, suffix: str) -> Path:
    return directory / f"{base:020d}{suffix}"


def _swap(directory: Path, base: int, next_offset: int) -> Path:
    return directory / f"{base:020d}-{next_offset:020d}.swap"
