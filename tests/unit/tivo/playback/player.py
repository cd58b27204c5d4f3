"""A player that answers at once, out of lists, in virtual time: a session's whole world for tests."""

from collections.abc import Iterable
from typing import Any, TypeVar

from tests.unit.tivo.playback.events import now, topic
from tivo.model.event import Event, Lost
from tivo.model.timeline import Now
from tivo.playback.commands import Ack, Command
from tivo.playback.effects import (
    Ask,
    Close,
    Discard,
    Effect,
    ReadBounds,
    ReadFrontier,
    ReadImage,
    ReadNear,
    ReadPage,
    ReadTail,
    Send,
    Tell,
    WakeAt,
)
from tivo.playback.facts import (
    BoundsRead,
    Fact,
    FrontierRead,
    ImageRead,
    NearRead,
    PageRead,
    ReadFailed,
    Source,
    TailRead,
    TailSlice,
    TopicRef,
    TopicsChanged,
    Woke,
)
from tivo.playback.notices import Events, Notice, Reset, State
from tivo.playback.progress import Bounds
from tivo.playback.session import Session
from tivo.query.evaluate import compile_expression
from tivo.store.image import key_order

N = TypeVar("N", bound=Notice)
Read = ReadBounds | ReadFrontier | ReadPage | ReadTail | ReadNear | ReadImage | Ask
READS = ReadBounds | ReadFrontier | ReadPage | ReadTail | ReadNear | ReadImage


def image_part(read: ReadImage, events: Iterable[Event], size: int) -> ImageRead:
    """The part of an image that was asked for, of so many events, out of all that lie below its place."""
    last = {key_order(event.key): event for event in sorted(events)}
    places = [place for place in sorted(last) if place >= (read.after or b"")]
    return ImageRead(read.read, [last[place] for place in places[:size]], next(iter(places[size:]), None))


class Player:
    """Topics as lists of events per partition, of which the store holds so many; what was told, in order."""

    def __init__(self, *topics: TopicRef, patterns: tuple[str, ...] = ("*",), room: Bounds | None = None) -> None:
        self.topics = {ref.name: ref for ref in topics or (topic(),)}
        self.logs: dict[tuple[bytes, int], list[Event]] = {}
        self.stored: dict[tuple[bytes, int], int] = {}
        self.starts: dict[tuple[bytes, int], int] = {}
        self.steady_us = 0
        self.told: list[Notice] = []
        self.asked: list[Ask] = []
        self.effects: list[Effect] = []
        self.acks = False
        self.answers = True
        self.away: set[Source] = set()
        self.behind = False
        self.lost: list[Lost] = []
        self.held: list[Read] = []
        self._parked: list[ReadTail] = []
        self._wake_us: int | None = None
        self.patterns = patterns
        self.room = room
        self.connect()

    @property
    def now(self) -> Now:
        return now(self.steady_us)

    # ------------------------------------------------------------ the socket

    def connect(self) -> None:
        """A session of its own for the socket that is opened now."""
        self.session = Session(
            sid="s",
            server="test",
            topics=self.patterns,
            catalogue=self.topics,
            limits={"max_sessions": 512},
            bounds=self.room,
            compile_where=compile_expression,
        )
        self._perform(self.session.open(self.now))

    def lose(self) -> None:
        """The socket is lost, and with it the session: nobody waits for what it asked for."""
        self._wake_us = None
        for waiting in (self.asked, self.held, self._parked):
            waiting.clear()

    # ------------------------------------------------------------ the world

    def has(self, events: Iterable[Event], *, stored: bool = True) -> None:
        """The log holds these, and the store too unless told; what waits for them is answered."""
        for event in events:
            place = (self.topics[event.topic].topic_id, event.partition)
            self.logs.setdefault(place, []).append(event)
            if stored:
                self.stored[place] = event.offset + 1
        parked, self._parked = self._parked, []
        for read in parked:
            self._tail(read)

    def trim(self, name: str, start: int, partition: int = 0) -> None:
        """Retention: the log of a partition begins at an offset now."""
        place = (self.topics[name].topic_id, partition)
        self.starts[place] = start

    def change(self, *topics: TopicRef) -> None:
        """The catalogue has changed."""
        self.topics = {ref.name: ref for ref in topics}
        self.receive(TopicsChanged(self.topics))

    # ------------------------------------------------------------ the viewer

    def do(self, command: Command) -> None:
        self.receive(command)

    def receive(self, given: Command | Fact) -> None:
        self._perform(self.session.receive(given, self.now))

    def run(self, span_us: int) -> None:
        """Let time pass, waking the session when it wants to be woken."""
        until_us = self.steady_us + span_us
        while self._wake_us is not None and self._wake_us <= until_us:
            self.steady_us, self._wake_us = max(self.steady_us, self._wake_us), None
            self.receive(Woke())
        self.steady_us = until_us

    def late(self, span_us: int) -> None:
        """Let time pass without waking the session, then wake it."""
        self.steady_us += span_us
        self.receive(Woke())

    def answer(self) -> None:
        """Answer the reads that were held."""
        held, self.held = self.held, []
        for read in held:
            self._read(read)

    def last(self, kind: type[N]) -> N:
        return [notice for notice in self.told if isinstance(notice, kind)][-1]

    def all(self, kind: type[N]) -> list[N]:
        return [notice for notice in self.told if isinstance(notice, kind)]

    @property
    def cursor(self) -> str:
        """The last cursor seen."""
        carrying = [
            notice.cursor for notice in self.told if isinstance(notice, Reset | State | Events) and notice.cursor
        ]
        return carrying[-1] or ""

    @property
    def frames(self) -> list[Events]:
        return [frame for frame in self.all(Events) if frame.events]

    @property
    def shown(self) -> list[Event]:
        """Every event shown, in order."""
        return [shown.event for frame in self.frames for shown in frame.events]

    @property
    def marks(self) -> list[str]:
        return [shown.mark for frame in self.frames for shown in frame.events]

    @property
    def times(self) -> list[int]:
        """When each event shown was due, in steady time."""
        return [shown.due_us - now().wall_us for frame in self.frames for shown in frame.events]

    # ------------------------------------------------------------ effects

    def _perform(self, effects: list[Effect]) -> None:
        self.effects += effects
        for effect in effects:
            match effect:
                case Tell(notice):
                    self.told.append(notice)
                case Send(frame):
                    self.told.append(frame)
                case WakeAt(steady_us):
                    self._wake_us = steady_us
                case Ask():
                    self.asked.append(effect)
                case ReadBounds() | ReadFrontier() | ReadPage() | ReadTail() | ReadNear() | ReadImage() if (
                    not self.answers
                ):
                    self.held.append(effect)
                case _:
                    pass
        for effect in effects:
            if isinstance(effect, READS) and self.answers:
                self._read(effect)
            elif isinstance(effect, Send) and self.acks:
                self.receive(Ack(n=effect.frame.n))

    def effects_of(self, kind: type[Any]) -> list[Any]:
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def _read(self, read: Read) -> None:
        source = Source.LOG if isinstance(read, ReadBounds | ReadTail) else Source.STORE
        if source in self.away:
            self.receive(ReadFailed(read.read, source, f"the {source.value} is away"))
            return
        match read:
            case ReadBounds(number, ref):
                self.receive(BoundsRead(number, {p: self._end(ref, p) for p in ref.partitions}))
            case ReadFrontier(number, ref):
                held = {p: self.stored[ref.topic_id, p] for p in ref.partitions if (ref.topic_id, p) in self.stored}
                self.receive(FrontierRead(number, held, self.lost))
            case ReadPage():
                found = self._page(read)
                self.receive(PageRead(read.read, found[: read.limit], len(found) <= read.limit))
            case ReadTail():
                self._tail(read)
            case ReadNear():
                self.receive(self._near(read))
            case ReadImage():
                self.receive(image_part(read, self._below(read), 2))
            case Ask():
                pass

    def _log(self, ref: TopicRef, partition: int) -> list[Event]:
        return self.logs.get((ref.topic_id, partition), [])

    def _end(self, ref: TopicRef, partition: int) -> int:
        log = self._log(ref, partition)
        return log[-1].offset + 1 if log else self.starts.get((ref.topic_id, partition), 0)

    def _page(self, read: ReadPage) -> list[Event]:
        return sorted(
            event
            for partition, upto in read.upto.items()
            for event in self._log(read.topic, partition)
            if read.above.get(partition, 0) <= event.offset < upto
            and event.time_us in read.window
            and (read.after is None or event.cursor > read.after)
            and (read.until is None or event.cursor <= read.until)
        )

    def _near(self, read: ReadNear) -> NearRead:
        ends = {partition: self._end(read.topic, partition) for partition in read.topic.partitions}
        found = sorted(
            (
                event
                for partition in ends
                for event in self._log(read.topic, partition)
                if event.time_us in read.window
                and (event.cursor < read.beside if read.reverse else event.cursor > read.beside)
            ),
            reverse=read.reverse,
        )
        return NearRead(read.read, found[: read.limit], len(found) <= read.limit, ends)

    def _below(self, read: ReadImage) -> Iterable[Event]:
        return (
            event
            for partition in read.topic.partitions
            for event in self._log(read.topic, partition)
            if (not read.upto or event.offset < read.upto.get(partition, 0)) and event.cursor <= read.until
        )

    def _tail(self, read: ReadTail) -> None:
        slices: list[TailSlice] = []
        for place in read.places:
            start, end = (
                self.starts.get((read.topic.topic_id, place.partition), 0),
                self._end(read.topic, place.partition),
            )
            base = start if place.offset is None else place.offset
            upto = end if place.upto is None else min(end, place.upto)
            events = [e for e in self._log(read.topic, place.partition) if base <= e.offset < upto and base >= start]
            events = events[: place.limit]
            moved = events[-1].offset + 1 if events else base
            if moved > base or start > base or not read.wait:
                slices.append(TailSlice(place.partition, base, moved, start, end, events))
        if slices:
            self.receive(TailRead(read.read, slices, self.behind))
        else:
            self._parked.append(read)

    @property
    def closed(self) -> list[Close]:
        return self.effects_of(Close)

    @property
    def discarded(self) -> list[Discard]:
        return self.effects_of(Discard)
