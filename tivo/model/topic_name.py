"""What may be the name of a topic."""

import re

_LEGAL = re.compile(r"[a-zA-Z0-9._-]{1,249}")
_SHOWN = 300


def is_legal_name(name: str) -> bool:
    """Whether Kafka takes it as the name of a topic that is not internal."""
    return bool(_LEGAL.fullmatch(name)) and name not in {".", ".."} and not name.startswith("__")


def no_name(name: str) -> str:
    """What to say of a name that is not legal."""
    return (
        f"{name[:_SHOWN]!r} is no name for a topic: 1 to 249 letters, digits, dots, hyphens and underscores, "
        "not beginning with two underscores"
    )
