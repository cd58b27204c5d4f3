"""One seeded history: a world, a viewer with wishes, and a session between them."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from random import Random

from tests.conformance.playback.checker import Broken, Checker
from tests.conformance.playback.reconnecting import resuming
from tests.conformance.playback.shell import Network, Shell
from tests.conformance.playback.world import EPOCH_US, Timeline, World
from tivo.model.event import Event
from tivo.model.timeline import SECOND_US, Window
from tivo.playback.commands import (
    At,
    Batches,
    Change,
    Command,
    EndAction,
    Fit,
    Frames,
    Loop,
    OnSlow,
    Pacing,
    Pause,
    Place,
    Play,
    Rate,
    Seek,
    SetControls,
    Speed,
    Step,
    StepBy,
    Subscribe,
    Tail,
    Time,
    Unlimited,
    Unsubscribe,
)
from tivo.playback.cursor import from_token
from tivo.playback.notices import Failed, Notice, Status
from tivo.playback.progress import Bounds
from tivo.playback.session import Session

HISTORY_US = 100 * SECOND_US
_SPEEDS = [Fraction(1, 2), Fraction(1), Fraction(73, 10), Fraction(60), Fraction(1000)]


class Simulation:
    """Runs one seed to its end; raises Broken where a guarantee does not hold.

    Where `rich`, the viewer uses every control there is and the agent sets records aside. These
    choices are drawn apart, so that without them a seed stays the history that it was.
    """

    def __init__(self, seed: int, *, session: type[Session] = Session, rich: bool = False) -> None:
        self.rich = Random(f"{seed} rich") if rich else None
        self.trace: list[str] | None = None
        self.random = Random(seed)
        self.timeline = Timeline()
        self.world = World(self.random, self.timeline)
        self._session = session
        self.network = Network(self.random)
        self.world.troubled = self.network.failing > 0
        self.world.sets_aside = self.rich is not None and self.rich.random() < 0.3
        self.length_us = self.random.choice([2, 10, 30]) * SECOND_US
        self.bounds: dict[tuple[bytes, int], dict[int, int]] = {}
        self.first_pages: dict[int, int] = {}
        self.checker = Checker(self.world, self.bounds, self.first_pages)
        self.failed: list[Failed] = []
        self.viewer_slow = self.random.random() < 0.3
        self.shell: Shell
        self._make_history()
        self._plan_producers()
        self._plan_agent()
        self._plan_troubles()

    # ------------------------------------------------------------ the world's plans

    def _make_history(self) -> None:
        random = self.random
        for name in ["a", "b", "c"][: random.choice([1, 1, 2, 3])]:
            topic = self.world.make(name, random.choice([1, 1, 2, 3]))
            for _ in range(random.choice([0, 3, 15, 60])):
                partition = random.choice(topic.ref.partitions)
                self.world.produce(name, partition, self._time(EPOCH_US - random.randint(0, HISTORY_US)))
        # Mostly in order of time, as records arrive; some late ones stay.
        for topic in self.world.topics.values():
            for log in topic.partitions.values():
                times = sorted(event.time_us for event in log.events)
                for _ in range(len(times) // 8):
                    i, j = random.randrange(len(times)), random.randrange(len(times))
                    times[i], times[j] = times[j], times[i]
                before = {id(event) for event in log.events}
                log.events = [_at(event, time_us) for event, time_us in zip(log.events, times, strict=True)]
                topic.ever = [event for event in topic.ever if id(event) not in before] + log.events
        self.world.agent_up = random.random() < 0.85
        if random.random() < 0.9:
            for _ in range(random.choice([1, 3, 30])):
                self.world.persist(random.choice([1, 5, 50]))

    def _time(self, time_us: int) -> int:
        """Times collide now and then, at a second."""
        return time_us // SECOND_US * SECOND_US if self.random.random() < 0.2 else time_us

    def _plan_producers(self) -> None:
        random = self.random
        for _ in range(random.choice([0, 5, 20, 60])):
            self.timeline.at(random.randrange(self.length_us), self._produce)

    def _produce(self) -> None:
        random, wall_us = self.random, self.timeline.now.wall_us
        name = random.choice(sorted(self.world.topics))
        kind = random.random()
        time_us = wall_us - random.randint(0, 50_000)
        if kind < 0.1:
            time_us = wall_us - random.randint(0, HISTORY_US)
        elif kind < 0.15:
            time_us = wall_us + random.randint(1, 20 * SECOND_US)
        for _ in range(random.choice([1, 1, 1, 1, 12])):
            partition = random.choice(self.world.topics[name].ref.partitions)
            self.world.produce(name, partition, self._time(time_us) if kind > 0.15 else time_us)

    def _plan_agent(self) -> None:
        step_us = self.length_us // self.random.choice([8, 40, 200])
        most = self.random.choice([1, 5, 100])

        def persist() -> None:
            if self.world.agent_up:
                self.world.persist(most)
            if self.timeline.steady_us < self.length_us:
                self.timeline.after(self.random.randint(1, step_us), persist)

        def toggle() -> None:
            self.world.agent_up = not self.world.agent_up

        self.timeline.after(0, persist)
        for _ in range(self.random.choice([0, 0, 1, 3])):
            self.timeline.at(self.random.randrange(self.length_us), toggle)

    def _plan_troubles(self) -> None:
        random = self.random
        for _ in range(random.choice([0, 0, 1, 2])):
            self.timeline.at(random.randrange(self.length_us), self._trouble)

    def _trouble(self) -> None:
        random = self.random
        self.world.troubled = True
        name = random.choice(sorted(self.world.topics))
        kind = random.choice(["trim", "trim", "anew", "grow", "new"])
        if kind == "trim":
            self.world.trim(name)
        elif kind == "anew":
            self.world.make(name, random.choice([1, 2]))
        elif kind == "grow":
            self.world.grow(name)
        else:
            self.world.make("d", 1)
        if kind != "trim":
            self.timeline.after(random.randint(0, SECOND_US), self._catalogue_changed)

    def _catalogue_changed(self) -> None:
        self.shell.catalogue_changed()

    # ------------------------------------------------------------ the viewer's wishes

    def _wishes(self) -> None:
        random = self.random
        self._wish(self._first_wish())
        for _ in range(random.choice([0, 0, 1, 2, 4])):
            self.timeline.at(random.randrange(self.length_us), lambda: self._wish(self._next_wish()))
        for _ in range(random.choice([0, 0, 0, 1, 2])):
            self.timeline.at(random.randrange(self.length_us), self._reconnect)
        if self.viewer_slow:
            for _ in range(2):
                self.timeline.at(random.randrange(self.length_us), self._dawdle)

    def _wish(self, command: Command) -> None:
        self._note(command)
        self.shell.receive(command)
        if isinstance(command, Play) and command.change.loop == Loop(None):
            # A loop for ever at a high speed is much of the same.
            enough = SetControls(change=Change(loop=Loop()))
            self.timeline.after(2 * SECOND_US, lambda: self.shell.receive(enough))

    def _note(self, what: object) -> None:
        if self.trace is not None:
            self.trace.append(f"{self.timeline.steady_us}: {what}")

    def _first_wish(self) -> Command:
        random = self.random
        if random.random() < 0.15:
            return Tail()
        return Play(change=self._change(window=True))

    def _change(self, *, window: bool) -> Change:
        random = self.random
        start: Time | None = None
        end: Time | None = None
        loop: Loop | None = None
        if window:
            start_us = EPOCH_US - random.randint(0, HISTORY_US)
            start = At(self._time(start_us)) if random.random() < 0.6 else Place.UNBOUNDED
            kind = random.random()
            if kind < 0.35:
                end = At(self._time(random.randint(start_us, max(start_us, self.timeline.now.wall_us))) + SECOND_US)
            elif kind < 0.5:
                end = At(self.timeline.now.wall_us + random.randint(0, 10 * SECOND_US))
            else:
                end = Place.UNBOUNDED
            loop = Loop()
            if isinstance(end, At) and isinstance(start, At) and random.random() < 0.5:
                loop = Loop(turns=random.choice([2, 3, None]))
        pacing: Pacing = Unlimited() if random.random() < 0.3 else Speed(random.choice(_SPEEDS))
        rate = Fraction(random.choice([0, 0, 0, 2])) if isinstance(pacing, Speed) else None
        max_gap_us = random.choice([0, 0, 100_000, 2_000_000])
        hz = Fraction(random.choice([0, 0, 0, 4]))
        change = Change(
            start=start, end=end, loop=loop, pacing=pacing, max_rate=rate, max_gap_us=max_gap_us, clock_hz=hz
        )
        return change if self.rich is None else self._enriched(change, self.rich)

    def _enriched(self, change: Change, rich: Random) -> Change:
        """With the controls that are used more rarely."""
        pacing = change.pacing
        if rich.random() < 0.2:
            pacing = Rate(Fraction(rich.choice([2, 50])))
        elif rich.random() < 0.3 and isinstance(change.start, At) and isinstance(change.end, At):
            pacing = Fit(rich.choice([100_000, 3 * SECOND_US]))
        return replace(
            change,
            pacing=pacing,
            max_rate=change.max_rate if isinstance(pacing, Speed | Fit) else None,
            end_action=rich.choice([None, None, EndAction.TAIL, EndAction.PAUSE]),
            keys=rich.choice([None, (), ("k1",), ("k[02]", "none")]),
            min_gap_us=rich.choice([None, None, 0, 50_000]) if not change.max_gap_us else 0,
            catch_up=rich.choice([None, Fraction(0), Fraction(3, 2)]),
            on_slow=rich.choice([None, OnSlow.STRETCH, OnSlow.DROP]),
            frames=rich.choice([None, Frames.EXACT, Frames.COALESCE]),
            image=rich.choice([None, True, False]),
        )

    def _next_wish(self) -> Command:
        random = self.random
        wishes: list[Callable[[], Command]] = [
            Pause,
            Play,
            Play,
            lambda: Seek(to=At(EPOCH_US - random.randint(0, HISTORY_US))),
            lambda: SetControls(change=self._change(window=False)),
            lambda: SetControls(change=Change(pacing=Speed(random.choice(_SPEEDS)))),
            lambda: Tail(delay_us=random.choice([0, 0, 1_500_000])),
            lambda: Play(change=self._change(window=True)),
            lambda: Subscribe(topics=("b*",)),
            lambda: Unsubscribe(topics=("b*",)),
            lambda: SetControls(change=Change(end=Place.UNBOUNDED, loop=Loop())),
        ]
        rich = self.rich
        if rich is not None and rich.random() < 0.3:
            return self._step() if rich.random() < 0.5 else SetControls(change=self._change(window=True))
        return random.choice(wishes)()

    def _step(self) -> Command:
        """A step, or a few batches."""
        assert self.rich is not None
        n = self.rich.choice([1, 3, 40]) * self.rich.choice([1, -1])
        if self.rich.random() < 0.3:
            return Seek(to=Batches(n))
        return Step(n=n, by=self.rich.choice(list(StepBy)))

    def _dawdle(self) -> None:
        self.shell.viewer_delay_us = self.random.choice([10_000, 300_000, 1_500_000])

    # ------------------------------------------------------------ the run

    def _connect(self) -> None:
        random = self.random
        session = self._session(
            sid="s",
            server="sim",
            topics=self.patterns,
            catalogue=self.world.catalogue,
            bounds=Bounds(events=self.room, bytes=1 << 20),
        )
        self.shell = Shell(session, self.world, self.network, self._hear, acks=random.random() < 0.5)
        self.shell.bounds = self.bounds
        self.shell.owed = self.checker.owed
        self.shell.first_pages = self.first_pages
        self.shell.start()

    def _hear(self, notice: Notice, sent_us: int) -> None:
        self._note(notice)
        if isinstance(notice, Failed):
            self.failed.append(notice)
        self.checker.discarded = self.shell.discarded
        self.checker.hear(notice, sent_us)

    def _reconnect(self) -> None:
        """The connection drops: what is on its way is lost, and another gateway takes over."""
        checker = self.checker
        if checker.cursor is None or checker.state is None or self.shell.closed is not None:
            return
        self._note("reconnect")
        self.patterns = self.shell.session._playback.epochs.patterns
        self.shell.gone = True
        checker.resume()
        self._connect()
        self.shell.epoch = from_token(checker.cursor).epoch
        self._wish(resuming(checker))

    def run(self) -> None:
        """Play the history, then let everything come to rest and see what is owed."""
        random = self.random
        self.patterns = random.choice([("a",), ("*",), ("*",), ("a", "b")])
        self.room = random.choice([8, 40, 2_000])
        self._connect()
        self._wishes()
        self.timeline.run(self.length_us)
        self._rest()

    def _rest(self) -> None:
        """Everybody becomes patient and quick; the viewer lets the session play on to where it ends."""
        checker, timeline = self.checker, self.timeline
        self.network.calm = True
        self.shell.viewer_delay_us = 0
        timeline.run(timeline.steady_us + 6 * SECOND_US)
        if self.shell.closed is not None:
            return
        self.shell.catalogue_changed()
        self._wish(SetControls(change=Change(pacing=Unlimited(), loop=Loop(), clock_hz=Fraction(0))))
        self._wish(Play())
        timeline.run(timeline.steady_us + 60 * SECOND_US)
        state = self.shell.session.describe(timeline.now)
        epoch = checker.epoch
        if epoch is None:
            raise Broken("nothing was played")
        checker.check_imaged(epoch)
        if state.status is Status.TAILING:
            window = self.shell.session._playback.controls.window
            for name in self.shell.session._playback.epochs.topics:
                checker.check_owed(self.world.topics[name], Window(epoch.from_us, window.end_us), None)
        elif state.status is not Status.ENDED:
            raise Broken(f"at rest, and the session is {state.status}")


def _at(event: Event, time_us: int) -> Event:
    return Event(
        time_us, event.topic, event.partition, event.offset, event.key, event.value, (), event.received_us, event.kind
    )
