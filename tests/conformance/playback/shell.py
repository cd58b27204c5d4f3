"""A faithful player in virtual time: performs effects, answers late, twice, out of order or with a failure."""

from collections.abc import Callable
from random import Random

from tests.conformance.playback.images import Owed, owed
from tests.conformance.playback.world import Timeline, World
from tests.unit.tivo.playback.player import image_part
from tivo.playback.commands import Ack, Command
from tivo.playback.effects import (
    Ask,
    Cancel,
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
    Answered,
    BoundsRead,
    Fact,
    FrontierRead,
    ImageRead,
    NearRead,
    OutboxDrained,
    OutboxFull,
    PageRead,
    ReadFailed,
    Source,
    TailRead,
    TopicsChanged,
    Woke,
)
from tivo.playback.notices import LASTING, Events, Notice, Reset
from tivo.playback.session import Session

Read = ReadBounds | ReadFrontier | ReadPage | ReadTail | ReadNear | ReadImage | Ask

HIGH_MARK = 20
LOW_MARK = 5


class Network:
    """How the world answers: delays in microseconds, and how often it fails."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.slowest_us = random.choice([0, 1_000, 20_000, 400_000])
        self.wake_jitter_us = random.choice([0, 0, 900, 30_000])
        self.failing = random.choice([0.0, 0.0, 0.0, 0.1])
        self.page_cut = random.random() < 0.3
        self.calm = False

    def delay(self) -> int:
        return self.random.randint(0, self.slowest_us) if self.slowest_us and not self.calm else 0

    def fails(self) -> bool:
        return not self.calm and self.failing > 0 and self.random.random() < self.failing


class Shell:
    """Drives one session, as a gateway's player does, and carries what it tells to a viewer."""

    def __init__(
        self, session: Session, world: World, network: Network, hear: Callable[[Notice, int], None], *, acks: bool
    ) -> None:
        self.session = session
        self.world = world
        self.timeline: Timeline = world.timeline
        self.network = network
        self.hear = hear
        self.acks = acks
        self.viewer_delay_us = 0
        self.gone = False
        self.bounds: dict[tuple[bytes, int], dict[int, int]] = {}
        self.first_pages: dict[int, int] = {}
        self.owed: dict[int, Owed] = {}
        self.closed: int | None = None
        self._outbox: list[tuple[Notice, int]] = []
        self._carrying = False
        self._wake = 0
        self._full = False
        self._cancelled: set[int] = set()
        self.epoch = 0
        self.discarded = 0

    # ------------------------------------------------------------ in

    def start(self) -> None:
        self._perform(self.session.open(self.timeline.now))

    def receive(self, given: Command | Fact) -> None:
        if not self.gone:
            self._perform(self.session.receive(given, self.timeline.now))

    def catalogue_changed(self) -> None:
        self.receive(TopicsChanged(self.world.catalogue))

    # ------------------------------------------------------------ out

    def _perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            self._one(effect)
        if not self._full and len(self._outbox) > HIGH_MARK:
            self._full = True
            self.receive(OutboxFull())
        self._drained()

    def _drained(self) -> None:
        if self._full and len(self._outbox) <= LOW_MARK:
            self._full = False
            self.receive(OutboxDrained())

    def _one(self, effect: Effect) -> None:
        match effect:
            case Tell(Reset(epoch=epoch) as notice):
                self.epoch = epoch
                self.owed.pop(epoch, None)
                if self.session._playback.controls.image:
                    self.owed[epoch] = owed(self.world, notice)
                self._put(notice)
            case Send(frame):
                assert not self._full or not frame.events, "events were sent into a full outbox"
                self._put(frame)
            case Tell(notice):
                self._put(notice)
            case WakeAt(steady_us):
                self._wake += 1
                if steady_us is not None:
                    mine = self._wake
                    late = self.network.random.randint(0, self.network.wake_jitter_us)
                    self.timeline.at(steady_us + late, lambda: self.receive(Woke()) if mine == self._wake else None)
            case Discard(before):
                self.discarded = before
                self._outbox = [(notice, sent) for notice, sent in self._outbox if isinstance(notice, LASTING)]
            case Cancel(reads):
                self._cancelled.update(reads)
            case Close(code, _):
                self.closed = code
            case ReadBounds() | ReadFrontier() | ReadPage() | ReadTail() | ReadNear() | ReadImage() | Ask():
                epoch = self.epoch
                self.timeline.after(self.network.delay(), lambda: self._read(effect, epoch))
            case _:
                pass

    # ------------------------------------------------------------ reads

    def _answer(self, fact: Fact) -> None:
        def deliver() -> None:
            if isinstance(fact, PageRead | TailRead):
                self.first_pages.setdefault(self.epoch, self.timeline.now.wall_us)
            self.receive(fact)

        self.timeline.after(self.network.delay(), deliver)
        if self.network.random.random() < 0.02:
            self.timeline.after(self.network.delay() + 1, deliver)

    def _read(self, effect: Read, epoch: int) -> None:
        if self.gone or (effect.read in self._cancelled and self.network.random.random() < 0.5):
            return
        if self.network.fails():
            source = Source.LOG if isinstance(effect, ReadBounds | ReadTail) else Source.STORE
            self._answer(ReadFailed(effect.read, source, "away"))
            return
        match effect:
            case ReadBounds(read, topic):
                ends = self.world.ends(topic)
                self.bounds.setdefault((topic.topic_id, epoch), ends)
                self._answer(BoundsRead(read, ends))
            case ReadFrontier(read, topic, _, above):
                frontier = self.frontier(topic.topic_id)
                self._answer(FrontierRead(read, frontier, self.world.lost(topic.topic_id, above, frontier)))
            case ReadPage():
                self._answer(self._page(effect))
            case ReadTail():
                self._tail(effect)
            case ReadNear():
                self._answer(self._near(effect))
            case ReadImage():
                self._answer(self._image(effect))
            case Ask(read):
                self._answer(Answered(read, {}))

    def frontier(self, topic_id: bytes) -> dict[int, int]:
        return self.world.frontier(topic_id)

    def _page(self, effect: ReadPage) -> PageRead:
        limit = effect.limit
        if self.network.page_cut:
            limit = self.network.random.randint(1, limit)
        events = self.world.read(
            effect.topic.topic_id,
            effect.window,
            dict(effect.above),
            dict(effect.upto),
            effect.after,
            effect.until,
            limit,
        )
        return PageRead(effect.read, events, last=len(events) < limit)

    def _near(self, effect: ReadNear) -> NearRead:
        limit = self.network.random.randint(1, effect.limit) if self.network.page_cut else effect.limit
        if self.network.page_cut and (effect.scanned is None or effect.scanned.left):
            part, scanned = self.world.scan(effect, limit)
            return NearRead(effect.read, part, False, scanned.read, scanned)
        found, looked_at = self.world.near(effect)
        return NearRead(effect.read, found[:limit], len(found) <= limit, looked_at)

    def _image(self, effect: ReadImage) -> ImageRead:
        below = self.world.below(effect.topic, effect.until, effect.upto)
        return image_part(effect, below, 1 if self.network.page_cut else 2)

    def _tail(self, effect: ReadTail) -> None:
        if self.gone:
            return
        slices = [self.world.tail(effect.topic, p.partition, p.offset, p.upto, p.limit) for p in effect.places]
        if effect.wait:
            slices = [s for s in slices if s.next != s.base or s.log_start > s.base]
            if not slices:
                self.world.changed.append(lambda: self._tail(effect))
                return
        behind = not all(self.world.in_ring(effect.topic, p.partition, p.offset) for p in effect.places)
        self._answer(TailRead(effect.read, slices, behind))

    # ------------------------------------------------------------ the viewer's end

    def _put(self, notice: Notice) -> None:
        self._outbox.append((notice, self.timeline.now.wall_us))
        if not self._carrying:
            self._carrying = True
            self.timeline.after(self.viewer_delay_us, self._carry)

    def _carry(self) -> None:
        self._carrying = False
        if self.gone or not self._outbox:
            return
        notice, sent_us = self._outbox.pop(0)
        if self._outbox:
            self._carrying = True
            self.timeline.after(self.viewer_delay_us, self._carry)
        self.hear(notice, sent_us)
        if self.acks and isinstance(notice, Events):
            self.receive(Ack(n=notice.n))
        self._drained()
