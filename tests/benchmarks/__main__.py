"""`make bench`: every benchmark in turn, each in a process of its own that tells the machine first.

All run to the end; the exit code is 1 where one of them missed a bar, or failed.
"""

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent

WHOLE = {"store": ("--events", "10000000")}
"""Arguments with which a benchmark gives the figures that the documentation speaks of; others need none."""


def main() -> int:
    names = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("only", nargs="*", metavar="NAME", help=f"of {', '.join(names)}; default: all")
    only = parser.parse_args().only or names
    unknown = set(only) - set(names)
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    missed = []
    for name in only:
        print(f"\n== {name}", flush=True)
        command = [sys.executable, "-m", f"tests.benchmarks.bench_{name}", *WHOLE.get(name, ())]
        if subprocess.run(command, check=False).returncode:
            missed.append(name)
    print(f"\nmissed or failed: {', '.join(missed)}" if missed else "\nevery bar was met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
