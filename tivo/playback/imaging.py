"""The image that an epoch begins with: the last event of every key before its place, topic by topic, in parts.

| the topic begins | its image holds |
|---|---|
| at a time | what lies before it |
| behind an order key | what was sent up to there |
| at the live edge | what lies below the log ends that it begins at |
| at its first event | nothing |

Nothing else of the epoch is shown before. One part is read at a time, and the next one only once the
viewer's connection has room, so that the bounds do not depend on how many keys there are.
"""

from collections import deque
from collections.abc import Iterable, Iterator

from tivo.model.event import Cursor, Event, Frontier
from tivo.model.timeline import MAX_TIME_US
from tivo.playback.effects import Cancel, Effect, ReadImage, Tell
from tivo.playback.facts import ImageRead, ReadFailed, Source
from tivo.playback.handoff import Track
from tivo.playback.merge import FIRST, FRAME_BYTES, behind
from tivo.playback.notices import Image, Shown
from tivo.playback.progress import Progress, highest
from tivo.playback.reading import retry_after
from tivo.playback.where import Passes


class Imaging:
    """One epoch's image as far as it was told; `done` once all of it was.

    `retry_us`: steady time at which a read is tried again that failed because a neighbour is `away`.
    """

    def __init__(self, epoch: int, tracks: Iterable[Track], passes: Passes | None, *, pos_us: int | None) -> None:
        self.done = False
        self.retry_us: int | None = None
        self.away: Source | None = None
        self._epoch = epoch
        self._ahead = deque(track for track in tracks if track.begun is None or _place(track, track.begun) is not None)
        self._passes = passes
        self._pos_us = pos_us
        self._after: bytes | None = None
        self._read: list[Shown] = []
        self._waiting: int | None = None
        self._parts = 0
        self._failed = 0

    def advance(self, ids: Iterator[int], steady_us: int) -> list[Effect]:
        """Tell what was read, and ask for what comes next."""
        effects: list[Effect] = []
        self.done = not self._ahead
        if self._read or self.done:
            self._parts += 1
            events, self._read = self._read, []
            part = Image(epoch=self._epoch, pos_us=self._pos_us, events=events, part=self._parts, last=self.done)
            effects.append(Tell(part))
        return effects + self._next_read(ids, steady_us)

    def _next_read(self, ids: Iterator[int], steady_us: int) -> list[Effect]:
        if self._waiting is not None or not self._ahead or (self.retry_us or steady_us) > steady_us:
            return []
        track = self._ahead[0]
        if track.begun is None:
            return []  # where the log ends is being asked
        place = _place(track, track.begun)
        assert place is not None, "topics that begin at their first event were left out"
        self.retry_us = None
        self._waiting = next(ids)
        until, upto = place
        return [
            ReadImage(
                read=self._waiting,
                topic=track.topic,
                until=until,
                upto=upto,
                after=self._after,
                max_bytes=FRAME_BYTES,
            )
        ]

    def take(self, fact: ImageRead | ReadFailed, steady_us: int) -> bool:
        """Take an answer; False where it is not to a read of this image."""
        if fact.read != self._waiting:
            return False
        self._waiting = None
        if isinstance(fact, ReadFailed):
            self._failed += 1
            self.away = fact.source
            self.retry_us = retry_after(self._failed, steady_us)
            return True
        self._failed, self.away = 0, None
        topic_id = self._ahead[0].topic.topic_id
        self._read = [Shown(event, topic_id, 0) for event in fact.events if self._shows(event)]
        self._after = fact.after
        if fact.after is None:
            self._ahead.popleft()
        return True

    def _shows(self, event: Event) -> bool:
        return self._passes is None or self._passes(event)

    def close(self) -> list[Effect]:
        """Forget the read under way."""
        waiting, self._waiting = self._waiting, None
        return [] if waiting is None else [Cancel((waiting,))]


def _place(track: Track, begun: Progress) -> tuple[Cursor, Frontier] | None:
    """Up to where, and below which offsets, a topic's image reaches; None where nothing lies before it.

    What was sent at the live edge and behind it up to an order key is no one place: such an image may
    hold some of what comes right behind it.
    """
    if begun.cursor > FIRST and not begun.base:
        return begun.cursor, begun.frontier
    if begun.base:
        return behind(MAX_TIME_US), highest(begun.base, begun.frontier) if begun.cursor > FIRST else begun.base
    start_us = track.window.start_us
    return None if start_us is None else (behind(start_us - 1), {})
