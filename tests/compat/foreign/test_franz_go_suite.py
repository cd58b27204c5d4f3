"""franz-go's own tests of its client (pkg/kgo), from the sources of its release, against our broker."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compat.foreign.verdict import Misses, Record, judge
from tests.compat.guarded import GuardedBroker, guarded_broker
from tests.compat.running import RunningBroker
from tests.compat.scores import Outcome
from tests.support.cache import cached, fetch

MODULE, VERSION = "github.com/twmb/franz-go", "v1.22.3"
NAME = f"franz-go {VERSION}, pkg/kgo"
RECORDS = 20_000
SUITE_S = 900
BAR = 108

_DONE = re.compile(r"^--- (PASS|FAIL|SKIP): (\S+)", re.MULTILINE)


def sources(go: str) -> Path:
    """Where the Go command keeps the sources. Raises Missing."""
    told = fetch(go, "mod", "download", "-json", f"{MODULE}@{VERSION}")
    return Path(json.loads(told)["Dir"])


def suite(go: str) -> Path:
    """The tests, built. Raises Missing."""

    def fill(folder: Path) -> None:
        build = ("test", "-p", "1", "-c", "-o", str(folder / "kgo.test"), "./pkg/kgo")
        fetch("nice", "-n", "10", go, *build, cwd=sources(go))

    return cached(f"franz-go-{VERSION}", fill) / "kgo.test"


def outcome_of(told: str, names: list[str]) -> Outcome:
    """The outcome as the tests told it; one that told nothing did not end."""
    ended = {name: how for how, name in _DONE.findall(told)}
    return Outcome(
        passed=frozenset(name for name in names if ended.get(name) == "PASS"),
        missed={name: ended.get(name, "did not end") for name in names if ended.get(name) != "PASS"},
    )


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[GuardedBroker]:
    """A second broker, for the tests that log in."""
    with guarded_broker(tmp_path) as running:
        yield running


@pytest.mark.whole
@pytest.mark.timeout(SUITE_S + 300)
def test_client_suite(
    go: str, broker: RunningBroker, guarded: GuardedBroker, misses: Misses, tmp_path: Path, record_property: Record
) -> None:
    tests = suite(go)
    environment = {
        **os.environ,
        "KGO_SEEDS": broker.bootstrap,
        "KGO_TEST_SCRAM": "root:pencil:512",
        "KGO_TEST_SCRAM_SEEDS": guarded.addresses["SASL_PLAINTEXT"],
        "KGO_TEST_RF": "1",
        "KGO_TEST_RECORDS": str(RECORDS),
        "KGO_TEST_MAX_TOPIC_PARTS": "7",
        "KGO_LOG_LEVEL": "none",
    }
    place = sources(go) / "pkg" / "kgo"
    names = subprocess.run([tests, "-test.list", "."], cwd=place, capture_output=True, text=True, check=True).stdout
    log = tmp_path / "kgo.log"
    with log.open("w") as told:
        subprocess.run(
            ["nice", "-n", "10", tests, "-test.v", f"-test.timeout={SUITE_S}s"],
            cwd=place,
            env=environment,
            stdout=told,
            stderr=subprocess.STDOUT,
            check=False,
        )
    outcome = outcome_of(log.read_text(errors="replace"), [name for name in names.split() if name.startswith("Test")])

    judge(NAME, outcome, misses["franz-go"], record_property)
    assert BAR <= len(outcome.passed)
    assert {"TestGroupETL", "TestTxnEtl"} <= outcome.passed
