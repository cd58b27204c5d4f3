"""The client library's own tests, written in its own language, as one test of this suite."""

import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.needs("node")
def test_library_in_node(node: str) -> None:
    scripts = sorted(str(path) for path in HERE.glob("*.test.js"))

    run = subprocess.run([node, "--test", *scripts], capture_output=True, text=True, timeout=110, check=False)

    assert 0 == run.returncode, f"{run.stdout}\n{run.stderr}"
