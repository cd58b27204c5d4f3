"""The promise of durability names, beside each sentence, the tests that turn red where it is broken."""

import ast
from pathlib import Path

import pytest

from tests.docs.markdown import DOCS, rows, ticked

ROOT = DOCS.parent
PROMISE = rows(DOCS / "explanation" / "durability.md", "The promise")


@pytest.mark.parametrize(("sentence", "tests"), PROMISE, ids=[sentence[:40] for sentence, _ in PROMISE])
def test_sentence_is_held_by_tests_that_exist(sentence: str, tests: str) -> None:
    named = ticked(tests)

    assert named, sentence
    assert [] == [name for name in named if not is_test(name)]


def test_a_test_that_does_not_exist_is_noticed() -> None:
    assert not is_test("tests/docs/test_durability_page.py::test_nothing")
    assert not is_test("tests/docs/test_nothing.py::test_nothing")


def is_test(name: str) -> bool:
    path, _, function = name.partition("::")
    file = ROOT / path
    return file.is_file() and function in functions(file)


def functions(file: Path) -> set[str]:
    tree = ast.parse(file.read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
