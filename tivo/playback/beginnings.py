"""Where an epoch begins in each of its topics: the tracks that it reads by.

| the epoch | a topic begins |
|---|---|
| where the viewer asked to be | in the store, at that time |
| at the live edge | behind what was sent of it on the way there, else at the log ends of this moment |
| resumed on another connection | behind what the token and the viewer's places say was sent |
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tivo.model.event import Cursor, Frontier
from tivo.model.timeline import Now, Window
from tivo.playback.controls import Controls
from tivo.playback.cursor import Kept, Standing
from tivo.playback.epoch import Epoch
from tivo.playback.facts import TopicRef
from tivo.playback.handoff import Track
from tivo.playback.merge import FIRST
from tivo.playback.notices import Gap
from tivo.playback.progress import Bounds, Plan, Progress, Start

_LEAST_EVENTS = 8
_LEAST_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class Scope:
    """What an epoch is about: its topics, the controls, and how much all of them together read ahead."""

    topics: Mapping[str, TopicRef]
    controls: Controls
    bounds: Bounds

    def start(self, now: Now) -> Start:
        """Where history begins: a window in the past owes what the log holds now, an open one goes on to live."""
        end_us = self.controls.window.end_us
        return Start.PAST if end_us is not None and end_us <= now.wall_us else Start.HISTORY

    def track(
        self,
        topic: TopicRef,
        from_us: int | None,
        start: Start,
        *,
        progress: Progress | None = None,
        goal: Frontier | None = None,
    ) -> Track:
        """A topic from a time on (None: from its first event), behind what was sent of it."""
        share = max(1, len(self.topics))
        room = Bounds(max(_LEAST_EVENTS, self.bounds.events // share), max(_LEAST_BYTES, self.bounds.bytes // share))
        plan = Plan(room, self.controls.passes, goal)
        return Track(
            topic, Window(from_us, self.controls.window.end_us), progress or Progress(), start=start, plan=plan
        )

    def history(
        self, from_us: int | None, now: Now, *, goals: Mapping[str, Frontier], sent: Mapping[str, Progress]
    ) -> list[Track]:
        """Every topic from a time on, behind what was sent of it, up to log ends where some were noted before."""
        start = self.start(now)
        return [
            self.track(topic, from_us, start, progress=sent.get(name), goal=goals.get(name))
            for name, topic in self.topics.items()
        ]

    def live(self, sent: Mapping[bytes, Progress], new: Start) -> list[Track]:
        """Every topic behind what was sent of it, by topic id; those of which nothing was begin as `new` says."""
        start_us = self.controls.window.start_us
        return [
            self.track(topic, start_us, Start.HISTORY, progress=sent[topic.topic_id])
            if topic.topic_id in sent
            else self.track(topic, start_us, new)
            for topic in self.topics.values()
        ]


def sent_of(epoch: Epoch | None) -> tuple[dict[bytes, Progress], Cursor]:
    """What was sent of the topics that are at the live edge or on their way there, by topic id."""
    if epoch is None or not (epoch.reading.live or epoch.hurry):
        return {}, FIRST
    tracks = [track for track in epoch.reading.tracks.values() if not track.at_edge]
    if not epoch.reading.live:
        return {track.topic.topic_id: track.progress(epoch.cursor) for track in tracks}, epoch.cursor
    progress = {track.topic.topic_id: track.live_progress for track in tracks}
    return progress, max((sent.cursor for sent in progress.values()), default=FIRST)


@dataclass(frozen=True, slots=True)
class Awaited:
    """A topic that was played before a reconnect and is not there now: it may be known again in a moment."""

    topic_id: bytes
    progress: Progress

    @property
    def kept(self) -> Kept:
        """How it stands in a token."""
        return Kept(self.topic_id, self.progress.base, {}, None, False)


@dataclass(slots=True)
class Resumed:
    """What goes on after a reconnect: tracks, topics that are awaited, and gaps of topics that were made anew."""

    tracks: list[Track] = field(default_factory=list)
    awaited: dict[str, Awaited] = field(default_factory=dict)
    gone: list[Gap] = field(default_factory=list)


def resumed(
    scope: Scope, standing: Standing, after: Cursor | None, offsets: Mapping[str, Frontier], now: Now
) -> Resumed:
    """Each topic behind what another session sent of it, told by its token and by what the viewer received since."""
    found = Resumed()
    for name, topic in scope.topics.items():
        kept = standing.topics.get(name)
        places = offsets.get(name, {})
        progress, goal, start = Progress(), None, scope.start(now)
        if kept is not None and kept.topic_id == topic.topic_id:
            progress, goal = standing.progress(name, after, places), kept.goal
            start = Start.EDGE if kept.edge and name not in offsets else start
        elif kept is not None:
            ends = {**kept.base, **kept.frontier, **places}
            found.gone += [_deleted(name, partition, end) for partition, end in sorted(ends.items())]
        found.tracks.append(scope.track(topic, standing.from_us, start, progress=progress, goal=goal))
    found.awaited = {
        name: Awaited(kept.topic_id, standing.progress(name, after, offsets.get(name, {})))
        for name, kept in standing.topics.items()
        if name not in scope.topics
    }
    return found


def _deleted(topic: str, partition: int, end: int) -> Gap:
    return Gap(topic=topic, partition=partition, from_offset=0, to_offset=end, reason="deleted")
