"""The product as its users run it: `tivo up` in a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START_S = 60
POLL_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Tivo:
    """A running tivo: where it answers, and its processes."""

    process: subprocess.Popen[bytes]
    ready_file: Path
    messages: Path
    data: Path

    @property
    def ready(self) -> dict[str, Any]:
        """The ready file as it is now: http, kafka, pids, private."""
        document: dict[str, Any] = json.loads(self.ready_file.read_text())
        return document

    @property
    def http(self) -> str:
        return str(self.ready["http"])

    @property
    def socket(self) -> str:
        return self.http.replace("http", "ws", 1)

    @property
    def kafka(self) -> str:
        return str(self.ready["kafka"])

    def kill(self, name: str) -> None:
        """kill -9 one of the processes; `tivo up` starts it again."""
        pid = self.ready["pids"][name]
        os.kill(pid, signal.SIGKILL)

    def wait_for_restart(self, name: str, old_pid: int) -> None:
        """Until a process runs and is ready under another pid."""
        until(lambda: self.ready["pids"][name] != old_pid, f"{name} to be started again")


def until(condition: Any, what: str, *, timeout_s: float = START_S) -> None:
    """Wait for a condition, asking often; fails naming what was waited for."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout_s:.0f} s for {what}"
        time.sleep(POLL_S)


@contextmanager
def tivo_up(
    directory: Path, *flags: str, environment: dict[str, str] | None = None, data: Path | None = None
) -> Iterator[Tivo]:
    """Start `tivo up` on free ports, wait until it is ready, stop it as Ctrl-C does."""
    directory.mkdir(parents=True, exist_ok=True)
    ready_file, messages = directory / "ready.json", directory / "messages.txt"
    data = data or directory / "data"
    ready_file.unlink(missing_ok=True)
    command = ["up", "--data", str(data), "--port", "0", "--kafka-port", "0", "--ready-file", str(ready_file), *flags]
    with messages.open("ab") as sink:
        process = tivo(command, environment=environment, stdout=sink, stderr=sink)
    running = Tivo(process=process, ready_file=ready_file, messages=messages, data=data)
    try:
        until(lambda: ready_file.exists() or process.poll() is not None, "tivo up to be ready")
        assert process.poll() is None, f"tivo up ended with {process.returncode}:\n{messages.read_text()}"
        yield running
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def tivo(
    command: Sequence[str], *, environment: dict[str, str] | None = None, **options: Any
) -> subprocess.Popen[bytes]:
    """Start a `tivo` command; variables of a tivo that the test runs under do not reach it."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("TIVO_")}
    return subprocess.Popen(
        [sys.executable, "-m", "tivo", *command], env=inherited | (environment or {}), start_new_session=True, **options
    )
