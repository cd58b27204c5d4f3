"""What tests read out of a page of the documentation: the rows of its tables, and its examples."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

DOCS = Path(__file__).parents[2] / "docs"


class Example(NamedTuple):
    """A fenced block: the language behind its fence, its text, and the line it begins at."""

    language: str
    text: str
    line: int


def rows(page: Path, heading: str) -> list[list[str]]:
    """The cells of every table row under a heading, up to the next heading of any level, heads of tables left out."""
    lines = page.read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if re.fullmatch(rf"#+ {re.escape(heading)}", line))
    found: list[list[str]] = []
    for line in lines[start + 1 :]:
        if re.match(r"#+ ", line):
            break
        if re.fullmatch(r"\|[-|]+\|", line):
            found.pop()
        elif line.startswith("|"):
            found.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))])
    return found


def ticked(text: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]+)`", text)


def examples(page: Path) -> Iterator[Example]:
    """Every fenced block of a page."""
    text = page.read_text()
    for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield Example(match[1], match[2], text.count("\n", 0, match.start()) + 1)
