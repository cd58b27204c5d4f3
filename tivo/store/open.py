"""From a URL to a store. A driver is imported only when its scheme is asked for."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from tivo.model.errors import ConfigError
from tivo.store.base import Store


def open_store(url: str, *, bucket_us: int | None = None, read_only: bool = False) -> Store:
    """The store that a URL names: `sqlite:///relative.db`, `sqlite:////absolute.db`, or `memory:`.

    `bucket_us` is the width of its buckets; None takes what the store was made with, one hour for
    a new one. Nothing is opened before the first call. Raises ConfigError where the URL names no store.
    """
    parts = urlsplit(url)
    opener = _OPENERS.get(parts.scheme)
    if opener is None:
        raise ConfigError(f"store {url!r}: the scheme is {parts.scheme!r}, known are {', '.join(_OPENERS)}")
    if bucket_us is not None and bucket_us <= 0:
        raise ConfigError(f"store {url!r}: a bucket must be wider than 0 µs, got {bucket_us}")
    if parts.query or parts.fragment:
        raise ConfigError(f"store {url!r}: nothing may follow the path, got {parts.query or parts.fragment!r}")
    return opener(parts, bucket_us, read_only)


def _memory(parts: SplitResult, bucket_us: int | None, read_only: bool) -> Store:
    from tivo.store.memory import MemoryStore  # noqa: PLC0415  imported when asked for

    return MemoryStore()


def _sqlite(parts: SplitResult, bucket_us: int | None, read_only: bool) -> Store:
    from tivo.store.sqlite import SqliteStore  # noqa: PLC0415  imported when asked for

    url = parts.geturl()
    if parts.netloc:
        raise ConfigError(
            f"store {url!r}: names the host {parts.netloc!r}; a file is sqlite:///file.db or sqlite:////file.db"
        )
    path = Path(unquote(parts.path.removeprefix("/")))
    if path == Path() or path.is_dir():
        raise ConfigError(f"store {url!r}: {str(path)!r} is a folder, not a file")
    for folder in path.absolute().parents:
        if folder.exists() and not folder.is_dir():
            raise ConfigError(f"store {url!r}: {str(folder)!r} is not a folder")
    return SqliteStore(path, bucket_us=bucket_us, read_only=read_only)


_OPENERS: dict[str, Callable[[SplitResult, int | None, bool], Store]] = {"sqlite": _sqlite, "memory": _memory}
