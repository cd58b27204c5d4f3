"""Files altered by a bad disk or a clumsy hand: what is good is served, what is not never is, nothing crashes."""

import logging
import random
from copy import deepcopy
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.batches import batch, values_of
from tests.support.crash_disk import MemoryDisk, Names
from tivo.log.partition import Partition
from tivo.log.segment_files import LOG
from tivo.log.settings import LogSettings
from tivo.wire.record_batch import batches

ROOT = Path("/data")
DIRECTORY = ROOT / "quakes-0"
SETTINGS = LogSettings(segment_bytes=4_000, checkpoint_bytes=1_500, index_bytes=300)
BATCHES = 60


class Place(NamedTuple):
    """Where a batch lies, what it holds, and when."""

    file: str
    start: int
    end: int
    values: dict[int, bytes]
    time_ms: int


class Original(NamedTuple):
    """A partition's files as they should be, after a kill or after a clean stop."""

    disk: MemoryDisk
    places: list[Place]
    clean: bool


class Harm(NamedTuple):
    """What was altered: bytes of a file from `start` to `end`."""

    file: str
    start: int
    end: int
    what: str


def opened(disk: MemoryDisk, *, clean: bool) -> Partition:
    return Partition.open(DIRECTORY, topic="quakes", partition=0, settings=SETTINGS, clean=clean, disk=disk)


def original(*, clean: bool) -> Original:
    disk = MemoryDisk(ROOT)
    partition = opened(disk, clean=True)
    dice = random.Random(1)
    for number in range(BATCHES):
        values = (b"%03d" % number + b"." * dice.choice((1, 100, 700)) for _ in range(dice.randint(1, 3)))
        partition.append(batch(*values, time_ms=1_000 + number * 10), now_us=1)
        partition.sync()
    if clean:
        partition.close()
    names = disk.directories[disk.directories[0]["quakes-0"]]
    logs = [(name, bytes(disk.files[inode])) for name, inode in sorted(names.items()) if name.endswith(LOG)]
    places = [
        Place(name, start, start + header.size, values_of(log[start : start + header.size]), header.max_timestamp)
        for name, log in logs
        for start, header in batches(log)
    ]
    return Original(disk, places, clean)


def harmed(disk: MemoryDisk, dice: random.Random) -> tuple[MemoryDisk, Harm]:
    """A copy of the files with one thing wrong."""
    copy = MemoryDisk(ROOT, deepcopy(disk.files), deepcopy(disk.directories))
    names: Names = copy.directories[copy.directories[0]["quakes-0"]]
    file = dice.choice(sorted(names))
    content = copy.files[names[file]]
    size = len(content)
    start = dice.randrange(size) if size else 0
    end = min(start + dice.choice((1, 8, 64, 512, 2_000)), size)
    what = dice.choice(("bit", "zeros", "rubbish", "cut", "longer", "missing", "repeated"))
    match what:
        case "bit" if size:
            end = start + 1
            content[start] ^= 1 << dice.randrange(8)
        case "zeros":
            content[start:end] = bytes(end - start)
        case "rubbish":
            content[start:end] = dice.randbytes(end - start)
        case "cut":
            end = size
            del content[start:]
        case "longer":
            start = end = size
            content.extend(dice.choice((bytes(100), dice.randbytes(100), bytes(content[:200]))))
        case "missing":
            start, end = 0, size
            del names[file]
        case "repeated" if size:
            earlier = dice.randrange(start + 1)
            content[start:end] = content[earlier : earlier + end - start].ljust(end - start, b"!")
    return copy, Harm(file, start, end, what)


def read_all(partition: Partition) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    offset = partition.log_start
    while offset < partition.log_end:
        data = partition.read(offset, max_bytes=1_000, upto=partition.log_end)
        if not data:
            break
        found |= values_of(data)
        offset = max(found) + 1
    return found


def wrong(original: Original, dice: random.Random) -> str | None:
    """What is wrong with a log that one harm was done to; None where everything is as promised."""
    disk, harm = harmed(original.disk, dice)
    partition = opened(disk, clean=original.clean)
    served = read_all(partition)
    values = {offset: value for place in original.places for offset, value in place.values.items()}
    if any(values.get(offset) != value for offset, value in served.items()):
        return f"{harm}: a corrupt record was served"
    unhurt = [
        place
        for place in original.places
        if place.file != harm.file or place.end <= harm.start or harm.end <= place.start
    ]
    for place in unhurt:
        if not place.values.items() <= served.items():
            return f"{harm}: {place.file} from {place.start} to {place.end} is good and was not served"
    if partition.log_end < max(values) + 1:
        return f"{harm}: offsets from {partition.log_end} on would be given again"
    time_ms = dice.randrange(900, 1_700)
    expected = next((place for place in original.places if place.time_ms >= time_ms and place in unhurt), None)
    found = partition.offset_for_time(time_ms)
    if expected is not None and (found is None or found[1] > min(expected.values)):
        return f"{harm}: at {time_ms} ms {found} was found, not {expected}"
    return None


@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("clean", [False, True], ids=["killed", "stopped"])
def test_damage_to_any_file_costs_no_good_record(request: pytest.FixtureRequest, *, clean: bool) -> None:
    logging.disable(logging.CRITICAL)
    request.addfinalizer(lambda: logging.disable(logging.NOTSET))
    files = original(clean=clean)
    dice = random.Random(7)

    for _ in range(int(request.config.getoption("--mutations")) // 2):
        assert wrong(files, dice) is None


def test_a_record_that_is_not_the_one_written_is_noticed() -> None:
    files = original(clean=False)
    files.places[10].values[next(iter(files.places[10].values))] = b"another"

    assert any("a corrupt record was served" in (wrong(files, random.Random(seed)) or "") for seed in range(20))


def test_an_unharmed_log_is_served_whole() -> None:
    for clean in (False, True):
        files = original(clean=clean)
        copy = MemoryDisk(ROOT, deepcopy(files.disk.files), deepcopy(files.disk.directories))

        served = read_all(opened(copy, clean=clean))

        assert {offset: value for place in files.places for offset, value in place.values.items()} == served
