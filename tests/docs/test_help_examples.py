"""The examples in the help of the commands, run against a real tivo as far as they go to one."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import httpx
import pytest

from tests.support.tivo import Tivo, tivo_up
from tivo.cli import COMMANDS, cli

GATEWAY_COMMANDS = re.compile(r"\btivo (play|tail|produce|topics|export)\b")
SHOWN_S = 2
"""How long an example runs that does not end by itself."""
STOPPED = 124
"""The exit code of `timeout` for what it had to stop."""

pytestmark = pytest.mark.timeout(120)


def examples() -> Iterator[str]:
    """The lines behind `\\b` in the help of tivo and of its commands that go to a gateway."""
    commands = [cli, *(cli.get_command(click.Context(cli), name) for name in COMMANDS)]
    for command in commands:
        assert command is not None
        shown = (command.help or "").partition("\b\n")[2]
        yield from (line.strip() for line in shown.splitlines() if GATEWAY_COMMANDS.search(line))


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tivo]:
    with tivo_up(tmp_path_factory.mktemp("help")) as running:
        for topic in ("quakes", "orders", "payments", "greetings", "metrics.cpu"):
            body = {"records": [{"key": "host-1", "value": {"n": 1}, "time": "-1m"}]}
            httpx.post(f"{running.http}/v1/topics/{topic}/records", json=body, timeout=30).raise_for_status()
        yield running


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where the files lie that examples read."""
    (tmp_path / "trips.ndjson").write_text('{"started": "2016-01-15T14:32:24Z"}\n')
    (tmp_path / "app.log").write_text("a line\n")
    return tmp_path


def test_there_are_examples_for_whoever_begins() -> None:
    assert {"play", "tail", "produce", "export"} == {
        name for line in examples() for name in GATEWAY_COMMANDS.findall(line)
    }


@pytest.mark.parametrize("example", list(examples()))
def test_what_the_help_shows_runs(example: str, up: Tivo, directory: Path) -> None:
    script = example.replace("--fit 1m", "--fit 1s").replace("| jq .value", "| cat")
    script = script.replace("--end 2016-01-15T14:33:24Z", "--end 2016-01-15T14:32:25Z")
    script = re.sub(r"\btivo (?!up)", f"timeout {SHOWN_S} tivo ", script).replace(
        "tail -f", f"timeout {SHOWN_S} tail -f"
    )
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = os.environ | {"TIVO_URL": up.http, "TIVO_KAFKA_BOOTSTRAP": up.kafka, "PATH": path}

    ran = subprocess.run(
        ["bash", "-c", script], cwd=directory, env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert ran.returncode in {0, STOPPED}, ran.stderr
    assert not [line for line in ran.stderr.splitlines() if "Traceback" in line or line.startswith("tivo:")], ran.stderr
