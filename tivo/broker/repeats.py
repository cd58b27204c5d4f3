"""What a request names more than once counts once, so that a small request asks for no large answer (pure)."""

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

T = TypeVar("T")


def first_of_each(items: Iterable[T], key: Callable[[T], Hashable]) -> list[T]:
    """The items without those whose key came before."""
    found: dict[Hashable, T] = {}
    for item in items:
        found.setdefault(key(item), item)
    return list(found.values())


def drop_repeats(topics: Iterable[tuple[Hashable, list[T]]], key: Callable[[T], Hashable]) -> None:
    """Take out of the lists of each topic's partitions those that came before, under the same topic."""
    seen: set[tuple[Hashable, Hashable]] = set()
    for topic, places in topics:
        fresh = [place for place in first_of_each(places, key) if (topic, key(place)) not in seen]
        seen.update((topic, key(place)) for place in fresh)
        places[:] = fresh
