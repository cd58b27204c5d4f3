"""Where a gateway is, as people write it, and where its WebSocket is then."""

from collections.abc import Iterable
from urllib.parse import quote, urljoin, urlsplit

from tivo.model.errors import RequestError


def checked_url(url: str) -> str:
    """The address as it was given. Raises RequestError where it cannot be that of a gateway."""
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, an IPv6 address without its end
        is_whole = False
    if not is_whole:
        raise RequestError(f"{url!r} is no address of a gateway: it is written like http://127.0.0.1:8080")
    return url


def socket_address(url: str, topics: Iterable[str], *, raw: bool = False) -> str:
    """The WebSocket of the gateway at `url` that plays these topics, names or globs; `raw`: every value as base64."""
    names = ",".join(quote(topic, safe="*") for topic in topics)
    return urljoin(url, f"ws?topics={names}{'&raw=1' if raw else ''}").replace("http", "ws", 1)
