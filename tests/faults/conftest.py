"""A disk of a size that a test can fill."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


def mount(*arguments: str) -> int:
    return subprocess.run(["mount", *arguments], check=False, capture_output=True).returncode


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB, where this process may mount one."""
    place = tmp_path / "small"
    place.mkdir()
    if mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)):
        pytest.skip("a tmpfs can be mounted by root only; the limit of file size stands in for it")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)
