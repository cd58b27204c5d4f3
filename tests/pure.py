"""`python -m tests.pure`: of the pure rooms every line and branch is run, and each file's by its own test file.

The rooms are those of the import contract that keeps them pure; `tests/unit` mirrors the tree. A file
that only declares needs no tests: to import it is to run it.
"""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from coverage import Coverage
from coverage.exceptions import NoDataError

ROOT = Path(__file__).parents[1]
CONTRACT = "Pure rooms do no I/O and read no clock"


def rooms() -> list[str]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (found,) = (each["source_modules"] for each in contracts if each["name"] == CONTRACT)
    return list(found)


def files(room: str) -> list[Path]:
    """The modules of a room, from the root of the repository on."""
    path = ROOT.joinpath(*room.split("."))
    found = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    return [each.relative_to(ROOT) for each in found]


def own_tests(file: Path) -> Path:
    return Path("tests", "unit", file.parent, f"test_{file.name}")


def run_tests(of: list[str], data_file: Path) -> int:
    """Run the tests of rooms, noting which test ran which line."""
    tests = [str(own_tests(file)) for room in of for file in files(room) if (ROOT / own_tests(file)).exists()]
    noting = ["--cov-branch", "--cov-context=test", "--cov-report=", *(f"--cov={room}" for room in of)]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "--hypothesis-seed=0", *noting, *tests]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, "COVERAGE_FILE": str(data_file)}, check=False
    ).returncode


def gaps(file: Path, data: Coverage, report: Path) -> Iterator[str]:
    """What neither the import of a file nor its own tests run."""
    whose = [r"^$", f"^{re.escape(str(own_tests(file)))}::"]
    try:
        data.json_report(morfs=[str(ROOT / file)], contexts=whose, outfile=str(report))
    except NoDataError:
        yield "nothing of it was run"
        return
    (found,) = json.loads(report.read_text())["files"].values()
    yield from (f"line {line}" for line in found["missing_lines"])
    yield from (f"branch from line {start} to {end}" for start, end in found["missing_branches"])


def main() -> int:
    chosen = sys.argv[1:] or rooms()
    with TemporaryDirectory() as folder:
        data_file, report = Path(folder, "coverage"), Path(folder, "report.json")
        failed = run_tests(chosen, data_file)
        data = Coverage(data_file=data_file, config_file=False)
        data.load()
        looked_at = [file for room in chosen for file in files(room)]
        missed = {file: found for file in looked_at if (found := [*gaps(file, data, report)])}
    for file, found in missed.items():
        by = f"by {own_tests(file)}" if (ROOT / own_tests(file)).exists() else f"for want of {own_tests(file)}"
        print(f"{file} is not wholly run {by}: {', '.join(found)}")
    if not missed:
        print(f"{len(looked_at)} files of the pure rooms are wholly run, each by its own tests")
    return 1 if failed or missed else 0


if __name__ == "__main__":
    sys.exit(main())
