"""One epoch's reading: the tracks of all its topics, merged under one order, each read by its own id."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from tivo.model.event import Cursor, Event, Frontier
from tivo.playback.effects import Cancel, CloseTail, Effect, OpenTail
from tivo.playback.facts import BoundsRead, FrontierRead, PageRead, ReadAnswer, ReadFailed, Source, TopicRef
from tivo.playback.handoff import Stage, Track
from tivo.playback.merge import LAST, merged
from tivo.playback.notices import Gap
from tivo.playback.progress import Progress

_RETRY_US = 250_000
_LONGEST_RETRY_US = 5_000_000


def retry_after(attempts: int, steady_us: int) -> int:
    """Steady time at which a read is tried again that has failed so often in turn."""
    return steady_us + min(_RETRY_US << min(attempts - 1, 8), _LONGEST_RETRY_US)


class Reading:
    """What an epoch owes: which reads are under way, how far everything was read, and what may be sent next."""

    def __init__(self, tracks: Iterable[Track]) -> None:
        self.tracks: dict[str, Track] = {track.topic.name: track for track in tracks}
        self.live = False
        self.away: dict[Source, int] = {}
        self._behind = False
        self._waiting: dict[int, Track] = {}
        self._retry_us: dict[str, int] = {}
        self._open: dict[str, TopicRef] = {}
        self._horizon: Cursor | None = None

    # ------------------------------------------------------------ reads

    def reads(self, ids: Iterator[int], steady_us: int) -> list[Effect]:
        """The reads that are needed now."""
        wanted: list[Effect] = []
        for name, track in self.tracks.items():
            if self._retry_us.get(name, steady_us) > steady_us:
                continue
            self._retry_us.pop(name, None)
            before = track.waiting
            if before is not None and not track.parked:
                continue
            read = next(ids)
            effects = track.reads(read)
            if effects:
                if before is not None:
                    self._waiting.pop(before, None)
                self._waiting[read] = track
                wanted += effects
            if track.stage is Stage.LOG and name not in self._open:
                self._open[name] = track.topic
                wanted.append(OpenTail(track.topic))
        return wanted

    def take(self, fact: ReadAnswer, steady_us: int) -> Track | None:
        """Take an answer; the track it was for, or None where nobody waits for it any more."""
        track = self._waiting.pop(fact.read, None)
        if track is None:
            return None
        self.moved()
        name = track.topic.name
        match fact:
            case ReadFailed():
                attempts = self.away[fact.source] = self.away.get(fact.source, 0) + 1
                self._retry_us[name] = retry_after(attempts, steady_us)
                track.take_failure(fact.source)
                return track
            case BoundsRead():
                track.take_bounds(fact)
            case FrontierRead():
                track.take_frontier(fact)
            case PageRead():
                track.take_page(fact)
            case _:
                track.take_tail(fact)
                self._behind = self._behind or fact.behind
        self.away.pop(Source.STORE if isinstance(fact, FrontierRead | PageRead) else Source.LOG, None)
        self._retry_us.pop(name, None)
        return track

    @property
    def retry_us(self) -> int | None:
        """Steady time at which a failed read is tried again; None where none failed."""
        return min(self._retry_us.values(), default=None)

    def join(self, track: Track) -> None:
        """A topic more, from its beginning: nothing is live until that has been sent."""
        track.rewound = self.live
        self.moved()
        self.tracks[track.topic.name] = track

    def close(self) -> list[Effect]:
        """Forget every read under way and the live rings."""
        reads = tuple(self._waiting)
        self._waiting.clear()
        closed: list[Effect] = [CloseTail(topic) for topic in self._open.values()]
        self._open.clear()
        return [Cancel(reads), *closed] if reads else closed

    # ------------------------------------------------------------ how far it is

    @property
    def behind(self) -> bool:
        """Whether live has been lost: the ring, or the log, does not reach back to what is unsent."""
        return self.live and (self._behind or any(track.rewound for track in self.tracks.values()))

    @property
    def horizon(self) -> Cursor:
        """Everything up to here has been read in every topic."""
        if self._horizon is None:
            self._horizon = min((track.horizon for track in self.tracks.values()), default=LAST)
        return self._horizon

    def moved(self) -> None:
        """A track was changed: what is known of them all has to be looked up again."""
        self._horizon = None

    @property
    def ready(self) -> bool:
        """Whether the first page of every topic is there."""
        return all(track.ready for track in self.tracks.values())

    @property
    def first(self) -> Event | None:
        """The first event that is not sent yet, of those read."""
        return min((track.buffer.first for track in self.tracks.values() if track.buffer.first), default=None)

    def first_behind(self, cursor: Cursor) -> Event | None:
        """The first event of those read and not sent that lies behind a place."""
        return min((e for track in self.tracks.values() if (e := track.buffer.first_behind(cursor))), default=None)

    @property
    def drained(self) -> bool:
        """Nothing that was read is unsent."""
        return not any(len(track.buffer) for track in self.tracks.values())

    @property
    def exhausted(self) -> bool:
        """Nothing below the log ends is unsent."""
        return self.drained and all(track.exhausted for track in self.tracks.values())

    @property
    def complete(self) -> bool:
        """Everything that a window in the past owes has been sent."""
        return self.drained and all(track.complete for track in self.tracks.values())

    @property
    def offsets(self) -> dict[str, dict[int, int]]:
        """Per topic and partition the next offset that is not sent yet; where nothing has been read of it, left out."""
        return {name: track.unsent for name, track in self.tracks.items()}

    @property
    def goals(self) -> dict[str, Frontier]:
        """Per topic the log ends that were noted, for those of which they were."""
        return {name: track.goal for name, track in self.tracks.items() if track.goal is not None}

    def progress(self, cursor: Cursor) -> Mapping[str, Progress]:
        """Per topic what has been sent."""
        return {name: track.progress(cursor) for name, track in self.tracks.items()}

    def want_goals(self) -> None:
        """The end of the window has come: what the log holds now is all that is owed."""
        if all(track.wants_goal for track in self.tracks.values()):
            return
        for track in self.tracks.values():
            track.wants_goal = True
        self.moved()

    # ------------------------------------------------------------ events

    def upto(self, bound: Cursor, count: int) -> list[Event]:
        """The next events to send: those read, in order, at or before `bound`; they stay until they are `sent`."""
        if self.live:
            return [event for track in self.tracks.values() for event in track.buffer.all()][:count]
        bound = min(bound, self.horizon)
        return merged((track.buffer.upto(bound, count) for track in self.tracks.values()), count)

    def sent(self, events: Sequence[Event]) -> None:
        """These events, the next ones, went out."""
        self.moved()
        if len(self.tracks) == 1:
            for track in self.tracks.values():
                track.sent(events)
            return
        by_topic: dict[str, list[Event]] = {}
        for event in events:
            by_topic.setdefault(event.topic, []).append(event)
        for name, taken in by_topic.items():
            self.tracks[name].sent(taken)

    def gaps(self) -> list[Gap]:
        """What was found missing since the last time."""
        found: list[Gap] = []
        for track in self.tracks.values():
            if track.gaps:
                found += track.gaps
                track.gaps.clear()
        return found

    # ------------------------------------------------------------ live, and back

    def go_live(self) -> None:
        """Nothing is unsent: events are sent as they arrive from now on."""
        self.live = True
        self._behind = False
        self.moved()
        for track in self.tracks.values():
            track.go_live()

    def leave_live(self) -> list[Effect]:
        """Stand behind the last event sent of every partition."""
        self.live = False
        return self._cancelled([read for track in self.tracks.values() for read in track.leave_live()])

    def doubt(self) -> list[Effect]:
        """Time has passed unwatched: what is known of the log ends is old."""
        return self._cancelled([read for track in self.tracks.values() for read in track.doubt()])

    def _cancelled(self, reads: list[int]) -> list[Effect]:
        self.moved()
        for read in reads:
            self._waiting.pop(read, None)
        return [Cancel(tuple(reads))] if reads else []
