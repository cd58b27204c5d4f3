"""Documentation that follows from the code is the code's; the rest names only what is there."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from tests.docs import reference

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("name", ["settings.md", "command-line.md", "metrics.md", "kafka-protocol.md"])
def test_generated_page_is_up_to_date(name: str) -> None:
    assert reference.pages()[name] == (reference.DOCS / name).read_text(), "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text())

    assert [] == [target for target in targets if not (page.parent / target).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_make_targets_that_are_named_exist(page: Path) -> None:
    there = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(), re.MULTILINE))

    assert set() == named - there


def test_every_library_is_named_by_a_decision() -> None:
    python = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    npm = json.loads((ROOT / "tivo" / "console" / "app" / "package.json").read_text())["dependencies"]
    decisions = "".join(page.read_text() for page in (ROOT / "docs" / "adr").glob("[0-9]*.md")).lower()

    libraries = [re.split(r"[<>=\[]", each)[0] for each in python] + [*npm]

    assert [] == [name for name in libraries if not re.search(rf"\b{re.escape(name)}\b", decisions)]
