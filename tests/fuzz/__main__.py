"""`make fuzz`: every target in turn, for so many seconds each, in a process of its own.

Where atheris is installed (`pip install --group fuzz`) it is guided by what the code runs, else inputs are only
mutated. What breaks a target is printed as bytes: make a unit test of it.
"""

import argparse
import importlib.util
import logging
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.mutation import mutated

GUIDED = importlib.util.find_spec("atheris") is not None
GUIDES = [
    *(f"tivo.wire.{file}" for file in ("connection", "framing", "primitives", "record_batch", "compression")),
    *("tivo.log", "tivo.auth.scram", "tivo.broker.journal_format", "tivo.broker.producers"),
]
"""What is watched as it runs. The rest has nothing to find, and costs a minute to prepare."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("only", nargs="*", metavar="TARGET", help="default: all")
    parser.add_argument("--seconds", type=int, default=60, metavar="N", help="for each target")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        return _run(given.inside, given.seconds)
    return _run_all(given.only, given.seconds)


def _run_all(only: list[str], seconds: int) -> int:
    from tests.fuzz.targets import TARGETS  # noqa: PLC0415  not before atheris had its chance, where it is inside

    unknown = set(only) - TARGETS.keys()
    if unknown:
        print(f"there is no target {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
        return 2
    print("guided by atheris" if GUIDED else "mutated only: atheris is not installed (pip install --group fuzz)")
    broken = []
    for name in only or TARGETS:
        print(f"\n== {name}: {seconds} s", flush=True)
        command = [sys.executable, "-m", "tests.fuzz", "--inside", name, "--seconds", str(seconds)]
        if subprocess.run(command, check=False).returncode:
            broken.append(name)
    print(f"\nbroken: {', '.join(broken)}" if broken else "\nnothing broke")
    return 1 if broken else 0


def _run(name: str, seconds: int) -> int:
    logging.disable(logging.CRITICAL)
    return _guided(name, seconds) if GUIDED else _blind(name, seconds)


def _guided(name: str, seconds: int) -> int:
    import atheris  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415

    with atheris.instrument_imports(include=GUIDES):
        from tests.fuzz.targets import MOST_BYTES, TARGETS  # noqa: PLC0415

    target = TARGETS[name]
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(target.seeds()):
            Path(folder, f"seed{number}").write_bytes(seed)
        flags = [f"-max_total_time={seconds}", f"-max_len={MOST_BYTES}", "-rss_limit_mb=2048", "-timeout=20"]
        atheris.Setup(
            [name, folder, *flags, "-print_final_stats=1", "-verbosity=0", f"-artifact_prefix={folder}/"], target.read
        )
        atheris.Fuzz()
    return 0


def _blind(name: str, seconds: int) -> int:
    from tests.fuzz.targets import MOST_BYTES, TARGETS  # noqa: PLC0415

    target, end = TARGETS[name], time.monotonic() + seconds
    for count, data in enumerate(mutated(target.seeds(), random.Random(), most_bytes=MOST_BYTES)):
        try:
            target.read(data)
        except Exception:
            print(f"bytes.fromhex({data.hex()!r})")
            raise
        if time.monotonic() > end:
            print(f"{count} inputs")
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
