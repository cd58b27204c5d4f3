"""Which topics are persisted: every one but the internal (`__*`), or those that filters name."""

import re
from collections.abc import Sequence
from fnmatch import translate

INTERNAL = "__"


def pattern(include: Sequence[str] = ("*",), exclude: Sequence[str] = ()) -> str:
    """A regular expression for the names of the topics to persist. Filters are shell patterns such as `sensor-*`.

    It looks at names from their start, as `re.match` does. A topic is in where some `include` and
    no `exclude` matches it; internal topics are never in.
    """
    wanted = "|".join(map(translate, include)) or r"(?!)"
    unwanted = "".join(f"(?!{translate(each)})" for each in exclude)
    return f"(?!{re.escape(INTERNAL)}){unwanted}(?:{wanted})"
