"""What a process asks of its surroundings before it runs."""

import os
from pathlib import Path

import pytest

from tivo import service
from tivo.config import Settings
from tivo.model.errors import ConfigError


def test_a_data_directory_is_made_with_those_above_it(tmp_path: Path) -> None:
    service.make_directory(tmp_path / "a" / "b")

    assert (tmp_path / "a" / "b").is_dir()


def test_a_data_directory_that_cannot_be_made_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ConfigError, match=r"data directory .*file/data cannot .*: Not a directory; .*--data"):
        service.make_directory(tmp_path / "file" / "data")
    with pytest.raises(ConfigError, match="cannot be made"), service.lock(tmp_path / "file" / "data"):
        pass
    with pytest.raises(ConfigError, match="cannot be made"):
        service.run_broker(Settings(data=str(tmp_path / "file" / "data")), tell=print)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_data_directory_that_may_not_be_written_to_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    with pytest.raises(ConfigError, match=r"cannot be made or written to: Permission denied; let this user"):
        service.make_directory(tmp_path)
