"""Tests ask for outside services; none is left out in silence.

A test names a service by a fixture (`kafka`, `kcat`, `chromium`, `node`, …) or by the marker
`needs("node", "npm")`. Where it is missing the test is skipped and the reason told; with
`--require=NAME[,NAME…]` or `--require=all` it fails instead, saying how to install the service.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support.go import find_go
from tests.support.kafka import find_kafka, running
from tests.support.services import PROGRAMS, Found, Missing

SERVICES = {**PROGRAMS, "kafka": find_kafka, "go": find_go}

BUDGETS = (
    ("kills", 3, "how often a fault test kills a process"),
    ("cutovers", 200, "random cut-overs from the past to live in the playback simulation"),
    ("machine", 100, "histories of the state machine of a playback session"),
    ("first-cutover", 0, "seed of the first of these histories, to play one again"),
    ("crash-states", 500, "simulated power losses of the log"),
    ("mutations", 1_000, "torn or flipped states of segments and indexes"),
    ("fuzz-runs", 2_000, "inputs that each target of tests/fuzz is given"),
    ("window", 10, "seconds of events that are played at every speed"),
)
"""Options of the tests that could go on for ever: name, default, what they count."""

_told = pytest.StashKey[dict[str, str]]()
_left_out = pytest.StashKey[dict[str, list[str]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require",
        default="",
        metavar="NAME[,NAME…]|all",
        help=f"services that must be there, else the tests that need them fail: {', '.join(SERVICES)}",
    )
    for name, default, what in BUDGETS:
        parser.addoption(f"--{name}", type=int, default=default, metavar="N", help=what)
    parser.addoption(
        "--foreign", choices=("part", "whole"), default="part", help="what to run of other people's test suites"
    )
    parser.addoption("--pictures", metavar="DIR", help="keep the pictures that acceptance tests take of the console")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*services): the test needs these outside services")
    config.addinivalue_line("markers", "alone: held to fractions of a second, so `make test` runs nothing beside it")
    config.addinivalue_line("markers", "whole: runs only with --foreign whole, as `make compat` does")
    # No test judges by time, and a busy machine is no fault of what is tested.
    settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("untimed")
    config.stash[_told] = {}
    config.stash[_left_out] = {}
    unknown = _required(config) - SERVICES.keys()
    if unknown:
        raise pytest.UsageError(f"--require names no service: {', '.join(sorted(unknown))}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("whole") and item.config.getoption("--foreign") == "part":
        _leave_out(
            item,
            "only `make compat` runs foreign suites whole, and every client against both event loops",
            required=False,
        )
    asked = {name for mark in item.iter_markers("needs") for name in mark.args}
    for name in sorted(asked | SERVICES.keys() & getattr(item, "fixturenames", ())):
        found = _find(name)
        item.config.stash[_told][name] = str(found) if isinstance(found, Found) else "absent"
        if isinstance(found, Missing):
            _leave_out(item, f"{name}: {found}", required=name in _required(item.config))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A process that runs a part of the tests hands over what it saw to the one that sums up."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["services"] = session.config.stash[_told], session.config.stash[_left_out]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    told, left_out = getattr(node, "workeroutput", {}).get("services", ({}, {}))
    node.config.stash[_told].update(told)
    for reason, tests in left_out.items():
        node.config.stash[_left_out].setdefault(reason, []).extend(tests)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    told, left_out = config.stash[_told], config.stash[_left_out]
    if told:
        services = " ".join(f"{name}={what}" for name, what in sorted(told.items()))
        count = sum(map(len, left_out.values()))
        why = "; ".join(f"{len(tests)} × {reason}" for reason, tests in left_out.items())
        terminalreporter.write_line(f"services: {services}; left out: {count} tests" + (f" ({why})" if why else ""))


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap address of a real Apache Kafka, shared by the whole run: use topics of your own."""
    with running(_found("kafka"), tmp_path_factory.mktemp("kafka")) as bootstrap:
        yield bootstrap


@pytest.fixture(scope="session")
def kcat() -> str:
    """Path of kcat, a client on librdkafka."""
    return _found("kcat").place


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium."""
    return _found("chromium").place


@pytest.fixture(scope="session")
def node() -> str:
    """Path of Node.js."""
    return _found("node").place


@pytest.fixture(scope="session")
def npm() -> str:
    """Path of npm."""
    return _found("npm").place


@pytest.fixture(scope="session")
def java() -> str:
    """Path of a Java runtime."""
    return _found("java").place


@pytest.fixture(scope="session")
def go() -> str:
    """Path of Go, new enough for the clients that are built with it."""
    return _found("go").place


@cache
def _find(name: str) -> Found | Missing:
    try:
        return SERVICES[name]()
    except Missing as reason:
        return reason


def _found(name: str) -> Found:
    found = _find(name)
    assert isinstance(found, Found), f"{name} was given out though it is missing"
    return found


def _required(config: pytest.Config) -> set[str]:
    names = {name for name in config.getoption("--require").split(",") if name}
    return set(SERVICES) if names == {"all"} else names


def _leave_out(item: pytest.Item, reason: str, *, required: bool) -> None:
    if required:
        pytest.fail(f"required {reason}", pytrace=False)
    item.config.stash[_left_out].setdefault(reason, []).append(item.nodeid)
    pytest.skip(reason)
