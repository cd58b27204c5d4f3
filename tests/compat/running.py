"""A broker process under test: started, killed, stopped and started again on the same data."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed


class RunningBroker:
    """One broker process at a time, on one data directory and one port (a free one at first)."""

    def __init__(self, data: Path, *, flush: str = "always", loop: str = "uvloop", **options: int) -> None:
        self.data = data
        self.port = 0
        self.private_port = 0
        self._log = data.with_name(data.name + ".log")
        self._arguments = ["--flush", flush, "--loop", loop]
        self._arguments += [word for name, value in options.items() for word in ("--option", f"{name}={value}")]
        self._process: subprocess.Popen[str] | None = None

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def log(self) -> list[str]:
        """What the broker has logged until now."""
        return self._log.read_text().splitlines()

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels, or with the labels that stand behind the name in braces."""
        with urlopen(f"http://127.0.0.1:{self.private_port}/metrics", timeout=20) as page:
            lines = page.read().decode().splitlines()
        return sum(
            float(line.split()[-1]) for line in lines if line.startswith((f"{name} ", name + "{" * ("{" not in name)))
        )

    def advertise(self, port: int) -> None:
        """Let clients be told to connect to another port, from the next start on."""
        self._arguments += ["--option", f"advertised_port={port}"]

    def start(self) -> None:
        """Return when clients can connect."""
        command = [sys.executable, "-m", "tests.compat.broker_process", str(self.data), "--port", str(self.port)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *self._arguments], stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the broker ended with {self._process.wait()} before it was ready: {self.log()[-5:]}"
        told = json.loads(line)
        self.port, self.private_port = told["port"], told["private_port"]

    def kill(self) -> None:
        """As `kill -9`: no chance to write anything."""
        self._end(subprocess.Popen.kill)

    def stop(self) -> int:
        """Ask it to stop; gives its exit code."""
        return self._end(subprocess.Popen.terminate)

    def _end(self, how: Callable[["subprocess.Popen[str]"], None]) -> int:
        process, self._process = self._process, None
        assert process is not None
        how(process)
        assert process.stdout is not None
        process.stdout.close()
        return process.wait(timeout=10)


def eventually(asked: Callable[[], bool], *, seconds: float = 20) -> bool:
    """Ask again and again until it is so; whether it came to be."""
    again = Retrying(
        retry=retry_if_result(lambda so: not so),
        stop=stop_after_delay(seconds),
        wait=wait_fixed(0.05),
        retry_error_callback=lambda state: False,
    )
    return bool(again(asked))
