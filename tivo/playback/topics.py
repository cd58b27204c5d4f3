"""Which topics a session plays: names and globs against the catalogue."""

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from fnmatch import translate

from tivo.model.event import Event
from tivo.model.topic_name import is_legal_name, no_name
from tivo.playback.facts import Catalogue, TopicRef
from tivo.playback.where import Passes, Where

_GLOB_SIGNS = frozenset("*?[")
_KNOWN_KEYS = 4_096


def is_glob(pattern: str) -> bool:
    """Whether a pattern may match more than the one name that it spells."""
    return not _GLOB_SIGNS.isdisjoint(pattern)


def matching(patterns: Iterable[str], catalogue: Catalogue) -> dict[str, TopicRef]:
    """The topics that any of the patterns matches, by name, in order of name."""
    names: set[str] = set()
    for pattern in patterns:
        if is_glob(pattern):
            match = re.compile(translate(pattern)).match
            names.update(name for name in catalogue if match(name))
        elif pattern in catalogue:
            names.add(pattern)
    return {name: catalogue[name] for name in sorted(names)}


def missing(patterns: Iterable[str], catalogue: Catalogue) -> list[str]:
    """The plain names that no topic has."""
    return [pattern for pattern in patterns if not is_glob(pattern) and pattern not in catalogue]


def absences(patterns: Iterable[str], catalogue: Catalogue) -> Iterator[str]:
    """What to say of each pattern that no topic matches."""
    for pattern in patterns:
        if is_glob(pattern):
            if not matching([pattern], catalogue):
                yield f"no topic matches {pattern!r} yet"
        elif pattern not in catalogue:
            legal = is_legal_name(pattern)
            yield f"there is no topic named {pattern!r} yet{near(pattern, catalogue)}" if legal else no_name(pattern)


def near(name: str, catalogue: Catalogue) -> str:
    """A question about the topic that is named most alike, for behind an error; nothing where none is alike."""
    alike = get_close_matches(name, catalogue, 1)
    return f"; did you mean {alike[0]!r}?" if alike else ""


def event_filter(globs: tuple[str, ...], where: Where) -> Passes | None:
    """Whether an event passes both by its key and by an expression; None where all events pass."""
    by_key, by_where = key_filter(globs), where.passes
    if by_key is None or by_where is None:
        return by_key or by_where
    return lambda event: by_key(event) and by_where(event)


def key_filter(globs: tuple[str, ...]) -> Passes | None:
    """Whether an event's key, as text, matches one of the globs; None where all events pass. No key is an empty one."""
    if not globs:
        return None
    match = re.compile("|".join(f"(?:{translate(glob)})" for glob in globs)).match
    known: dict[bytes | None, bool] = {}

    def passes(event: Event) -> bool:
        found = known.get(event.key)
        if found is None:
            if len(known) >= _KNOWN_KEYS:
                known.clear()
            found = known[event.key] = match((event.key or b"").decode("utf-8", "replace")) is not None
        return found

    return passes
