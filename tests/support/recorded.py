"""Requests that real clients sent to a broker of ours, recorded by `python -m tests.fuzz.record`."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

from tivo.wire.framing import SIZE, read_address

FILE = Path(__file__).parents[1] / "fuzz" / "corpus" / "requests.txt"


class Recorded(NamedTuple):
    """A request as it was on the wire: its size, its header, its body."""

    client: str
    api: str
    version: int
    frame: bytes

    def __str__(self) -> str:
        return f"{self.api}-v{self.version}-{self.client}"


@cache
def recorded() -> list[Recorded]:
    """All of them, one for each API, version and client."""
    found = []
    for line in FILE.read_text().splitlines():
        client, api, content = line.split()
        frame = bytes.fromhex(content)
        found.append(Recorded(client, api, read_address(memoryview(frame)[SIZE.size :]).api_version, frame))
    return found
