"""The cursor token: where a session stands, so that any gateway can go on right behind it."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Literal

import msgspec

from tivo.model.errors import CommandError
from tivo.model.event import Cursor, Frontier
from tivo.model.timeline import Window
from tivo.playback.merge import FIRST
from tivo.playback.progress import Progress

Mode = Literal["paused", "playing", "tailing", "ended"]


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """How far one topic has been sent. `edge`: it begins at log ends that were not known yet."""

    topic_id: bytes
    base: Mapping[int, int]
    frontier: Mapping[int, int]
    goal: Mapping[int, int] | None
    edge: bool


class Standing(msgspec.Struct, frozen=True, array_like=True):
    """Everything that another session needs to go on: what is in a token."""

    version: Literal[1]
    mode: Mode
    epoch: int
    start_us: int | None
    end_us: int | None
    from_us: int | None
    at_us: int | None
    iteration: int
    delay_us: int | None
    thinned: int
    cursor: tuple[int, str, int, int]
    topics: Mapping[str, Kept]
    imaged: bool = True
    """Whether its image was told, where it has one."""

    @property
    def window(self) -> Window:
        """The window played."""
        return Window(self.start_us, self.end_us)

    def progress(self, topic: str, after: Cursor | None, offsets: Frontier) -> Progress:
        """How far a topic has been sent, told by the token and by what the viewer received since."""
        kept = self.topics[topic]
        base = dict(kept.base)
        for partition, offset in offsets.items():
            base[partition] = max(offset, base.get(partition, 0))
        return Progress(base=base, frontier=kept.frontier, cursor=self.behind(after))

    def untold(self, after: Cursor | None) -> int:
        """How many events were thinned out that no frame has counted yet."""
        return self.thinned if (after or FIRST) <= Cursor(*self.cursor) else 0

    def owes_image(self, after: Cursor | None, offsets: Mapping[str, Frontier]) -> bool:
        """Whether the viewer may lack its image: none was told, and nothing that comes behind it has been received."""
        return not self.imaged and after is None and not any(offsets.values())

    def behind(self, after: Cursor | None) -> Cursor:
        """The order key up to which everything was sent."""
        return max(Cursor(*self.cursor), after or FIRST)


_DECODER = msgspec.json.Decoder(Standing)


def to_token(standing: Standing) -> str:
    """The token of a standing: opaque to viewers, safe in JSON and in a URL."""
    return urlsafe_b64encode(msgspec.json.encode(standing)).rstrip(b"=").decode()


def from_token(token: str) -> Standing:
    """The standing of a token. Raises CommandError where it is none of ours."""
    try:
        return _DECODER.decode(urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (ValueError, msgspec.DecodeError):
        raise CommandError("cursor is not a token that tivo gave", code="bad_value", field="cursor") from None
