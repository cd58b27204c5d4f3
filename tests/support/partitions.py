"""Partitions on disk for who looks at their files: filled, stopped cleanly or not, and damaged."""

from pathlib import Path

from tests.support.batches import batch
from tivo.log.catalog import Catalog
from tivo.log.partition import Partition
from tivo.log.places import Place
from tivo.log.settings import LogSettings

SETTINGS = LogSettings(segment_bytes=1_000, index_bytes=100)
SIZE = 76
"""Bytes of a batch of one record `value NN`."""


def fill(data: Path, *, topic: str = "quakes", count: int = 40, clean: bool = True) -> Place:
    """A topic of one partition with `count` batches of one record in segments of 13; offset and time are the number."""
    catalog = Catalog.open(data)
    made = catalog.create(topic, 1)
    directory = catalog.directory(made, 0)
    partition = Partition.open(directory, topic=topic, partition=0, settings=SETTINGS, clean=True)
    for number in range(count):
        partition.append(batch(b"value %02d" % number, time_ms=number), now_us=1_000_000)
    partition.sync()
    if clean:
        partition.close()
    catalog.close(clean=clean)
    return Place(topic, 0, directory, clean)


def logs(place: Place) -> list[Path]:
    return sorted(place.directory.glob("*.log"))


def flip(path: Path, position: int) -> None:
    """Alter one byte."""
    content = bytearray(path.read_bytes())
    content[position] ^= 0x10
    path.write_bytes(content)


def cut(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


def contents(directory: Path) -> dict[str, bytes]:
    """Every file below a directory, but for the lock."""
    found = (path for path in directory.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(directory)): path.read_bytes() for path in found}
