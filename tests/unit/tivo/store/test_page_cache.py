from tivo.model.event import Event, ValueKind
from tivo.store.page_cache import PageCache

STORE = bytes(16)


def events(number: int) -> list[Event]:
    return [Event(at, "sensors", 0, at, None, None, (), 0, ValueKind.NULL) for at in range(number)]


def test_page_held_is_given_back() -> None:
    cache = PageCache(10_000)
    held = events(2)

    cache.put((STORE, 1), held, 100)

    assert held is cache.get((STORE, 1))
    assert None is cache.get((STORE, 2))
    assert None is cache.get((b"another store...", 1))


def test_page_used_longest_ago_goes_first() -> None:
    cache = PageCache(2_000)
    for page in (1, 2):
        cache.put((STORE, page), events(1), 600)
    cache.get((STORE, 1))

    cache.put((STORE, 3), events(1), 600)

    assert [True, False, True] == [cache.get((STORE, page)) is not None for page in (1, 2, 3)]


def test_page_read_twice_is_counted_once() -> None:
    cache = PageCache(2_000)
    for _ in range(9):
        cache.put((STORE, 1), events(1), 600)

    cache.put((STORE, 2), events(1), 600)

    assert None is not cache.get((STORE, 1))


def test_page_larger_than_the_cache_is_not_held() -> None:
    cache = PageCache(500)

    cache.put((STORE, 1), events(1), 600)

    assert None is cache.get((STORE, 1))
