"""What tests fetch of other people's work: once, pinned to a version, and never into the repository."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from tests.support.services import Missing

FETCH_S = 900


def cached(name: str, fill: Callable[[Path], object]) -> Path:
    """Folder `name` of the cache. Where it is not there yet, `fill` is given a new folder, which takes that place
    once it is whole."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tivo"
    folder = home / name
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home) as scratch:
        new = Path(scratch, "new")
        new.mkdir()
        fill(new)
        with suppress(OSError):  # another run was quicker
            new.rename(folder)
    return folder


def fetch(*command: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """What a package client prints. Raises Missing with its last words where it fails."""
    told = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=FETCH_S,
    )
    if told.returncode:
        raise Missing(f"{' '.join(command[:4])} failed: {(told.stdout + told.stderr).strip()[-600:]}")
    return told.stdout
