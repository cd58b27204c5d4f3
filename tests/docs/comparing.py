"""Whether an answer is the one that a page shows, apart from what is another each time."""

import re
from typing import Any

CHANGING = frozenset(
    {
        *("cursor", "id", "server", "sid", "ticket", "topic_id"),
        *("late_us", "lag_ms", "n", "next", "offset", "pending", "pos_us", "rate"),
    }
)
"""Fields whose value depends on when and where the example is run."""

NOW_US = 1_600_000_000_000_000
"""Times beyond it were now when the page was written; those before are the example's own."""


def same(shown: Any, came: Any, name: str = "") -> bool:
    """Equal in shape; in value too, where the value is the example's own."""
    if isinstance(shown, dict) and isinstance(came, dict):
        return shown.keys() == came.keys() and all(same(each, came[key], key) for key, each in shown.items())
    if isinstance(shown, list) and isinstance(came, list):
        return len(shown) == len(came) and all(same(one, other, name) for one, other in zip(shown, came, strict=True))
    if _is_changing(name, shown):
        return type(shown) is type(came)
    return bool(shown == came)


def _is_changing(name: str, shown: Any) -> bool:
    if name in CHANGING or re.fullmatch(r"tivo-.*-us", name):
        return True
    return name.endswith("_us") and isinstance(shown, int) and shown > NOW_US
