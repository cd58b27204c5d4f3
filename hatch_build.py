"""Builds the console when the package is built, so that an install from source has it too.

The built pages lie in `tivo/console/static` beside the digest of the sources they were made from.
They are made anew when that digest is another (never by file times, which an sdist flattens). An
sdist carries them, so it installs without npm. `TIVO_SKIP_UI=1` leaves the console as it is.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

CONSOLE = Path("tivo/console")
DIGEST = "sources.sha256"
SOURCES = ("app/src", "app/index.html", "app/package.json", "app/package-lock.json", "app/vite.config.js", "lib")

NOT_BUILT = """the console is not built and npm is not here to build it. Either
  - install Node.js 20.19 or later, which brings npm, and try again, or
  - set TIVO_SKIP_UI=1 to install without the console."""


class ConsoleHook(BuildHookInterface[Any]):
    """Runs before files are collected, for wheel, editable install and sdist alike."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Raises RuntimeError where there would be no console."""
        if os.environ.get("TIVO_SKIP_UI") == "1":
            return
        console = Path(self.root) / CONSOLE
        if is_built(console):
            return
        npm = shutil.which("npm")
        if npm:
            self.app.display_info("building the console with npm")
            build(console, npm)
        elif (console / "static" / "index.html").exists():
            self.app.display_warning("the console was built from other sources, and npm is not here to build it anew")
        else:
            raise RuntimeError(NOT_BUILT)


def is_built(console: Path) -> bool:
    """Whether the built pages are those of the present sources. An sdist without the sources is built."""
    static = console / "static"
    if not (static / "index.html").exists():
        return False
    written = static / DIGEST
    return not (console / "app").exists() or (written.exists() and written.read_text().strip() == digest(console))


def digest(console: Path) -> str:
    """One hash over the names and contents of everything that the pages are made from."""
    whole = sha256()
    for path in sorted(_files(console), key=lambda path: path.relative_to(console).as_posix()):
        content = path.read_bytes()
        whole.update(f"{path.relative_to(console).as_posix()} {len(content)}\n".encode())
        whole.update(content)
    return whole.hexdigest()


def _files(console: Path) -> Iterator[Path]:
    for source in SOURCES:
        path = console / source
        if path.is_dir():
            yield from (each for each in path.rglob("*") if each.is_file())
        elif path.exists():
            yield path


def build(console: Path, npm: str) -> None:
    """`npm ci` and `npm run build`; the digest is written last, so a build that broke off is none."""
    for command in (["ci", "--no-audit", "--no-fund"], ["run", "build"]):
        ran = subprocess.run([npm, *command], cwd=console / "app", capture_output=True, text=True, check=False)
        if ran.returncode:
            raise RuntimeError(f"`npm {' '.join(command)}` failed in {console / 'app'}:\n{ran.stdout}\n{ran.stderr}")
    (console / "static" / DIGEST).write_text(f"{digest(console)}\n")
