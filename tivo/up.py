"""Runs all processes of tivo on one machine: starts, waits until ready, restarts, stops.

The children are commands that may as well be run by hand. They get their settings through the
environment, each a private port to be asked on, and never talk to this process.
"""

import asyncio
import contextlib
import http.client
import json
import os
import secrets
import signal
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from operator import not_
from pathlib import Path

import tenacity

from tivo import config
from tivo.model.errors import ConfigError, NeighbourError

STOP_S, BROKER_STOP_S = 4.0, 30.0
"""How long children may take to stop before they are killed, all of them together, and the broker.

It stops within a second, too, unless there are many partitions or a slow disk: not to wait for them would cost more at
the next start.
"""

READY_S = 60.0
POLL_S = 0.05
HEALTHY_US = 30_000_000
"""A child that ran so long starts again at once; one that died sooner waits longer each time."""

DRAWN_PORTS = range(20_000, 32_768)
"""Where a port is looked for that may be any: below those that systems give to connections, which are taken and left
all the time, so that it is still free when the child comes to it."""

DRAWS = 100

EXIT_REFUSED = 78
"""sysexits' EX_CONFIG: the child cannot run as it is configured, so it is not started again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """One process: its name, its command after `tivo`, and the port of its probes."""

    name: str
    arguments: tuple[str, ...]
    private_port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What `tivo up` runs, with every port settled."""

    settings: config.Settings
    children: tuple[Child, ...]
    ready_file: Path | None

    @property
    def url(self) -> str:
        return self.settings.url


def make_plan(settings: config.Settings, *, demo: bool, ready_file: Path | None) -> Plan:
    """Settle the ports and name the children.

    Raises ConfigError where a port is in use, or the ready file could not be written.
    """
    _check_ready_file(ready_file)
    kafka, gateway = settings.kafka, settings.gateway
    if kafka.bootstrap is None:
        kafka = replace(kafka, port=_settled_port(kafka.host, kafka.port, "kafka.port"))
    gateway = replace(gateway, port=_settled_port(gateway.host, gateway.port, "gateway.port"))
    names = ["agent", "gateway"] if kafka.bootstrap else ["broker", "agent", "gateway"]
    names += ["demo"] if demo else []
    children = tuple(
        Child(name=name, arguments=(name,), private_port=_settled_port("127.0.0.1", 0, "private_port"))
        for name in names
    )
    return Plan(settings=replace(settings, kafka=kafka, gateway=gateway), children=children, ready_file=ready_file)


def _check_ready_file(path: Path | None) -> None:
    """While nothing runs yet: it is written only once all is ready."""
    if path is None:
        return
    if not path.parent.is_dir():
        raise ConfigError(f"--ready-file {path}: there is no directory {path.parent}; make it, or name another file")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise ConfigError(f"--ready-file {path}: this user may not write to {path.parent}; name another file")


def _settled_port(host: str, port: int, setting: str) -> int:
    """A port that is free now; the one asked for, or any where that is 0."""
    drawn = (secrets.choice(DRAWN_PORTS) for _ in range(DRAWS))
    refused: OSError | None = None
    for each in [port] if port else drawn:
        try:
            _bind(host, each)
        except OSError as error:
            refused = error
        else:
            return each
    assert refused is not None
    raise ConfigError(
        f"{setting}: {host}:{port} cannot be bound: {refused.strerror}; "
        f"stop what listens there, or set another port: {_variable(setting)}={port + 1} in the environment, "
        f"or 0 for one that is free"
    ) from refused


def _bind(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def _variable(setting: str) -> str:
    return f"TIVO_{setting.replace('.', '_').upper()}"


class Supervisor:
    """Keeps the children of a plan running until it is told to stop.

    `tell` gets a line for people whenever something happens to a child.
    """

    def __init__(self, plan: Plan, *, tell: Callable[[str], None], steady_us: Callable[[], int]) -> None:
        self._plan = plan
        self._tell = tell
        self._steady_us = steady_us
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._stopping = asyncio.Event()
        self._refused: str | None = None
        self._all_ready = False

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Start all, call `on_ready` once all answer, return when stopped.

        Raises NeighbourError where a child refuses to run or never gets ready.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stopping.set)
        try:
            async with asyncio.TaskGroup() as tasks:
                for child in self._plan.children:
                    await self._start(child)
                under_way = [tasks.create_task(self._keep(child)) for child in self._plan.children]
                under_way.append(tasks.create_task(self._until_ready(on_ready)))
                await self._stopping.wait()
                if not self._refused:
                    self._tell("stopping")
                for task in under_way:
                    task.cancel()
        finally:
            await self._stop_all()
            if self._plan.ready_file:
                self._plan.ready_file.unlink(missing_ok=True)
        if self._refused:
            raise NeighbourError(self._refused)

    async def _until_ready(self, on_ready: Callable[[], None]) -> None:
        try:
            async with asyncio.timeout(READY_S):
                for child in self._plan.children:
                    await _until(partial(_is_ready, child.private_port))
        except TimeoutError:
            why = await asyncio.to_thread(_why_unready, child.private_port)
            self._refused = f"{child.name} did not get ready within {READY_S:.0f} s: {why}"
            self._stopping.set()
            return
        self._all_ready = True
        self._write_ready_file()
        on_ready()

    async def _settled(self, child: Child) -> bool:
        """Wait until a child that was just started answers, or is dead; whether it answers."""
        process = self._running[child.name]
        await _until(lambda: process.returncode is not None or _is_ready(child.private_port))
        return process.returncode is None

    async def _start(self, child: Child) -> None:
        settings = replace(self._plan.settings, private_port=child.private_port)
        environment = {key: value for key, value in os.environ.items() if not config.is_setting(key)}
        self._running[child.name] = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tivo", *child.arguments, "--stop-with", str(os.getpid()),
            env=environment | config.to_environment(settings),
            start_new_session=True,  # Ctrl-C reaches this process alone, which then stops them in order
        )  # fmt: skip

    async def _keep(self, child: Child) -> None:
        """Start a child again whenever it dies, later each time it dies young."""
        waits = _backoff()
        while True:
            process, born_us = self._running[child.name], self._steady_us()
            code = await process.wait()
            if self._stopping.is_set():
                return
            if code == EXIT_REFUSED:
                self._refused = f"{child.name} refuses to run; its message is above"
                self._stopping.set()
                return
            if self._steady_us() - born_us > HEALTHY_US:
                waits = _backoff()
            wait_s = next(waits)
            self._tell(f"{child.name} (pid {process.pid}) {_ended(code)}; starting it again in {wait_s:.1f} s")
            await asyncio.sleep(wait_s)
            await self._start(child)
            if await self._settled(child):
                self._tell(f"{child.name} runs again (pid {self._running[child.name].pid})")
                self._write_ready_file()

    async def _stop_all(self) -> None:
        """The demo and the gateway first, the broker last, so that everything acknowledged comes to rest."""
        begun_s = asyncio.get_running_loop().time()
        for child in reversed(self._plan.children):
            process = self._running.get(child.name)
            if process is None or process.returncode is not None:
                continue
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                async with asyncio.timeout_at(begun_s + (BROKER_STOP_S if child.name == "broker" else STOP_S)):
                    await process.wait()
            except TimeoutError:
                self._tell(f"{child.name} does not stop; killing it")
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()

    def _write_ready_file(self) -> None:
        """One JSON object, replaced in one step, so that a reader never sees half of it."""
        path = self._plan.ready_file
        if path is None or not self._all_ready:
            return
        pids = {"broker": None} | {name: process.pid for name, process in self._running.items()}
        private = {child.name: child.private_port for child in self._plan.children}
        addresses = {"http": self._plan.url, "kafka": self._plan.settings.bootstrap}
        document = {**addresses, "pids": pids, "private": private}
        beside = path.with_name(path.name + ".new")
        beside.write_text(json.dumps(document) + "\n")
        beside.replace(path)


async def _until(condition: Callable[[], bool]) -> None:
    asking = tenacity.AsyncRetrying(retry=tenacity.retry_if_result(not_), wait=tenacity.wait_fixed(POLL_S))
    await asking(asyncio.to_thread, condition)


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1) as answer:
            return bool(answer.status == 200)
    except (OSError, http.client.HTTPException):
        return False


def _why_unready(port: int) -> str:
    """What a process says itself about not being ready."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1) as answer:
            return f"it was a moment later (/readyz answers {answer.status})"
    except urllib.error.HTTPError as refusal:
        reasons: dict[str, str] = json.loads(refusal.read())["reasons"]
        return "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
    except (OSError, http.client.HTTPException):
        return "it does not answer on its private port; its messages are above"


def _backoff() -> Iterator[float]:
    """Waits in seconds: 0.1, 0.2, 0.4 … 10."""
    return (min(0.1 * 2**attempt, 10.0) for attempt in count())


def _ended(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
