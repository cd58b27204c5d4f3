"""Programs that tests ask for: where each is found, and how to get it where it is not."""

import re
import shutil
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass


class Missing(Exception):
    """A service is not here; the message says why and how to get it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A service that can be used. `where` is url, docker or local, `place` a URL or the path of a program."""

    where: str
    version: str
    place: str

    def __str__(self) -> str:
        return f"{self.where} {self.version}".strip()


def program(name: str, *version_flags: str, install: str) -> Found:
    """A program on the PATH. Raises Missing."""
    path = shutil.which(name)
    if path is None:
        raise Missing(f"no program {name!r} on the PATH; {install}")
    return Found(where="local", version=version_of(path, *version_flags), place=path)


def version_of(path: str, *flags: str) -> str:
    """The first dotted number that a program prints about itself, or nothing."""
    if not flags:
        return ""
    told = subprocess.run([path, *flags], capture_output=True, text=True, check=False, timeout=30)
    match = re.search(r"\d+(?:\.\d+)+", told.stdout + told.stderr)
    return match.group() if match else ""


def java() -> Found:
    """A Java of at least 17, which the broker of Kafka 4 needs."""
    found = program("java", "-version", install="install a Java 17 runtime, such as openjdk-17-jre-headless")
    if int(found.version.split(".")[0] or 0) < 17:
        raise Missing(f"Java {found.version} is too old for Kafka 4; install openjdk-17-jre-headless")
    return found


def docker() -> Found:
    """A Docker engine that answers, not only its client."""
    found = program("docker", install="install Docker")
    told = subprocess.run(
        [found.place, "version", "--format", "{{.Server.Version}}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    if told.returncode:
        raise Missing("no Docker engine answers; start one (dockerd)")
    return Found(where="local", version=told.stdout.strip(), place=found.place)


def _chromium() -> Found:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if shutil.which(name):
            return program(name, "--version", install="")
    raise Missing("no Chromium on the PATH; install the package chromium")


def free_port() -> int:
    """A port of loopback that nobody has now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


PROGRAMS: dict[str, Callable[[], Found]] = {
    "kcat": lambda: program("kcat", "-V", install="install the package kcat"),
    "chromium": _chromium,
    "node": lambda: program("node", "--version", install="install Node.js 20 or newer"),
    "npm": lambda: program("npm", "--version", install="install npm 10 or newer"),
    "java": java,
    "strace": lambda: program("strace", "-V", install="install the package strace"),
    "maven": lambda: program("mvn", "--version", install="install the package maven"),
    "docker": docker,
}
"""How each service is found that is a program on this machine; each raises Missing."""
