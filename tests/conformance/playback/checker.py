"""Holds what a viewer receives against the guarantees of the protocol (§5)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from fractions import Fraction

from tests.conformance.playback.images import Owed
from tests.conformance.playback.world import Topic, World
from tivo.model.event import Cursor, Event
from tivo.model.timeline import SECOND_US, Window
from tivo.playback.cursor import from_token
from tivo.playback.merge import FIRST, order_key
from tivo.playback.notices import CaughtUp, Ended, Events, Gap, Image, Looped, Notice, Reset, Skipped, State
from tivo.playback.progress import Progress
from tivo.query.evaluate import compile_expression

Place = tuple[bytes, int, int]
"""(topic id, partition, offset)"""


class Broken(AssertionError):
    """A guarantee does not hold."""


@dataclass
class EpochSeen:
    """What was received of one epoch."""

    number: int
    from_us: int | None
    received: dict[Place, Event] = field(default_factory=dict)
    highest: Cursor = FIRST
    live_next: dict[tuple[bytes, int], int] = field(default_factory=dict)
    caught_up: bool = False
    ended: bool = False
    thinned: int = 0
    thins: bool = False
    began_us: int = 0
    follows: bool = False
    early: set[Place] = field(default_factory=set)
    floors: dict[tuple[bytes, int], int] = field(default_factory=dict)
    edges: set[bytes] = field(default_factory=set)
    carried: dict[bytes, Progress] = field(default_factory=dict)
    known: bool = False
    set_aside: set[Place] = field(default_factory=set)
    image: dict[tuple[bytes, bytes | None], Event] = field(default_factory=dict)
    parts: int = 0
    imaged: bool = False


class Checker:
    """One viewer, over all its connections.

    `bounds` are the log ends that its session was told, per topic and epoch; `first_pages` the wall
    times at which it was given the first page of each epoch.
    """

    def __init__(
        self, world: World, bounds: dict[tuple[bytes, int], dict[int, int]], first_pages: dict[int, int]
    ) -> None:
        self.world = world
        self.bounds = bounds
        self.first_pages = first_pages
        self.window = Window()
        self.epoch: EpochSeen | None = None
        self.epochs: list[EpochSeen] = []
        self.gaps: list[tuple[bytes, Gap]] = []
        self.cursor: str | None = None
        self.after: Cursor | None = None
        self.offsets: dict[str, dict[int, int]] = {}
        self.state: State | None = None
        self.log: list[str] = []
        self.resumed = False
        self.repeated = 0
        self.before_us: int | None = None
        self.discarded = 0
        self.thinned = False
        self.ids: dict[str, bytes] = {}
        self.caught: list[tuple[int, CaughtUp]] = []
        self.due: tuple[int, int] | None = None
        self.before: dict[str, dict[int, int]] = {}
        self.keys: tuple[str, ...] = ()
        self.where: Callable[[Event], bool] | None = None
        self.owed: dict[int, Owed] = {}

    def passes(self, event: Event) -> bool:
        """Whether an event's key is among those asked for, and the expression holds."""
        key = (event.key or b"").decode()
        wanted = not self.keys or any(fnmatchcase(key, glob) for glob in self.keys)
        return wanted and (self.where is None or self.where(event))

    def hear(self, notice: Notice, sent_us: int) -> None:
        """Take a notice that was sent at a wall time."""
        match notice:
            case Reset():
                if notice.why == "loop":
                    self._carry_goals(notice.epoch)
                self.before_us = None if self.epoch is None else self.epoch.from_us
                self.epoch = EpochSeen(notice.epoch, notice.pos_us, began_us=sent_us)
                self.epochs.append(self.epoch)
                self.before = self.offsets
                self.after, self.offsets, self.due = None, {}, None
                self.resumed = False
                self.cursor = notice.cursor
                self._know(notice.cursor)
            case State():
                self.state = notice
                self.window = Window(notice.start_us, notice.end_us)
                by = notice.controls["filter"] or {}
                self.keys = tuple(by.get("key", ()))
                self.where = compile_expression(by["where"]) if "where" in by else None
                self.cursor = notice.cursor
                self.due = None
                if self.epoch is not None and notice.controls["max_rate"]:
                    self.epoch.thins = self.thinned = True
                self._know(notice.cursor)
                self.ids |= {name: kept.topic_id for name, kept in from_token(notice.cursor).topics.items()}
                self._check_token(notice.cursor)
            case Events():
                self._events(notice, sent_us)
            case Image():
                self._image(notice)
            case Gap():
                self.gaps.append((self._id_of(notice), notice))
                if notice.reason == "quarantine":
                    self._set_aside(notice)
                if notice.reason == "deleted":
                    self.offsets.pop(notice.topic, None)
            case CaughtUp():
                assert self.epoch is not None
                self.epoch.caught_up = True
                self.offsets = {name: dict(places) for name, places in notice.offsets.items()}
                self.due = None
                self.caught.append((self.epoch.number, notice))
            case Looped() | Ended():
                assert self.epoch is not None
                self.epoch.ended = True
                self.check_complete()
            case Skipped():
                if notice.from_us >= notice.to_us:
                    raise Broken(f"a skip that goes nowhere: {notice}")
                self.due = None
            case _:
                pass

    def resume(self) -> None:
        """The connection dropped, and the viewer goes on with the last token that it saw, in that token's epoch."""
        assert self.cursor is not None
        standing = from_token(self.cursor)
        self.resumed, self.due = True, None
        for known in [known for known in self.bounds if known[1] > standing.epoch]:
            del self.bounds[known]  # of epochs that the viewer never saw; the next one has the same number
        self.epoch = next((seen for seen in reversed(self.epochs) if seen.number == standing.epoch), None)
        if self.epoch is None:
            return
        self.epoch.live_next.clear()
        self.epoch.highest = standing.behind(self.after)
        for name, kept in standing.topics.items():
            if kept.edge and name not in self.offsets:
                # Nothing was received of it, not even where it begins: it begins where the edge is now.
                self.bounds.pop((kept.topic_id, standing.epoch), None)

    def _id_of(self, gap: Gap) -> bytes:
        """The id of a gap's topic, as the viewer knows it; a gap of one that was made anew is about the one before."""
        if gap.topic in self.ids:
            return self.ids[gap.topic]
        ids = [topic_id for topic_id, topic in self.world.ever.items() if topic.ref.name == gap.topic]
        return ids[-2] if gap.reason == "deleted" and len(ids) > 1 else ids[-1]

    def _set_aside(self, gap: Gap) -> None:
        """What is broken is told once in an epoch, by the store or by the log."""
        assert self.epoch is not None
        if self.epoch.number < self.discarded:
            return  # it may be of an epoch whose reset was discarded
        told = {(self._id_of(gap), gap.partition, offset) for offset in range(gap.from_offset, gap.to_offset)}
        if told & self.epoch.set_aside and not self.resumed:
            raise Broken(f"told twice in epoch {self.epoch.number}: {gap}")
        if told & self.epoch.received.keys():
            raise Broken(f"received, and told as lost: {gap}")
        self.epoch.set_aside |= told

    # ------------------------------------------------------------ images

    def _image(self, image: Image) -> None:
        """Parts come in turn, before anything else of their epoch; after a reconnect from the first on."""
        epoch = self.epoch
        if epoch is None or image.epoch != epoch.number:
            raise Broken(f"an image of epoch {image.epoch} while {epoch and epoch.number} is shown")
        if image.part == 1 and self.resumed:
            epoch.parts, epoch.imaged = 0, False
            epoch.image.clear()
        if image.part != epoch.parts + 1 or epoch.imaged:
            raise Broken(f"part {image.part} of the image of epoch {epoch.number}, behind {epoch.parts}")
        if epoch.received and not self.resumed:
            raise Broken(f"an image behind events, in epoch {epoch.number}")
        epoch.parts = image.part
        for shown in image.events:
            key = (shown.topic_id, shown.event.key)
            if key in epoch.image:
                raise Broken(f"twice in one image: {key}")
            epoch.image[key] = shown.event
        epoch.imaged = image.last
        if image.last:
            self._check_image(epoch, self.owed[epoch.number])

    def _check_image(self, epoch: EpochSeen, owed: Owed) -> None:
        """It is what store and log held before the place; what has come in since the reset may be in it."""
        for (topic_id, key), event in epoch.image.items():
            if not owed.before[topic_id](event) or event not in self.world.ever[topic_id].ever:
                raise Broken(f"in the image, and not before its place: {event}")
            if not self.passes(event):
                raise Broken(f"in the image of {key!r}, which the filter does not let pass")
        if self.world.trimmed:
            return  # what was neither trimmed nor stored is in it
        standing = {topic.ref.topic_id for topic in self.world.topics.values()}
        for place, held in owed.held.items():
            if place[0] not in standing:
                continue  # made anew meanwhile
            told = epoch.image.get(place)
            if told is None and self.passes(held):
                raise Broken(f"not in the image: {held}")
            if told is not None and told < held:
                raise Broken(f"in the image is {told}, and there was {held}")

    def check_imaged(self, epoch: EpochSeen) -> None:
        """Nothing of an epoch comes before its image."""
        if epoch.number in self.owed and epoch.number >= self.discarded and not epoch.imaged:
            raise Broken(f"epoch {epoch.number} owes its image")

    # ------------------------------------------------------------ events

    def _events(self, frame: Events, sent_us: int) -> None:
        epoch = self.epoch
        if epoch is None or frame.epoch != epoch.number:
            raise Broken(f"a frame of epoch {frame.epoch} while {epoch and epoch.number} is shown")
        if not frame.events and not frame.thinned:
            raise Broken("an empty frame")
        self.check_imaged(epoch)
        epoch.thinned += frame.thinned
        for shown in frame.events:
            self._event(epoch, shown.event, shown.topic_id, shown.mark, frame, sent_us)
            self._check_due(shown.event, shown.due_us, shown.mark, sent_us)
        if frame.cursor is not None:
            self.cursor = frame.cursor
            self._check_token(frame.cursor)

    def _event(self, epoch: EpochSeen, event: Event, topic_id: bytes, mark: str, frame: Events, sent_us: int) -> None:
        place = (topic_id, event.partition, event.offset)
        if place in epoch.received:
            if not self.resumed:
                raise Broken(f"twice in epoch {epoch.number}: {event.topic}/{event.partition}/{event.offset}")
            self.repeated += 1
            if mark == "" and not frame.live and place not in epoch.early:
                raise Broken(f"in order and twice after a resume: {event.topic}/{event.partition}/{event.offset}")
            return
        epoch.received[place] = event
        if not self.passes(event):
            raise Broken(f"the filter {self.keys} does not let {event.key!r} pass")
        if mark == "early":
            epoch.early.add(place)
        if event.time_us not in self.window:
            raise Broken(f"{event.time_us} lies outside {self.window}")
        key = order_key(event)
        if mark != "late" and key <= epoch.highest:
            raise Broken(f"out of order and not marked late: {event.topic}/{event.partition}/{event.offset} {mark}")
        if mark == "late" and key > epoch.highest and not self._came_in_late(epoch, topic_id, event):
            raise Broken("marked late, in order, and there from the beginning")
        if event.time_us > sent_us and mark == "":
            raise Broken(f"from the future and not marked early: {event}")
        if mark == "":
            self.after = key
        if mark != "early":
            epoch.highest = max(key, epoch.highest)
        if frame.live:
            last = epoch.live_next.get((topic_id, event.partition), -1)
            if event.offset < last:
                raise Broken("live, and not in offset order")
            epoch.live_next[topic_id, event.partition] = event.offset + 1
            self.offsets.setdefault(event.topic, {})[event.partition] = event.offset + 1

    def _came_in_late(self, epoch: EpochSeen, topic_id: bytes, event: Event) -> bool:
        """Whether an event may have come in when its time had passed already: the store did not hold it at first.

        Or it did, and the epoch began at the live edge behind what was sent before: what was not sent yet lies behind
        that position, and is late where the viewer holds it before that has come.
        """
        stored_us = self.world.ever[topic_id].stored_us.get((event.partition, event.offset))
        late = stored_us is None or stored_us >= epoch.began_us
        unsent = bool(epoch.carried) or (topic_id, event.partition) in epoch.floors
        return late or unsent or self.resumed or epoch.thins or self.world.troubled

    def _check_due(self, event: Event, due_us: int, mark: str, sent_us: int) -> None:
        """What is in order is never sent before it is due, and is due in proportion to its time, `min_gap` apart."""
        if due_us > sent_us:
            raise Broken(f"sent {due_us - sent_us} µs before it was due")
        assert self.epoch is not None
        if not self.resumed and not self.epoch.follows and due_us < self.first_pages.get(self.epoch.number, due_us):
            raise Broken("due before the first page was there")
        state = self.state
        if mark or state is None or state.speed is None or state.status.value != "playing":
            self.due = None
            return
        if self.due is not None:
            time_us, before_us = self.due
            chase = Fraction((state.controls["catch_up"] or {"max_speed": 0})["max_speed"])
            least: Fraction | int = (event.time_us - time_us) / max(state.speed, chase)
            if event.time_us > time_us:
                least = max(least, int((state.controls["min_gap"] or 0) * SECOND_US))
            if due_us - before_us < least - 2:
                raise Broken(f"due {due_us - before_us} µs after the last one, {float(least)} at this speed")
            if event.time_us == time_us:
                return  # what is read of an instant later than the rest of it puts off nothing
        self.due = (event.time_us, due_us)

    # ------------------------------------------------------------ where an epoch begins

    def _carry_goals(self, epoch: int) -> None:
        for (topic_id, number), ends in list(self.bounds.items()):
            if number == epoch - 1:
                self.bounds[topic_id, epoch] = ends

    def _know(self, token: str) -> None:
        """The first state of an epoch tells which topics begin at the live edge, and which go on where they were."""
        epoch, standing = self.epoch, from_token(token)
        if epoch is None or epoch.known or standing.epoch != epoch.number:
            return
        epoch.known = True
        epoch.from_us = standing.from_us
        epoch.follows = standing.delay_us is not None
        stepped = standing.mode == "paused" and standing.behind(None) > FIRST  # back, to between two events
        for name, kept in standing.topics.items():
            if kept.edge:
                epoch.edges.add(kept.topic_id)
            if (kept.base or kept.frontier) and not stepped and self.ids.get(name) != kept.topic_id:
                raise Broken(f"{name} is another topic than before and does not begin at its beginning")
            if kept.frontier:
                epoch.carried[kept.topic_id] = standing.progress(name, None, {})
            for partition, base in kept.base.items():
                epoch.floors[kept.topic_id, partition] = base
                known = self.before.get(name, {}).get(partition, base)
                topic = self.world.ever[kept.topic_id]
                missed = [
                    event
                    for event in topic.ever
                    if event.partition == partition
                    and known <= event.offset < base
                    and event.time_us in Window(self.before_us, standing.end_us)
                    and event.time_us in self.window  # as it was; what lies behind its end may have gone by
                    and self.passes(event)
                    and not self._told_lost(topic, event)
                ]
                if missed and not self.thinned:
                    raise Broken(f"{name}/{partition} was live up to {known} and goes on at {base}")

    # ------------------------------------------------------------ tokens

    def _check_token(self, token: str) -> None:
        """What a token says was sent has been received."""
        epoch = self.epoch
        standing = from_token(token)
        if epoch is None or standing.epoch != epoch.number or not standing.topics:
            return
        if epoch.thins or epoch.number < self.discarded:
            return
        window = Window(standing.from_us, standing.end_us)
        for name, kept in standing.topics.items():
            topic = self.world.ever[kept.topic_id]
            progress = standing.progress(name, None, {})
            for event in topic.ever:
                if not self.passes(event):
                    continue
                if event.time_us not in window or event.offset < self._floor(epoch, kept.topic_id, event.partition):
                    continue
                if progress.holds(event) and not self._accounted(epoch, topic, event):
                    raise Broken(f"the token says sent, and it was not: {name}/{event.partition}/{event.offset}")

    # ------------------------------------------------------------ what is owed

    def _floor(self, epoch: EpochSeen, topic_id: bytes, partition: int) -> int:
        """First offset that an epoch owes: those that begin at the live edge begin at the log ends noted then."""
        if topic_id in epoch.edges:
            return self.bounds.get((topic_id, epoch.number), {}).get(partition, 0)
        return epoch.floors.get((topic_id, partition), 0)

    def check_complete(self) -> None:
        """A window was played: everything below the log ends noted for it came."""
        epoch = self.epoch
        assert epoch is not None
        if epoch.number < self.discarded:
            return
        self.check_imaged(epoch)
        assert self.state is not None
        played = from_token(self.state.cursor).topics
        for topic in self.world.topics.values():
            if topic.ref.name not in played:
                continue
            ends = self.bounds.get((topic.ref.topic_id, epoch.number))
            if ends is not None:
                self.check_owed(topic, Window(epoch.from_us, self.window.end_us), ends)

    def _accounted(self, epoch: EpochSeen, topic: Topic, event: Event) -> bool:
        place = (topic.ref.topic_id, event.partition, event.offset)
        carried = epoch.carried.get(topic.ref.topic_id)
        if carried is not None and carried.holds(event):
            return True
        if place in epoch.received:
            return True
        return self._told_lost(topic, event)

    def _told_lost(self, topic: Topic, event: Event) -> bool:
        return any(
            topic_id == topic.ref.topic_id
            and gap.partition == event.partition
            and gap.from_offset <= event.offset < gap.to_offset
            for topic_id, gap in self.gaps
        )

    def check_owed(self, topic: Topic, window: Window, ends: dict[int, int] | None) -> None:
        """Everything of a topic in the window, below these ends, was received, thinned out or named in a gap."""
        epoch = self.epoch
        assert epoch is not None
        missing = [
            event
            for event in topic.ever
            if event.time_us in window
            and self.passes(event)
            and (ends is None or event.offset < ends.get(event.partition, 0))
            and event.offset >= self._floor(epoch, topic.ref.topic_id, event.partition)
            and not self._accounted(epoch, topic, event)
        ]
        if len(missing) > epoch.thinned:
            first = missing[0]
            raise Broken(
                f"epoch {epoch.number} owes {len(missing)} events that never came, the first of them "
                f"{first.topic}/{first.partition}/{first.offset} at {first.time_us}"
            )
