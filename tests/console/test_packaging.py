"""The build hook, with an npm that only writes down what it was asked."""

from pathlib import Path
from typing import Any

import pytest
from hatchling.bridge.app import Application

from hatch_build import ConsoleHook, digest, is_built

NPM = """#!/bin/sh
echo "$@" >> ../../../asked
if [ "$1" = "run" ]; then mkdir -p ../static && echo built > ../static/index.html; fi
exit {code}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    app = tmp_path / "tivo/console/app"
    (app / "src").mkdir(parents=True)
    (app / "src/main.ts").write_text("one")
    (tmp_path / "tivo/console/lib").mkdir()
    return tmp_path


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An npm on the path; give it another exit code by writing it anew."""
    there = tmp_path / "bin"
    there.mkdir()
    program = there / "npm"
    program.write_text(NPM.format(code=0))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{there}:/usr/bin:/bin")
    return program


@pytest.fixture
def no_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))


def run(root: Path) -> None:
    metadata: Any = None
    hook = ConsoleHook(str(root), {}, None, metadata, str(root / "dist"), "wheel", Application())
    hook.initialize("standard", {})


def asked(root: Path) -> list[str]:
    written = root / "asked"
    return written.read_text().splitlines() if written.exists() else []


def test_it_installs_and_builds_once(root: Path, npm: Path) -> None:
    run(root)
    run(root)

    assert ["ci --no-audit --no-fund", "run build"] == asked(root)
    assert is_built(root / "tivo/console")


@pytest.mark.parametrize("changed", ["app/src/main.ts", "app/package-lock.json", "lib/player.js"])
def test_changed_sources_are_built_anew(changed: str, root: Path, npm: Path) -> None:
    run(root)

    (root / "tivo/console" / changed).write_text("two")
    run(root)

    assert 2 == asked(root).count("run build")


def test_file_times_mean_nothing(root: Path, npm: Path) -> None:
    run(root)

    (root / "tivo/console/app/src/main.ts").touch()
    run(root)

    assert 1 == asked(root).count("run build")


def test_a_renamed_source_is_another(root: Path) -> None:
    before = digest(root / "tivo/console")

    (root / "tivo/console/app/src/main.ts").rename(root / "tivo/console/app/src/first.ts")

    assert before != digest(root / "tivo/console")


def test_a_failed_build_says_what_npm_said_and_is_tried_again(root: Path, npm: Path) -> None:
    npm.write_text(NPM.format(code=1))
    with pytest.raises(RuntimeError, match="npm ci --no-audit --no-fund` failed"):
        run(root)
    assert not is_built(root / "tivo/console")

    npm.write_text(NPM.format(code=0))
    run(root)

    assert is_built(root / "tivo/console")


@pytest.mark.usefixtures("no_npm")
def test_neither_npm_nor_pages_is_an_error_that_says_what_to_do(root: Path) -> None:
    with pytest.raises(RuntimeError, match="TIVO_SKIP_UI=1"):
        run(root)


@pytest.mark.usefixtures("no_npm")
def test_it_can_be_left_out(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIVO_SKIP_UI", "1")

    run(root)

    assert not (root / "tivo/console/static").exists()


@pytest.mark.usefixtures("no_npm")
def test_pages_of_other_sources_are_better_than_none(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    static = root / "tivo/console/static"
    static.mkdir()
    (static / "index.html").write_text("built")

    run(root)

    assert "built from other sources" in "".join(capsys.readouterr())
