import pytest

from tivo.query.expression import Pattern
from tivo.query.patterns import matcher


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("", "", True),
        ("", "a", False),
        ("abc", "abc", True),
        ("abc", "abcd", False),
        ("a%", "a", True),
        ("a%", "ba", False),
        ("%a", "ba", True),
        ("%", "", True),
        ("%%", "x", True),
        ("a%b%c", "a-b-b-c", True),
        ("a%b%c", "a-c-b", False),
        ("a%a", "a", False),
        ("%ab%ab", "ab", False),
        ("_", "é", True),
        ("_", "", False),
        ("%_c%d", "xxbc-d", True),
        ("\\%", "%", True),
        ("\\%", "x", False),
        ("\\_\\\\", "_\\", True),
        ("a\\", "a\\", True),
        (".*", "ab", False),
        ("a%b", "a\nb", True),
        ("A", "a", False),
    ],
)
def test_like(pattern: str, text: str, matches: bool) -> None:
    assert matches is matcher(Pattern.LIKE, pattern)(text)


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("*", "", True),
        ("a*c", "abbc", True),
        ("a?c", "a\nc", True),
        ("[ab]", "b", True),
        ("[!ab]", "b", False),
        ("[*]", "*", True),
        ("[", "[", True),
        ("a%", "ab", False),
    ],
)
def test_glob(pattern: str, text: str, matches: bool) -> None:
    assert matches is matcher(Pattern.GLOB, pattern)(text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [(Pattern.LIKE, "%a" * 120 + "%b"), (Pattern.GLOB, "*a" * 120 + "*b"), (Pattern.LIKE, "%_a" * 80)],
)
def test_a_pattern_that_would_try_everything_does_not(pattern: Pattern, text: str) -> None:
    assert not matcher(pattern, text)("a" * 20_000 + "c")
