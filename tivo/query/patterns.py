"""Patterns of texts: `like` with % and _, `glob` with *, ? and […]. Time is bounded by text times pattern.

What stands between two of % or * is looked for once and never again (an atomic group), which is enough: where the
first place of it does not lead to a match, no later one does.
"""

import re
from collections.abc import Callable, Iterator
from fnmatch import translate

from tivo.query.expression import Pattern


def matcher(pattern: Pattern, text: str) -> Callable[[str], bool]:
    """Whether a whole text is as the pattern says, in upper and lower case as written."""
    match = re.compile(translate(text) if pattern is Pattern.GLOB else _like(text), re.DOTALL).fullmatch

    def matches(given: str) -> bool:
        return match(given) is not None

    return matches


def _like(text: str) -> str:
    first, *later = _pieces(text)
    if not later:
        return first
    *middle, last = later
    return first + "".join(f"(?>.*?{piece})" for piece in middle if piece) + f".*{last}"


def _pieces(text: str) -> Iterator[str]:
    """The pieces between the %, as regular expressions of fixed length. Behind a backslash a sign stands for itself."""
    piece, signs = "", iter(text)
    for sign in signs:
        if sign == "%":
            yield piece
            piece = ""
        elif sign == "_":
            piece += "."
        else:
            piece += re.escape(next(signs, sign) if sign == "\\" else sign)
    yield piece
