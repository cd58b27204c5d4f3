import errno
from pathlib import Path

import pytest

from tests.support.faulty_disk import Fault, FaultyDisk
from tests.support.small_log import (
    opened,
)
from tivo.model.errors import LogError


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "quakes-0"


def test_a_log_that_cannot_be_opened_is_told(directory: Path) -> None:
    with pytest.raises(LogError, match=r"quakes-0: cannot open its log: .*No space left"):
        opened(directory, FaultyDisk(Fault(operation="create", error=errno.ENOSPC)))
