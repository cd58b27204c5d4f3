"""The guarantees of §5 as a state machine: whatever a viewer and the world do, in whatever order."""

from fractions import Fraction
from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.conformance.playback.checker import Broken, Checker
from tests.conformance.playback.shell import Network, Shell
from tests.conformance.playback.world import EPOCH_US, Timeline, World
from tivo.model.timeline import SECOND_US, Window
from tivo.playback.commands import (
    At,
    Batches,
    Change,
    Command,
    Loop,
    Pause,
    Place,
    Play,
    Seek,
    SetControls,
    Speed,
    Step,
    StepBy,
    Tail,
    Unlimited,
)
from tivo.playback.notices import Status
from tivo.playback.progress import Bounds
from tivo.playback.session import Session

HISTORY_S = 50
AGO = st.integers(0, HISTORY_S).map(lambda seconds: EPOCH_US - seconds * SECOND_US)
PACINGS = st.sampled_from([Unlimited(), *(Speed(Fraction(speed)) for speed in (1, 7, 1_000))])


class SessionMachine(RuleBasedStateMachine):
    """One viewer of one topic of two partitions; the checker breaks where a guarantee does."""

    @initialize(seed=st.integers(0, 2**32), ring=st.sampled_from([0, 3, 1_000]), room=st.sampled_from([8, 2_000]))
    def begin(self, seed: int, ring: int, room: int) -> None:
        random = Random(seed)
        self.timeline = Timeline()
        self.world = World(random, self.timeline)
        self.world.ring_length = ring
        self.world.troubled = True
        self.world.make("a", 2)
        network = Network(random)
        network.slowest_us, network.wake_jitter_us, network.failing = random.choice([0, 5_000]), 0, 0.0
        bounds: dict[tuple[bytes, int], dict[int, int]] = {}
        self.checker = Checker(self.world, bounds, {})
        session = Session(
            sid="s", server="machine", topics=("a",), catalogue=self.world.catalogue, bounds=Bounds(events=room)
        )
        self.shell = Shell(session, self.world, network, self.checker.hear, acks=random.random() < 0.5)
        self.shell.bounds = bounds
        self.shell.start()
        self.played = False

    def wish(self, command: Command) -> None:
        self.shell.receive(command)

    # ------------------------------------------------------------ the world

    @rule(ago=AGO, partition=st.integers(0, 1), count=st.integers(1, 5))
    def an_old_record_comes(self, ago: int, partition: int, count: int) -> None:
        for _ in range(count):
            self.world.produce("a", partition, ago)

    @rule(partition=st.integers(0, 1), ahead=st.sampled_from([0, 0, 0, 3 * SECOND_US]))
    def a_record_comes(self, partition: int, ahead: int) -> None:
        self.world.produce("a", partition, self.timeline.now.wall_us + ahead)

    @rule(most=st.sampled_from([1, 100]))
    def the_agent_persists(self, most: int) -> None:
        self.world.persist(most)

    @rule()
    def the_log_is_trimmed(self) -> None:
        self.world.trim("a")

    @rule()
    def the_topic_is_made_anew(self) -> None:
        self.world.make("a", 2)
        self.shell.catalogue_changed()

    @rule(span=st.sampled_from([1_000, 100_000, 1_000_000, 5_000_000]))
    def time_passes(self, span: int) -> None:
        self.timeline.run(self.timeline.steady_us + span)

    @rule(delay=st.sampled_from([0, 200_000, 1_200_000]))
    def the_viewer_takes_its_time(self, delay: int) -> None:
        self.shell.viewer_delay_us = delay

    # ------------------------------------------------------------ the viewer

    @rule(start=AGO, seconds=st.integers(0, HISTORY_S), pacing=PACINGS, turns=st.sampled_from([1, 1, 3]))
    def play_a_window(self, start: int, seconds: int, pacing: Speed | Unlimited, turns: int) -> None:
        end = At(start + seconds * SECOND_US + SECOND_US)
        self.wish(Play(change=Change(start=At(start), end=end, pacing=pacing, loop=Loop(turns))))
        self.played = True

    @rule(start=AGO, pacing=PACINGS)
    def play_on_to_live(self, start: int, pacing: Speed | Unlimited) -> None:
        change = Change(start=At(start), end=Place.UNBOUNDED, pacing=pacing, loop=Loop(), clock_hz=Fraction(0))
        self.wish(Play(change=change))
        self.played = True

    @precondition(lambda self: self.played)
    @rule()
    def go_on(self) -> None:
        self.wish(Play())

    @rule()
    def pause(self) -> None:
        self.wish(Pause())

    @precondition(lambda self: self.played)
    @rule(to=AGO)
    def seek(self, to: int) -> None:
        self.wish(Seek(to=At(to)))

    @rule(n=st.sampled_from([-20, -1, 1, 3]), by=st.sampled_from(StepBy))
    def step(self, n: int, by: StepBy) -> None:
        self.wish(Step(n=n, by=by))
        self.played = self.played or n > 0

    @precondition(lambda self: self.played)
    @rule(number=st.sampled_from([-2, 1, 50]))
    def seek_in_batches(self, number: int) -> None:
        self.wish(Seek(to=Batches(number)))

    @rule(pacing=PACINGS)
    def change_speed(self, pacing: Speed | Unlimited) -> None:
        self.wish(SetControls(change=Change(pacing=pacing)))

    @rule(delay=st.sampled_from([0, 0, 1_500_000]))
    def tail(self, delay: int) -> None:
        self.wish(Tail(delay_us=delay))
        self.played = True

    # ------------------------------------------------------------ the end

    def teardown(self) -> None:
        """Let everything come to rest: then all that is owed has come."""
        if not getattr(self, "played", False):
            return
        timeline = self.timeline
        self.shell.network.calm = True
        self.shell.viewer_delay_us = 0
        timeline.run(timeline.steady_us + 6 * SECOND_US)
        if self.shell.closed is not None:
            return
        self.wish(SetControls(change=Change(pacing=Unlimited(), loop=Loop(), clock_hz=Fraction(0))))
        self.wish(Play())
        timeline.run(timeline.steady_us + 90 * SECOND_US)
        state = self.shell.session.describe(timeline.now)
        epoch = self.checker.epoch
        assert epoch is not None
        if state.status is Status.TAILING:
            self.checker.check_owed(self.world.topics["a"], Window(epoch.from_us, state.end_us), None)
        elif state.status is not Status.ENDED:
            raise Broken(f"at rest, and the session is {state.status}")


SessionMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=25)
TestSession = SessionMachine.TestCase
