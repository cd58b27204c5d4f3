import errno
from pathlib import Path

import pytest

from tests.support.faulty_disk import Fault, FaultyDisk
from tivo.log.disk import (
    OsDisk,
    ReadOnlyDisk,
    SyncFailed,
    is_full,
    is_unfinished,
    lacks_space,
    read_file,
    remove_tree,
    replace_file,
    sync_names,
    write_whole,
)


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    file = OsDisk().open(tmp_path / "a", create=True)

    file.pwrite(b"0123456789", 0)
    file.pwrite(memoryview(b"xy"), 4)
    file.fdatasync()
    file.truncate(8)

    assert b"23xy67" == file.pread(100, 2)
    assert 8 == file.size()
    assert (tmp_path / "a").stat().st_mtime_ns // 1_000 == file.modified_us()


def test_a_missing_file_is_not_made_by_chance(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        OsDisk().open(tmp_path / "a")


def test_a_closed_file_takes_and_gives_nothing(tmp_path: Path) -> None:
    file = OsDisk().open(tmp_path / "a", create=True)
    file.close()
    file.close()

    with pytest.raises(OSError, match="Bad file descriptor"):
        file.pwrite(b"x", 0)


def test_a_file_stays_open_as_long_as_somebody_holds_it(tmp_path: Path) -> None:
    file = OsDisk().open(tmp_path / "a", create=True)
    write_whole(file, b"abc", 0)
    reader = file
    del file
    OsDisk().unlink(tmp_path / "a")

    assert b"abc" == reader.pread(3, 0)


def test_a_file_that_nobody_holds_is_closed(tmp_path: Path) -> None:
    before = open_descriptors()
    files = [OsDisk().open(tmp_path / "a", create=True) for _ in range(10)]

    files.clear()

    assert before == open_descriptors()


def test_a_write_that_is_taken_in_part_is_an_error(tmp_path: Path) -> None:
    file = FaultyDisk(Fault(operation="pwrite", taken=2)).open(tmp_path / "a", create=True)

    with pytest.raises(OSError, match="took 4 of 5 bytes"):
        write_whole(file, b"abcde", 0)


def test_a_full_disk_is_asked_why_it_took_a_part(tmp_path: Path) -> None:
    disk = FaultyDisk(Fault(operation="pwrite", error=errno.ENOSPC, skip=1), Fault(operation="pwrite", taken=2))

    with pytest.raises(OSError, match="No space left"):
        write_whole(disk.open(tmp_path / "a", create=True), b"abcde", 0)


def test_a_write_that_is_taken_in_two_parts_is_whole(tmp_path: Path) -> None:
    file = FaultyDisk(Fault(operation="pwrite", taken=3)).open(tmp_path / "a", create=True)

    write_whole(file, b"abcde", 1)

    assert b"abcde" == file.pread(10, 1)


def test_a_missing_file_reads_as_none(tmp_path: Path) -> None:
    assert read_file(OsDisk(), tmp_path / "a") is None


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    disk = OsDisk()
    replace_file(disk, tmp_path / "a", b"a long first content")

    replace_file(disk, tmp_path / "a", b"second")

    assert b"second" == read_file(disk, tmp_path / "a")
    assert ["a"] == disk.names(tmp_path)


@pytest.mark.parametrize("operation", ["create", "truncate", "pwrite", "fdatasync", "rename"])
def test_a_replacement_that_fails_leaves_the_old_content(tmp_path: Path, operation: str) -> None:
    replace_file(OsDisk(), tmp_path / "a", b"first")
    disk = FaultyDisk(Fault(operation=operation, error=errno.EIO))

    with pytest.raises(OSError, match="Input/output"):
        replace_file(disk, tmp_path / "a", b"second")

    assert b"first" == read_file(OsDisk(), tmp_path / "a")


def test_content_is_synced_before_it_takes_the_name(tmp_path: Path) -> None:
    disk = FaultyDisk()

    replace_file(disk, tmp_path / "a", b"content")

    assert [("pwrite", "a.new"), ("fdatasync", "a.new"), ("rename", "a")] == disk.done[-3:]


def test_what_a_crash_leaves_of_a_replacement_is_told_by_its_name() -> None:
    assert is_unfinished("state.new")
    assert not is_unfinished("state")


def test_a_directory_is_removed_with_its_files(tmp_path: Path) -> None:
    disk = OsDisk()
    disk.mkdir(tmp_path / "d")
    replace_file(disk, tmp_path / "d" / "a", b"")
    disk.fsync_dir(tmp_path / "d")

    remove_tree(disk, tmp_path / "d")
    remove_tree(disk, tmp_path / "d")

    assert not disk.exists(tmp_path / "d")


def test_who_only_looks_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"kept")
    disk = ReadOnlyDisk()
    file = disk.open(tmp_path / "a")

    assert b"kept" == file.pread(10, 0)
    for change in (
        lambda: file.pwrite(b"x", 0),
        lambda: disk.open(tmp_path / "b", create=True),
        lambda: disk.rename(tmp_path / "a", tmp_path / "b"),
        lambda: disk.unlink(tmp_path / "a"),
        lambda: disk.mkdir(tmp_path / "b"),
        lambda: disk.rmdir(tmp_path),
    ):
        with pytest.raises(OSError):
            change()
    assert ["a"] == disk.names(tmp_path)


@pytest.mark.parametrize(
    ("error", "may_pass"), [(errno.EMFILE, True), (errno.ENFILE, True), (errno.ENOSPC, False), (errno.EIO, False)]
)
def test_a_sync_of_names_that_was_not_begun_has_lost_nothing(tmp_path: Path, error: int, may_pass: bool) -> None:
    disk = FaultyDisk(Fault(operation="fsync_dir", error=error))

    with pytest.raises(OSError) as failed:
        sync_names(disk, tmp_path)

    assert (error, may_pass) == (failed.value.errno, is_full(failed.value))


def test_want_of_room_may_pass_and_only_that_of_space_by_removing_files() -> None:
    full, quota = OSError(errno.ENOSPC, "full"), OSError(errno.EDQUOT, "quota")
    descriptors = [OSError(code, "too many files") for code in (errno.EMFILE, errno.ENFILE)]
    others = [OSError(errno.EIO, "broken"), SyncFailed(errno.ENOSPC, "full"), OSError("the disk took 1 of 2 bytes")]

    assert all(map(is_full, (full, quota, *descriptors)))
    assert all(map(lacks_space, (full, quota)))
    assert not any(map(lacks_space, (*descriptors, *others)))
    assert not any(map(is_full, others))
