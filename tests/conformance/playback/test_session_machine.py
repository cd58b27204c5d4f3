"""The guarantees of §5 as a state machine: whatever a viewer and the world do, in whatever order.

`--machine N` says how many histories are tried.
"""

from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from tests.conformance.playback.checker import Broken, Checker
from tests.conformance.playback.mutants import dedupe_by_time
from tests.conformance.playback.reconnecting import resuming
from tests.conformance.playback.shell import Network, Shell
from tests.conformance.playback.world import EPOCH_US, Timeline, World
from tivo.model.timeline import SECOND_US, Window
from tivo.playback.commands import (
    AskOverview,
    AskState,
    AskTopics,
    At,
    Batches,
    Change,
    Command,
    EndAction,
    Fit,
    Frames,
    FromPosition,
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
    Stop,
    Subscribe,
    Tail,
    Unlimited,
    Unsubscribe,
)
from tivo.playback.cursor import from_token
from tivo.playback.notices import Acked, Failed, Notice, Status
from tivo.playback.progress import Bounds
from tivo.playback.session import Session
from tivo.query.evaluate import compile_expression

HISTORY_S = 50
AGO = st.integers(0, HISTORY_S).map(lambda seconds: EPOCH_US - seconds * SECOND_US)
SPEEDS = st.sampled_from([Unlimited(), *(Speed(Fraction(speed)) for speed in (1, 7, 1_000))])
PACINGS = SPEEDS | st.sampled_from([Rate(Fraction(2)), Rate(Fraction(50)), Fit(3 * SECOND_US)])
TOPICS = st.sampled_from("ab")
PATTERNS = st.sampled_from(["a", "b", "*", "b*"])
CONTROLS = st.fixed_dictionaries(
    {},
    optional={
        "max_gap_us": st.sampled_from([0, 100_000, 2_000_000]),
        "min_gap_us": st.sampled_from([0, 50_000]),
        "max_rate": st.sampled_from([Fraction(0), Fraction(2)]),
        "loop": st.sampled_from([Loop(), Loop(2), Loop(3, gap_us=200_000)]),
        "end_action": st.sampled_from(EndAction),
        "catch_up": st.sampled_from([Fraction(0), Fraction(3, 2)]),
        "on_slow": st.sampled_from(OnSlow),
        "frames": st.sampled_from(Frames),
        "clock_hz": st.sampled_from([Fraction(0), Fraction(4)]),
    },
)
"""Any of the controls that are neither the window, the pace nor the filter."""
FILTERS = st.fixed_dictionaries(
    {
        "keys": st.sampled_from([(), ("k1",), ("k[02]", "none")]),
        "where": st.sampled_from(["", "offset % 2 = 0", 'partition = 0 or key = "k1"', "value > 1"]),
    }
)
"""A filter always names both, be they empty."""


class SessionMachine(RuleBasedStateMachine):
    """One viewer of two topics, one of two partitions; the checker breaks where a guarantee does."""

    @initialize(
        seed=st.integers(0, 2**32),
        ring=st.sampled_from([0, 3, 1_000]),
        room=st.sampled_from([8, 2_000]),
        plays=PATTERNS,
        history=st.sampled_from([0, 15, 60]),
    )
    def begin(self, seed: int, ring: int, room: int, plays: str, history: int) -> None:
        random = Random(seed)
        self.timeline = Timeline()
        self.world = World(random, self.timeline)
        self.world.ring_length = ring
        self.world.troubled = True
        self.world.make("a", 2)
        self.world.make("b", 1)
        for ago in sorted((random.randrange(HISTORY_S * SECOND_US) for _ in range(history)), reverse=True):
            name = random.choice("aab")
            self.world.produce(name, random.choice(self.world.topics[name].ref.partitions), EPOCH_US - ago)
        self.world.persist(history or 1)
        self.network = Network(random)
        self.network.slowest_us, self.network.wake_jitter_us, self.network.failing = random.choice([0, 5_000]), 0, 0.0
        self.bounds: dict[tuple[bytes, int], dict[int, int]] = {}
        self.first_pages: dict[int, int] = {}
        self.checker = Checker(self.world, self.bounds, self.first_pages)
        self.room = room
        self.acks = random.random() < 0.5
        self.patterns: tuple[str, ...] = (plays,)
        self.asked: list[str] = []
        self.answered: list[str | None] = []
        self.told = 0
        self.connect()

    def connect(self) -> None:
        session = Session(
            sid="s",
            server="machine",
            topics=self.patterns,
            catalogue=self.world.catalogue,
            bounds=Bounds(events=self.room),
            compile_where=compile_expression,
        )
        self.shell = Shell(session, self.world, self.network, self.hear, acks=self.acks)
        self.shell.bounds, self.shell.first_pages = self.bounds, self.first_pages
        self.shell.owed = self.checker.owed
        self.shell.start()

    def hear(self, notice: Notice, sent_us: int) -> None:
        if isinstance(notice, Acked | Failed) and notice.action is not None:
            self.answered.append(notice.id)
        self.checker.discarded = self.shell.discarded
        self.checker.hear(notice, sent_us)

    def wish(self, command: Command) -> None:
        if self.shell.closed is None:
            self.told += 1
            self.asked.append(str(self.told))
            self.shell.receive(replace(command, id=str(self.told)))

    # ------------------------------------------------------------ the world

    @rule(name=TOPICS, ago=AGO, count=st.integers(1, 5), stored=st.booleans())
    def old_records_come(self, name: str, ago: int, count: int, *, stored: bool) -> None:
        for index in range(count):
            self.world.produce(name, index % len(self.world.topics[name].partitions), ago)
        if stored:
            self.world.persist(100)

    @rule(name=TOPICS, ahead=st.sampled_from([0, 0, 0, 3 * SECOND_US]))
    def a_record_comes(self, name: str, ahead: int) -> None:
        self.world.produce(name, 0, self.timeline.now.wall_us + ahead)

    @rule(most=st.sampled_from([1, 100]))
    def the_agent_persists(self, most: int) -> None:
        self.world.persist(most)

    @rule(name=TOPICS)
    def the_log_is_trimmed(self, name: str) -> None:
        self.world.trim(name)

    @rule(name=TOPICS)
    def a_topic_is_made_anew(self, name: str) -> None:
        self.world.make(name, len(self.world.topics[name].partitions))
        self.shell.catalogue_changed()

    @rule(span=st.sampled_from([1_000, 100_000, 1_000_000, 5_000_000]))
    def time_passes(self, span: int) -> None:
        self.timeline.run(self.timeline.steady_us + span)

    @rule(delay=st.sampled_from([0, 200_000, 1_200_000]))
    def the_viewer_takes_its_time(self, delay: int) -> None:
        self.shell.viewer_delay_us = delay

    @precondition(lambda self: self.checker.epoch and self.checker.state and self.shell.closed is None)
    @rule()
    def the_socket_is_lost(self) -> None:
        """Another gateway takes over; what was asked and not answered is forgotten."""
        self.patterns = self.shell.session._playback.epochs.patterns
        self.shell.gone = True
        self.asked, self.answered = [], []
        self.checker.resume()
        self.connect()
        self.shell.epoch = from_token(self.checker.cursor or "").epoch
        self.wish(resuming(self.checker))

    # ------------------------------------------------------------ the viewer

    @rule(start=AGO, seconds=st.integers(0, HISTORY_S), pacing=PACINGS, turns=st.sampled_from([1, 1, 3]))
    def play_a_window(self, start: int, seconds: int, pacing: Pacing, turns: int) -> None:
        end = At(start + seconds * SECOND_US + SECOND_US)
        self.wish(Play(change=Change(start=At(start), end=end, pacing=pacing, loop=Loop(turns))))

    @rule(start=AGO, pacing=SPEEDS)
    def play_on_to_live(self, start: int, pacing: Pacing) -> None:
        change = Change(start=At(start), end=Place.UNBOUNDED, pacing=pacing, loop=Loop(), clock_hz=Fraction(0))
        self.wish(Play(change=change))

    @rule(controls=CONTROLS | FILTERS)
    def change_controls(self, controls: dict[str, object]) -> None:
        self.wish(SetControls(change=Change(**controls)))  # type: ignore[arg-type]  # each is of its control's type

    @rule(controls=CONTROLS | FILTERS)
    def play_by_other_controls(self, controls: dict[str, object]) -> None:
        self.wish(Play(change=Change(**controls)))  # type: ignore[arg-type]  # each is of its control's type

    @rule(start=AGO | st.none(), end=AGO | st.none())
    def change_the_window(self, start: int | None, end: int | None) -> None:
        bounds = [Place.UNBOUNDED if bound is None else At(bound) for bound in (start, end)]
        self.wish(SetControls(change=Change(start=bounds[0], end=bounds[1])))

    @rule()
    def go_on(self) -> None:
        self.wish(Play())

    @rule()
    def pause(self) -> None:
        self.wish(Pause())

    @rule()
    def stop(self) -> None:
        self.wish(Stop())

    @rule(to=AGO.map(At) | st.sampled_from([Place.BEGINNING, Place.END, FromPosition(-SECOND_US)]))
    def seek(self, to: At | Place | FromPosition) -> None:
        self.wish(Seek(to=to))

    @rule(n=st.sampled_from([-20, -1, 1, 3]), by=st.sampled_from(StepBy))
    def step(self, n: int, by: StepBy) -> None:
        self.wish(Step(n=n, by=by))

    @rule(number=st.sampled_from([-2, 1, 50]))
    def seek_in_batches(self, number: int) -> None:
        self.wish(Seek(to=Batches(number)))

    @rule(image=st.booleans())
    def switch_images(self, image: bool) -> None:
        self.wish(SetControls(change=Change(image=image)))

    @rule(pacing=PACINGS)
    def change_speed(self, pacing: Pacing) -> None:
        self.wish(SetControls(change=Change(pacing=pacing)))

    @rule(delay=st.sampled_from([0, 0, 1_500_000]))
    def tail(self, delay: int) -> None:
        self.wish(Tail(delay_us=delay))

    @rule(pattern=PATTERNS)
    def subscribe(self, pattern: str) -> None:
        self.wish(Subscribe(topics=(pattern,)))

    @rule(pattern=PATTERNS)
    def unsubscribe(self, pattern: str) -> None:
        self.wish(Unsubscribe(topics=(pattern,)))

    @rule(question=st.sampled_from([AskState, AskTopics, AskOverview]))
    def ask(self, question: type[Command]) -> None:
        self.wish(question())

    # ------------------------------------------------------------ the end

    def teardown(self) -> None:
        """Let everything come to rest: then all is answered, in order, and all that is owed has come."""
        if not hasattr(self, "shell"):
            return
        timeline = self.timeline
        self.network.calm = True
        self.shell.viewer_delay_us = 0
        timeline.run(timeline.steady_us + 6 * SECOND_US)
        if self.shell.closed is not None:
            return
        stays = EndAction.PAUSE if self.checker.state and self.checker.state.controls["end_action"] == "close" else None
        rest = Change(pacing=Unlimited(), loop=Loop(), clock_hz=Fraction(0), end_action=stays)
        self.wish(SetControls(change=rest))
        self.wish(Play())
        timeline.run(timeline.steady_us + 90 * SECOND_US)
        if self.asked != self.answered:
            raise Broken(f"asked {self.asked}, answered {self.answered}")
        self.check_owed()

    def check_owed(self) -> None:
        session, epoch = self.shell.session, self.checker.epoch
        state = session.describe(self.timeline.now)
        assert epoch is not None
        if state.status is Status.TAILING:
            for name in session._playback.epochs.topics:
                self.checker.check_owed(self.world.topics[name], Window(epoch.from_us, state.end_us), None)
        elif state.status is not Status.ENDED:
            raise Broken(f"at rest, and the session is {state.status}")


@pytest.mark.timeout(3_600)
def test_whatever_happens_the_guarantees_hold(request: pytest.FixtureRequest) -> None:
    tries = request.config.getoption("--machine")

    run_state_machine_as_test(SessionMachine, settings=settings(max_examples=tries, stateful_step_count=25))


def test_a_fault_on_purpose_is_noticed() -> None:
    quick = settings(
        max_examples=200, stateful_step_count=25, phases=[Phase.generate], derandomize=True, report_multiple_bugs=False
    )
    with dedupe_by_time(), pytest.raises(Broken):
        run_state_machine_as_test(SessionMachine, settings=quick)
