"""Which partitions a person means by the name of a directory or of a topic. Nothing is written, nothing recovered."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tivo.log.catalog import Catalog
from tivo.log.catalog_journal import JOURNAL
from tivo.log.data_dir import CLEAN
from tivo.log.disk import Disk
from tivo.log.segment_files import LOG
from tivo.model.errors import RequestError, UnknownTopic

LOG_DIR = "log"
"""Where the log lies in the directory of all of tivo's data."""

_PARTITION = re.compile(r"(.+)-(\d+)")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A partition and where it lies. `clean`: it was stopped cleanly, so all of its files belong together."""

    topic: str
    partition: int
    directory: Path
    clean: bool

    @property
    def name(self) -> str:
        return f"{self.topic}/{self.partition}"


class Places(NamedTuple):
    """Partitions, and the data directory that they belong to; None for one that lies alone."""

    data_dir: Path | None
    partitions: list[Place]


def find(wanted: str | None, log_dir: Path, disk: Disk) -> Places:
    """The partitions of a directory, or of a topic (`quakes`) or partition (`quakes/0`) in `log_dir`; None: all there.

    Raises RequestError where there is no such log, LogError where the catalog is damaged.
    """
    if wanted is None:
        return _all(log_dir, disk)
    path = Path(wanted)
    for directory in (path, path / LOG_DIR):
        if (directory / JOURNAL).is_file():
            return _all(directory, disk)
    if path.is_dir() and _holds_segments(path):
        return _alone(path.resolve(), disk)
    return _named(wanted, log_dir, disk)


def _all(log_dir: Path, disk: Disk) -> Places:
    if not (log_dir / JOURNAL).is_file():
        raise RequestError(f"{log_dir} holds no log of tivo: there is no file {JOURNAL!r} in it")
    clean = (log_dir / CLEAN).exists()
    places = [
        Place(topic.name, partition, log_dir / f"{topic.name}-{partition}", clean)
        for topic in Catalog.look(log_dir, disk)
        for partition in range(topic.partitions)
    ]
    return Places(log_dir, sorted(places))


def _holds_segments(directory: Path) -> bool:
    return any(path.suffix == LOG for path in directory.iterdir())


def _alone(directory: Path, disk: Disk) -> Places:
    """The partition of one directory: of the data directory around it, or by itself, as a copy may lie."""
    if (directory.parent / JOURNAL).is_file():
        places = _all(directory.parent, disk)
        mine = [place for place in places.partitions if place.directory.name == directory.name]
        if not mine:
            raise RequestError(f"{directory} belongs to no topic of {directory.parent}")
        return Places(places.data_dir, mine)
    named = _PARTITION.fullmatch(directory.name)
    topic, partition = (named[1], int(named[2])) if named else (directory.name, 0)
    return Places(None, [Place(topic, partition, directory, clean=False)])


def _named(wanted: str, log_dir: Path, disk: Disk) -> Places:
    places = _all(log_dir, disk)
    mine = [place for place in places.partitions if wanted in (place.topic, place.name)]
    if not mine:
        raise UnknownTopic(wanted)
    return Places(places.data_dir, mine)
