"""kafka-python's own integration tests, from the sources of its release, against our broker."""

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.compat.foreign.verdict import Misses, Record, judge
from tests.compat.running import RunningBroker
from tests.compat.scores import Outcome
from tests.support.cache import cached, fetch

VERSION = "3.0.12"
NAME = f"kafka-python {VERSION}, test/integration"
SUITE_S = 600
FILES = [f"test/integration/test_{subject}_integration.py" for subject in ("admin", "consumer", "producer")]

# The release leaves out this file of its tests: what it needs to know of a broker that somebody else started.
_SERVICE = '''class SpawnedService:
    """A process that the tests would start."""


class ExternalService:
    """A broker that runs already."""

    def __init__(self, host, port):
        self.host, self.port = host, port

    def open(self):
        """It is open."""

    def close(self):
        """Whoever started it closes it."""
'''


def sources() -> Path:
    """The release unpacked, with an environment of its own in `venv`. Raises Missing."""

    def fill(folder: Path) -> None:
        pip = ("-m", "pip", "--disable-pip-version-check", "-q")
        fetch(sys.executable, "-m", "venv", str(folder / "venv"))
        python = str(folder / "venv" / "bin" / "python")
        wanted = [f"kafka-python[crc32c,lz4,snappy,zstd]=={VERSION}", "pytest==8.4.2", "pytest-timeout==2.4.0"]
        fetch(python, *pip, "install", *wanted)
        release = ("--no-deps", "--no-binary", "kafka-python", f"kafka-python=={VERSION}", "-d", str(folder))
        fetch(python, *pip, "download", *release)
        fetch("tar", "xzf", f"kafka_python-{VERSION}.tar.gz", "--strip-components", "1", cwd=folder)
        (folder / "test" / "__init__.py").touch()
        (folder / "test" / "service.py").write_text(_SERVICE)
        (folder / "servers" / "4.0.0" / "kafka-bin").mkdir(parents=True)

    return cached(f"kafka-python-{VERSION}", fill)


def outcome_of(report: Path) -> Outcome:
    """The outcome in a JUnit file."""
    passed, missed = set(), {}
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname', '').rpartition('.')[2]}.{case.get('name')}"
        said = [each for kind in ("failure", "error", "skipped") for each in case.iter(kind)]
        if said:
            missed[name] = f"{said[0].tag}: {said[0].get('message', '').splitlines()[0][:200]}"
        else:
            passed.add(name)
    return Outcome(passed=frozenset(passed), missed=missed)


@pytest.mark.whole
@pytest.mark.timeout(SUITE_S + 60)
def test_integration_suite(broker: RunningBroker, misses: Misses, tmp_path: Path, record_property: Record) -> None:
    folder, report = sources(), tmp_path / "report.xml"
    environment = {**os.environ, "KAFKA_URI": f"kafka://{broker.bootstrap}", "KAFKA_VERSION": "4.0.0"}
    run = subprocess.run(
        [
            *(str(folder / "venv" / "bin" / "python"), "-m", "pytest", "-q", *FILES, f"--junitxml={report}"),
            *("--timeout", "120", "--timeout-method", "signal", "-o", "log_level=CRITICAL"),
        ],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=SUITE_S,
    )
    assert report.exists(), run.stdout + run.stderr

    judge(NAME, outcome_of(report), misses["kafka-python"], record_property)
