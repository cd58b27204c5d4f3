"""Joins a topic's stored past to its live tail: no event missing, none twice.

What has been sent is told by two values, a frontier and an order key (`Progress`). Every page read
takes the store's frontier first; what the store got since the last one and lies at or before the
place read up to is read first, then the page behind it. When nothing is left below the frontier,
everything below it has been read, and reading goes on in the log *at* the frontier, partition by
partition. Offsets and order keys decide, never time alone.
"""

from collections.abc import Iterable, Sequence
from enum import Enum
from sys import maxsize

from tivo.model.event import Cursor, Event, Frontier, Lost
from tivo.model.timeline import Window
from tivo.playback.effects import Cancel, Effect, ReadBounds, ReadFrontier, ReadPage, ReadTail, TailPlace
from tivo.playback.facts import BoundsRead, FrontierRead, PageRead, Source, TailRead, TailSlice, TopicRef
from tivo.playback.losses import Losses
from tivo.playback.merge import FIRST, LAST, Buffer, behind, order_key, weight
from tivo.playback.notices import Gap, GapReason
from tivo.playback.progress import Plan, Progress, Reach, Start, highest


class Stage(Enum):
    """What a track does next."""

    FRONTIER = "frontier"  # take the store's frontier
    LATE = "late"  # read what the store got below the new frontier, at or before the place read up to
    PAGE = "page"  # read the next page
    LOG = "log"  # read the log


_FIRST_PAGE = 512
_DEEPEST = 256


class Track:
    """One topic of one epoch on its way from the store to the log: what to read next, and what was read ahead."""

    def __init__(self, topic: TopicRef, window: Window, progress: Progress, *, start: Start, plan: Plan) -> None:
        room = plan.room
        self.topic = topic
        self.window = window
        self.buffer = Buffer()
        self.gaps: list[Gap] = []
        self.goal = plan.goal
        self.wants_goal = start is Start.PAST
        self.live = False
        self.rewound = False
        self.stage = Stage.FRONTIER
        self.reaches: dict[int, Reach] = {}
        self.waiting: int | None = None
        self.begun: Progress | None = None if start is Start.EDGE else progress
        self._edge = start is Start.EDGE
        self._room = room
        self._passes = plan.passes
        self._base = dict(progress.base)
        self._origin: Frontier = dict(progress.base)
        self._held = dict(progress.frontier)
        self._losses = Losses()
        self._read = progress.cursor
        self._paged = False
        self._sent_base: Frontier = dict(progress.base)
        self._told = progress
        self._skips: list[Progress] = []
        self._store_end: dict[int, int] = {}
        self._late_after: Cursor | None = None
        self._trimmed: dict[int, int] = {}
        self._log_failed = False
        self.parked: tuple[int, ...] | None = None
        self._limit = min(_FIRST_PAGE, room.events)
        self._event_bytes = 256
        self._depth = _DEEPEST

    # ------------------------------------------------------------ how far it is

    @property
    def horizon(self) -> Cursor:
        """Everything up to here has been read: the buffer may be sent up to it.

        The log is in offset order: of each partition so much is read ahead that events up to
        `_depth` places out of order come in order. While the log is away nobody waits for it.
        """
        if self.stage is not Stage.LOG:
            return self._read if self._read < LAST else self._late_after or FIRST
        if self.live or self._log_failed:
            return LAST
        deep = self._depth
        return LAST if all(r.buffered >= deep or self._is_done(p, r) for p, r in self.reaches.items()) else FIRST

    @property
    def ready(self) -> bool:
        """Whether the first page is there and may be sent, so that a clock may start."""
        return self.horizon > FIRST and (self._paged or self._full or self.stage is Stage.LOG)

    @property
    def exhausted(self) -> bool:
        """Nothing below the log ends is known to be unread."""
        return self.stage is Stage.LOG and not self._wants_bounds and all(r.exhausted for r in self.reaches.values())

    @property
    def complete(self) -> bool:
        """Everything that a window in the past owes has been read."""
        return (
            self.stage is Stage.LOG
            and self.goal is not None
            and all(self._is_done(partition, reach) for partition, reach in self.reaches.items())
        )

    @property
    def spare(self) -> int:
        """How many of the events read ahead may be sent before it has something to read."""
        if self.complete or (self.waiting is not None and self.parked is None):
            return maxsize
        if self.stage is Stage.LOG or self._wants_bounds or self.waiting is not None:
            return 0
        return max(0, len(self.buffer) - self._limit)

    @property
    def offsets(self) -> dict[int, int]:
        """Per partition the next offset of the log that has not been read."""
        return {partition: reach.next for partition, reach in self.reaches.items() if reach.next is not None}

    @property
    def unsent(self) -> dict[int, int]:
        """Per partition the lowest offset of the log that has not been sent."""
        lowest = self.offsets
        for event in self.buffer.all():
            lowest[event.partition] = min(event.offset, lowest.get(event.partition, event.offset))
        return lowest

    @property
    def live_progress(self) -> Progress:
        """What has been sent of it in live; what lay behind the window's end has not, should that be moved."""
        end_us = self.window.end_us
        if end_us is None:
            return Progress(base=self.unsent)
        return Progress(base=self._origin, frontier=self.unsent, cursor=behind(end_us - 1))

    @property
    def at_edge(self) -> bool:
        """Whether it begins at log ends that are not known yet."""
        return self._edge

    def _is_done(self, partition: int, reach: Reach) -> bool:
        if self.goal is None:
            return reach.exhausted
        return reach.next is not None and reach.next >= self.goal.get(partition, 0)

    @property
    def _wants_bounds(self) -> bool:
        if self._edge:
            return True
        return self.wants_goal and self.goal is None and (self.stage is Stage.LOG or not self._log_failed)

    def _measure(self) -> None:
        """How many events of each partition are sorted into order; fewer where they are large, or partitions many."""
        events = min(self._room.events, self._room.bytes // self._event_bytes)
        self._depth = max(1, min(_DEEPEST, events // max(1, len(self.reaches))))

    # ------------------------------------------------------------ what to read next

    def reads(self, read: int) -> list[Effect]:
        """The next read under this id, if one is needed; none while one is under way that will do."""
        cancelled: list[Effect] = []
        if self.waiting is not None:
            if not self._parked_too_long():
                return []
            cancelled = [Cancel((self.waiting,))]
        wanted = self._next_read(read)
        if wanted is None:
            return []
        self.waiting = read
        return [*cancelled, wanted]

    def _parked_too_long(self) -> bool:
        """A parked read keeps the track from reading what has become due beside it."""
        if self.parked is None:
            return False
        return (
            self.stage is not Stage.LOG
            or self._wants_bounds
            or any(place.partition not in self.parked for place in self._places())
        )

    def _next_read(self, read: int) -> Effect | None:
        self.parked = None
        if self._wants_bounds:
            return ReadBounds(read, self.topic)
        if self.stage is Stage.LOG:
            return self._tail_read(read)
        if self._full:
            return None
        if self.stage is Stage.FRONTIER:
            return ReadFrontier(read, self.topic, self.window, self._losses.asked_above(self._base))
        late = self.stage is Stage.LATE
        after = self._late_after if late else self._read
        return ReadPage(
            read=read,
            topic=self.topic,
            window=self.window,
            above=highest(self._base, self._held) if late else dict(self._base),
            upto=dict(self._store_end),
            after=after if after is not None and after > FIRST else None,
            until=self._read if late else None,
            limit=self._limit,
            max_bytes=self._room.bytes // 2,
        )

    @property
    def _full(self) -> bool:
        """Enough was read ahead, and it can be sent in its time."""
        first = self.buffer.first
        return first is not None and len(self.buffer) >= self._limit and order_key(first) <= self.horizon

    def _tail_read(self, read: int) -> ReadTail | None:
        places = self._places()
        if not places:
            return None
        wait = all(self.reaches[place.partition].exhausted or self.reaches[place.partition].stalled for place in places)
        self.parked = tuple(place.partition for place in places) if wait else None
        return ReadTail(read=read, topic=self.topic, places=places, max_bytes=self._room.bytes // 2, wait=wait)

    def _places(self) -> tuple[TailPlace, ...]:
        deep = self._depth
        return tuple(
            TailPlace(
                partition=partition,
                offset=reach.next,
                upto=None if self.goal is None else self.goal.get(partition, 0),
                limit=2 * deep - reach.buffered,
            )
            for partition, reach in self.reaches.items()
            if reach.buffered < deep and not (self.goal is not None and self._is_done(partition, reach))
        )

    # ------------------------------------------------------------ what was read

    def take_bounds(self, fact: BoundsRead) -> None:
        """Log ends: where to begin, or what must have been read before the window is complete."""
        self.waiting = None
        self._log_failed = False
        if self._edge:
            self._edge = False
            self._base = dict.fromkeys(self.topic.partitions, 0) | dict(fact.ends)
            self._sent_base = self._origin = self._base
            self.begun = Progress(base=self._base)
            self._enter_log()
        else:
            self.goal = dict(fact.ends)
            if self.stage is Stage.LOG:
                self.reaches = {p: self.reaches.get(p) or Reach(start=None, next=None) for p in self.goal}

    def take_frontier(self, fact: FrontierRead) -> None:
        """The store's frontier, taken before the page that is read next."""
        self.waiting = None
        frontier = fact.frontier
        if any(max(frontier.get(p, 0), self._base.get(p, 0)) < offset for p, offset in self._held.items()):
            self._step_back(frontier)
        if self.goal is None:
            self._store_end = dict(frontier)
        else:
            self._store_end = {p: min(frontier[p], end) for p, end in self.goal.items() if p in frontier}
        self._tell_lost(self._losses.from_store(fact.lost, base=self._base, upto=self._store_end))
        held = highest(self._base, self._held)
        self._late_after = None
        if self._read > FIRST and any(end > held.get(p, 0) for p, end in self._store_end.items()):
            self.stage = Stage.LATE
        else:
            self._turn_to_page()

    def _tell_lost(self, lost: Iterable[Lost]) -> None:
        for each in lost:
            self._tell_gap(*each)

    def _step_back(self, frontier: Frontier) -> None:
        """The store holds less than was read of it (a copy that lags, a backup): remember what need not come again."""
        self._skips.append(Progress(base=self._base, frontier=self._held, cursor=self._read))
        self._held = {p: min(offset, frontier.get(p, 0)) for p, offset in self._held.items()}

    def _turn_to_page(self) -> None:
        """Everything that the store holds up to the place read up to has been read; go on behind it, if that can be."""
        self._held = highest(self._held, self._store_end)
        self.stage = Stage.PAGE
        if self._read == LAST or not self._store_end:
            self._enter_log()

    def take_page(self, fact: PageRead) -> None:
        """A page: late events, or the next ones in order."""
        self.waiting = None
        self._weigh(fact.events)
        self.buffer.add(self._unsent(fact.events))
        if self.stage is Stage.LATE:
            if fact.last:
                self._turn_to_page()
            else:
                self._late_after = fact.events[-1].cursor if fact.events else self._late_after
            return
        self._paged = True
        if fact.events:
            self._read = fact.events[-1].cursor
        if fact.last:
            self._enter_log()
        elif not self._pinned:
            self.stage = Stage.FRONTIER

    @property
    def _pinned(self) -> bool:
        """The store holds all that the window owes: no later frontier matters, and every pass reads the same."""
        return self.goal is not None and all(self._store_end.get(p, 0) >= end for p, end in self.goal.items())

    def _enter_log(self) -> None:
        """Everything that the store holds has been read: go on in the log at its frontier."""
        self.stage = Stage.LOG
        # The store may know of partitions that the catalogue does not tell yet.
        known = {*self.topic.partitions, *self._store_end, *self._base}
        for partition in sorted(known if self.goal is None else self.goal):
            place = self._log_place(partition)
            self.reaches[partition] = Reach(start=place, next=place)
        self._trimmed.clear()
        self._measure()

    def _log_place(self, partition: int) -> int | None:
        place = max(self._store_end.get(partition, -1), self._base.get(partition, -1))
        trimmed = self._trimmed.get(partition, -1)
        if trimmed > place:
            if place >= 0:
                self._tell_gap(partition, place, trimmed, "retention")
            return trimmed
        return place if place >= 0 else None

    def take_tail(self, fact: TailRead) -> None:
        """Slices of the log."""
        self.waiting = None
        self._log_failed = False
        if any(piece.lost for piece in fact.slices):
            self._losses.sent(self.unsent)
        fresh: list[Event] = []
        for piece in fact.slices:
            reach = self.reaches.get(piece.partition)
            if reach is not None:
                fresh += self._take_slice(piece, reach)
        self._weigh(fresh)
        self.buffer.add(fresh, in_order=not self.live)
        if self._trimmed:
            self._return_to_store()

    def _take_slice(self, piece: TailSlice, reach: Reach) -> list[Event]:
        reach.end = piece.log_end
        if reach.next is None and piece.log_start > 0:
            # Nothing of it was stored when the store was asked; what was trimmed since may be now.
            self._trimmed[piece.partition] = piece.log_start
            return []
        if reach.next is None:
            reach.next = piece.base
        elif piece.next == reach.next and piece.log_start > reach.next:
            self._trimmed[piece.partition] = piece.log_start
            return []
        elif piece.truncated:
            self._truncate(piece, reach)
            return []
        if piece.lost:
            upto = piece.next if self.goal is None else min(piece.next, self.goal.get(piece.partition, 0))
            lost = self._losses.from_log(piece.partition, piece.lost, base=reach.next, upto=upto, live=self.live)
            self._tell_lost(lost)
        reach.stalled = piece.next == reach.next
        reach.next = max(piece.next, reach.next)
        fresh = self._unsent(event for event in piece.events if event.time_us in self.window)
        reach.buffered += len(fresh)
        return fresh

    def _truncate(self, piece: TailSlice, reach: Reach) -> None:
        """The log ends before the place that was read: it lost its tail, and will use those offsets again."""
        assert reach.next is not None
        self._tell_gap(piece.partition, piece.log_end, reach.next, "truncated")
        reach.next = piece.log_end
        self._losses.cut(piece.partition, piece.log_end)
        if self.goal is not None:
            self.goal = {**self.goal, piece.partition: min(self.goal.get(piece.partition, 0), piece.log_end)}

    def _return_to_store(self) -> None:
        """There is more than the log has from the place reached on: the store may hold it."""
        self.rewound = True
        if self.live:
            self._sent_base = self.unsent
        self._base = highest(self._base, self.offsets)
        self._held = dict(self._base)
        self._store_end = {}
        self._read = LAST
        self._late_after = None
        self._skips.clear()
        self.reaches.clear()
        self.stage = Stage.FRONTIER

    def take_failure(self, source: Source) -> None:
        """A read failed. A past whose log ends cannot be had is read from the store first."""
        self.waiting = None
        self.parked = None
        if source is Source.LOG:
            self._log_failed = True

    def _unsent(self, events: Iterable[Event]) -> list[Event]:
        passes = self._passes
        if passes is not None:
            events = [event for event in events if passes(event)]
        if self._skips:
            events = [event for event in events if not any(skip.holds(event) for skip in self._skips)]
        return list(events)

    def _weigh(self, events: Sequence[Event]) -> None:
        """Keep pages within the bounds in bytes, going by the events seen last."""
        if not events:
            return
        self._event_bytes = sum(map(weight, events)) // len(events)
        self._measure()
        fitting = self._room.bytes // 2 // self._event_bytes
        self._limit = max(1, min(self._room.events // 2, fitting, self._limit * 8))

    # ------------------------------------------------------------ what was sent

    def sent(self, events: Sequence[Event]) -> None:
        """The first events of the buffer were taken."""
        self.buffer.drop(len(events))
        for event in events:
            reach = self.reaches.get(event.partition)
            if reach is not None and event.offset >= (reach.start or 0):
                reach.buffered -= 1

    def progress(self, cursor: Cursor) -> Progress:
        """What has been sent when all that was read up to `cursor` has; as told before while a late event waits."""
        frontier = self._sent_frontier(cursor)
        if frontier is not None:
            self._told = Progress(base=self._sent_base, frontier=frontier, cursor=cursor)
        return self._told

    def _sent_frontier(self, cursor: Cursor) -> Frontier | None:
        if self.live and self.stage is Stage.LOG:
            self._sent_base = self.unsent
            return self._sent_base
        first = self.buffer.first
        if first is not None and first.cursor <= cursor:
            return None
        if self.stage is Stage.LOG:
            return self.offsets
        if self.stage is Stage.LATE and (self._late_after or FIRST) >= cursor:
            return highest(self._held, self._store_end)
        return self._held if self._read >= cursor else None

    # ------------------------------------------------------------ live, and back

    def go_live(self) -> None:
        """Nothing is unsent: from now on events stay in the order in which they arrive."""
        assert self.exhausted and not len(self.buffer), "live begins when nothing is unsent"
        self.live = True
        self.rewound = False
        self._losses.live_begins()

    def leave_live(self) -> list[int]:
        """Stand behind the last event sent; what was read and not sent is read again. The reads that are cancelled."""
        self.live = False
        if self.stage is not Stage.LOG:
            self.buffer.sort()
            return []
        self._sent_base = self.unsent
        self.buffer.clear()
        for partition, reach in self.reaches.items():
            reach.next = self._sent_base.get(partition)
            reach.buffered = 0
            reach.forget()
        return self._cancel()

    def doubt(self) -> list[int]:
        """What is known of the log ends has become old. The reads that are cancelled, since they wait for news."""
        for reach in self.reaches.values():
            reach.forget()
        return [] if self.parked is None else self._cancel()

    def _cancel(self) -> list[int]:
        cancelled = [] if self.waiting is None else [self.waiting]
        self.waiting = self.parked = None
        return cancelled

    def grow(self, topic: TopicRef) -> None:
        """The topic got partitions: the store may hold something of them. A window in the past owes nothing of them."""
        self.topic = topic
        grown = not self.reaches.keys() >= set(topic.partitions)
        if grown and self.stage is Stage.LOG and self.goal is None:
            self._return_to_store()

    def forsake(self) -> None:
        """The topic is gone: name what was not read of it."""
        ends = {p: r.end for p, r in self.reaches.items()} if self.goal is None else self.goal
        starts = self.unsent if self.stage is Stage.LOG else self._base
        for partition, end in highest(self._held, ends).items():
            if starts.get(partition, 0) < end:
                self._tell_gap(partition, starts.get(partition, 0), end, "deleted")

    def _tell_gap(self, partition: int, start: int, end: int, reason: GapReason) -> None:
        self.gaps.append(
            Gap(topic=self.topic.name, partition=partition, from_offset=start, to_offset=end, reason=reason)
        )
