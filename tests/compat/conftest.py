"""One broker process for the whole run; every test works on topics and groups of its own.

A file of tests says with which client it speaks: `pytestmark = pytest.mark.client("kcat")`. The
table at the end counts by client; what a whole foreign suite scored is a line of its own.
"""

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from itertools import count
from pathlib import Path

import pytest

from tests.compat.running import RunningBroker
from tests.compat.scores import Score, table
from tests.compat.watching import Bystander, Watch

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # kafka-python 3.0 loads its schemas by a deprecated function
    import kafka  # noqa: F401

_numbers = count()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "client(name): the tests speak with this Kafka client")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.user_properties.extend(("client", with_version(mark.args[0])) for mark in item.iter_markers("client"))


def with_version(client: str) -> str:
    """A client that is a Python package is told with the version that is installed."""
    try:
        return f"{client} {version(client)}"
    except PackageNotFoundError:
        return client


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counts: dict[str, list[bool]] = defaultdict(list)
    suites: list[Score] = []
    for outcome in ("passed", "failed", "error"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, value in report.user_properties:
                if name == "client":
                    counts[value].append(outcome == "passed")
                elif name == "score":
                    suites.append(Score(**value))
    scores = [Score(name=client, passed=sum(all_of), of=len(all_of)) for client, all_of in sorted(counts.items())]
    for line in table([*scores, *suites]):
        terminalreporter.write_line(line)


@pytest.fixture(scope="session", params=["uvloop", pytest.param("asyncio", marks=pytest.mark.whole)])
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBroker]:
    """A broker that all tests share: it is neither stopped nor killed."""
    data = tmp_path_factory.mktemp("broker") / "data"
    running = RunningBroker(
        data, loop=request.param, complaint_lines=100_000, max_connections_per_second=100_000
    )  # tests come from one address, one right behind the other
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def bystander(broker: RunningBroker) -> Iterator[Bystander]:
    """A client that is served all the while."""
    with Bystander(broker, "bystander") as client:
        yield client


@pytest.fixture
def watch(broker: RunningBroker, bystander: Bystander) -> Iterator[Watch]:
    """A look at the shared broker from the beginning of a test on; at its end it must be unharmed."""
    watched = Watch(broker, bystander).begin()
    yield watched
    assert watched.is_unharmed()


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[RunningBroker]:
    """A broker for one test, which may do with it what it likes; it must be running at the end."""
    running = RunningBroker(tmp_path / "data", max_connections_per_second=100_000)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def new_name(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Names that nobody else uses, for topics and groups."""
    test = "".join(letter if letter.isalnum() else "-" for letter in request.node.name)
    return lambda: f"{test}.{next(_numbers)}"


@pytest.fixture
def topic(new_name: Callable[[], str]) -> str:
    return new_name()


@pytest.fixture
def group(new_name: Callable[[], str]) -> str:
    return new_name()
