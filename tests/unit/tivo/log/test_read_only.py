import errno

import pytest

from tivo.log.disk import SyncFailed
from tivo.log.read_only import ReadOnly
from tivo.model.errors import LogError

FULL, BROKEN = OSError(errno.ENOSPC, "No space left"), OSError(errno.EIO, "Input/output error")
FAILED_SYNC = SyncFailed(errno.ENOSPC, "No space left")


def test_nothing_is_refused_at_first() -> None:
    read_only = ReadOnly("quakes-0")

    read_only.check()

    assert (None, False) == (read_only.why, read_only.is_full)


def test_full_disk_may_pass() -> None:
    read_only = ReadOnly("quakes-0")
    told = read_only.failed("an append", FULL)
    assert told is read_only.why
    with pytest.raises(LogError, match="quakes-0 is read-only until there is space again: an append failed: ENOSPC"):
        read_only.check()

    assert read_only.lift()

    read_only.check()
    assert (None, False) == (read_only.why, read_only.is_full)


@pytest.mark.parametrize("error", [BROKEN, FAILED_SYNC])
def test_what_is_broken_stays_so_whatever_fails_afterwards(error: OSError) -> None:
    read_only = ReadOnly("quakes-0")
    first = read_only.failed("a sync", error)

    second = read_only.failed("writing down damage", FULL)

    assert "until it is opened anew: writing down damage failed: ENOSPC" in str(second)
    assert first is read_only.why
    assert not read_only.is_full
    assert not read_only.lift()
    with pytest.raises(LogError, match="until it is opened anew: a sync failed"):
        read_only.check()


def test_full_disk_that_breaks_does_not_pass() -> None:
    read_only = ReadOnly("quakes-0")
    read_only.failed("an append", FULL)

    broken = read_only.failed("looking for space", BROKEN)

    assert broken is read_only.why
    assert not read_only.lift()


def test_what_a_full_disk_left_undone_may_be_for_good() -> None:
    read_only = ReadOnly("quakes-0")

    told = read_only.failed("an append", FULL, for_good=True)

    assert "until it is opened anew" in str(told)
    assert not read_only.lift()


def test_what_lifts_where_nothing_failed_is_nothing() -> None:
    assert not ReadOnly("quakes-0").lift()


def test_log_that_was_let_go_tells_so_unless_it_failed_before() -> None:
    well, full = ReadOnly("quakes-0"), ReadOnly("ships-0")
    before = full.failed("an append", FULL)

    well.end("is closed")
    full.end("is closed")

    assert "quakes-0 is closed" == str(well.why)
    assert before is full.why
    assert not full.lift()
    assert not full.is_full
