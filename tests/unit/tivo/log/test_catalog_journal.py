"""The file that topics are kept in: torn, damaged, of a newer version, on a disk that fails."""

import errno
from pathlib import Path

import pytest

from tests.support.faulty_disk import Fault, FaultyDisk
from tests.unit.tivo.log.test_catalog import opened
from tivo.log.catalog_journal import JOURNAL
from tivo.log.lines import encode_line
from tivo.model.errors import LogError


def test_a_torn_last_line_was_never_confirmed(tmp_path: Path) -> None:
    opened(tmp_path).create("quakes", 1)
    whole = (tmp_path / JOURNAL).read_bytes()
    opened(tmp_path).create("ships", 1)
    after = (tmp_path / JOURNAL).read_bytes()

    for size in range(len(whole), len(after)):
        (tmp_path / JOURNAL).write_bytes(after[:size])

        assert ["quakes"] == [topic.name for topic in opened(tmp_path).topics()]
        assert whole == (tmp_path / JOURNAL).read_bytes()


def test_a_damaged_line_before_good_ones_is_refused(tmp_path: Path) -> None:
    catalog = opened(tmp_path)
    catalog.create("quakes", 1)
    catalog.create("ships", 1)
    damaged = (tmp_path / JOURNAL).read_bytes().replace(b"quakes", b"quaker")
    (tmp_path / JOURNAL).write_bytes(damaged)

    with pytest.raises(LogError, match="line 2 of 3 is damaged"):
        opened(tmp_path)

    assert damaged == (tmp_path / JOURNAL).read_bytes()


@pytest.mark.parametrize(
    ("payload", "evidence"),
    [
        (b"\0\0", "line 2 is whole and not known to this version"),
        (b'{"type":"renamed","id":1}', "line 2 is whole and not known to this version"),
        (b'{"type":"deleted","id":"00000000-0000-0000-0000-000000000007"}', "which it has not made"),
        (b'{"type":"removed","id":"00000000-0000-0000-0000-000000000007"}', "which it has not made"),
    ],
)
def test_a_line_that_is_whole_and_cannot_be_followed_is_refused(tmp_path: Path, payload: bytes, evidence: str) -> None:
    opened(tmp_path).close(clean=True)
    with (tmp_path / JOURNAL).open("ab") as journal:
        journal.write(encode_line(payload))

    with pytest.raises(LogError, match=evidence):
        opened(tmp_path)


def test_a_file_that_does_not_begin_as_a_catalog_is_refused(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).write_bytes(bytes(100))

    with pytest.raises(LogError, match="does not begin as a catalog"):
        opened(tmp_path)

    assert bytes(100) == (tmp_path / JOURNAL).read_bytes()


def test_a_newer_format_is_refused_and_left_alone(tmp_path: Path) -> None:
    newer = encode_line(b'{"type":"began","format":2}')
    (tmp_path / JOURNAL).write_bytes(newer)

    with pytest.raises(LogError, match="has format 2, this version of tivo reads up to 1"):
        opened(tmp_path)

    assert newer == (tmp_path / JOURNAL).read_bytes()


def test_a_journal_on_a_full_disk_takes_changes_when_there_is_space(tmp_path: Path) -> None:
    catalog = opened(tmp_path, disk := FaultyDisk())
    catalog.create("quakes", 1)
    disk.faults.append(Fault(operation="pwrite", name=JOURNAL, error=errno.ENOSPC, skip=1))
    disk.faults.append(Fault(operation="pwrite", name=JOURNAL, taken=10))
    with pytest.raises(LogError, match=r"takes no changes for now: .*No space"):
        catalog.create("ships", 1)
    disk.faults.clear()

    catalog.create("planes", 1)
    catalog.close(clean=True)

    again = opened(tmp_path)
    assert ["quakes", "planes"] == [topic.name for topic in again.topics()]
    assert again.was_clean


@pytest.mark.parametrize(
    ("operation", "error", "evidence"),
    [
        ("pwrite", errno.EIO, "Input/output"),
        ("fdatasync", errno.EIO, "Input/output"),
        ("fdatasync", errno.ENOSPC, "No space"),
    ],
)
def test_a_journal_that_cannot_be_written_takes_no_more_changes(
    tmp_path: Path, operation: str, error: int, evidence: str
) -> None:
    catalog = opened(tmp_path, disk := FaultyDisk())
    catalog.create("quakes", 1)
    disk.faults.append(Fault(operation=operation, name=JOURNAL, error=error))

    with pytest.raises(LogError, match=evidence):
        catalog.create("ships", 1)
    disk.faults.clear()
    with pytest.raises(LogError, match=evidence):
        catalog.create("ships", 1)
    catalog.close(clean=True)

    assert ["quakes"] == [topic.name for topic in catalog.topics()]
    assert not opened(tmp_path).was_clean
