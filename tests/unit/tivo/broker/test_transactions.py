"""Transactions as a state machine: who is fenced, what begins, what ends, and when time decides."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tivo.broker.transactions import (
    EXPIRE_MS,
    LAST_EPOCH,
    LONGEST_MS,
    NO_PRODUCER,
    Init,
    Place,
    Producer,
    State,
    Transaction,
    Verdict,
    completed,
    ended,
    initialized,
    timed_out,
    why_not_write,
    with_places,
)
from tivo.wire.control import Marker
from tivo.wire.error_codes import ErrorCode

ME = Producer(7, 3)
PLACE, OTHER = Place("t", 0), Place("t", 1)
PREPARED = (State.PREPARE_COMMIT, State.PREPARE_ABORT)
AT_REST = (State.EMPTY, State.COMPLETE_COMMIT, State.COMPLETE_ABORT)


def transaction(state: State = State.EMPTY, producer: Producer = ME, **fields: object) -> Transaction:
    places = frozenset({PLACE}) if state in (State.ONGOING, *PREPARED) else frozenset()
    started_ms = -1 if state is State.EMPTY else 500
    given = {"timeout_ms": 1_000, "changed_ms": 600, "started_ms": started_ms, "places": places, **fields}
    return Transaction(transactional_id="x", producer=producer, state=state, **given)


def init(known: Producer = NO_PRODUCER, *, timeout_ms: int = 2_000) -> Init:
    return Init(transactional_id="x", timeout_ms=timeout_ms, known=known, new_producer_id=99)


def changed(verdict: Verdict) -> Transaction:
    assert ErrorCode.NONE is verdict.error
    assert verdict.change is not None
    return verdict.change


# ---------------------------------------------------------------- a producer comes


def test_first_producer_of_an_id_begins_with_epoch_0() -> None:
    made = changed(initialized(None, init(), 10))

    assert (Producer(99, 0), State.EMPTY, 2_000, 10) == (made.producer, made.state, made.timeout_ms, made.changed_ms)
    assert (-1, frozenset()) == (made.started_ms, made.places)


@pytest.mark.parametrize("timeout_ms", [0, -1, LONGEST_MS + 1])
def test_timeout_out_of_bounds_is_refused(timeout_ms: int) -> None:
    assert Verdict(ErrorCode.INVALID_TRANSACTION_TIMEOUT) == initialized(None, init(timeout_ms=timeout_ms), 10)


def test_longest_timeout_is_taken() -> None:
    assert LONGEST_MS == changed(initialized(None, init(timeout_ms=LONGEST_MS), 10)).timeout_ms


@pytest.mark.parametrize("state", AT_REST)
@pytest.mark.parametrize("known", [NO_PRODUCER, ME])
def test_next_producer_gets_the_next_epoch(state: State, known: Producer) -> None:
    made = changed(initialized(transaction(state), init(known), 10))

    assert (Producer(7, 4), State.EMPTY) == (made.producer, made.state)
    assert (2_000, frozenset()) == (made.timeout_ms, made.places)


@pytest.mark.parametrize("state", PREPARED)
def test_who_comes_while_a_transaction_is_ended_has_to_wait(state: State) -> None:
    assert Verdict(ErrorCode.CONCURRENT_TRANSACTIONS) == initialized(transaction(state), init(), 10)


@pytest.mark.parametrize("known", [NO_PRODUCER, ME])
def test_open_transaction_is_aborted_first_under_an_epoch_that_fences(known: Producer) -> None:
    error, change = initialized(transaction(State.ONGOING), init(known), 10)

    assert change is not None
    assert (ErrorCode.CONCURRENT_TRANSACTIONS, State.PREPARE_ABORT) == (error, change.state)
    assert (Producer(7, 4), frozenset({PLACE})) == (change.producer, change.places)
    after = changed(initialized(completed(change, 20), init(known), 30))
    assert (Producer(7, 5) if known == NO_PRODUCER else Producer(7, 4)) == after.producer


@pytest.mark.parametrize("known", [Producer(7, 2), Producer(7, 4), Producer(8, 3)])
@pytest.mark.parametrize("state", [State.ONGOING, *AT_REST])
def test_producer_that_is_not_the_present_one_is_fenced(known: Producer, state: State) -> None:
    assert Verdict(ErrorCode.PRODUCER_FENCED) == initialized(transaction(state), init(known), 10)


def test_producer_whose_answer_was_lost_gets_the_same_again() -> None:
    first = changed(initialized(transaction(), init(ME), 10))
    second = changed(initialized(first, init(ME), 20))

    assert (first.producer, 20) == (second.producer, second.changed_ms)


def test_nobody_gets_an_epoch_that_is_in_use() -> None:
    taken = changed(initialized(transaction(), init(ME), 10))
    used = changed(with_places(taken, taken.producer, [PLACE], 20))
    over = completed(changed(ended(used, taken.producer, Marker.COMMIT, 30)), 40)

    for state in (used, over):
        assert Verdict(ErrorCode.PRODUCER_FENCED) == initialized(state, init(ME), 50)


def test_another_id_comes_when_epochs_are_used_up() -> None:
    last = Producer(7, LAST_EPOCH)

    made = changed(initialized(transaction(producer=last), init(last), 10))

    assert Producer(99, 0) == made.producer
    assert Producer(99, 0) == changed(initialized(made, init(last), 20)).producer


def test_epoch_that_only_fences_is_given_to_nobody() -> None:
    last = Producer(7, LAST_EPOCH)
    aborted = initialized(transaction(State.ONGOING, last), init(last), 10).change
    assert aborted is not None
    assert LAST_EPOCH + 1 == aborted.producer.epoch < 1 << 15

    assert Producer(99, 0) == changed(initialized(completed(aborted, 20), init(last), 30)).producer


# ---------------------------------------------------------------- it begins


@pytest.mark.parametrize("state", AT_REST)
def test_first_partition_begins_a_transaction(state: State) -> None:
    made = changed(with_places(transaction(state), ME, [PLACE], 900))

    assert (State.ONGOING, frozenset({PLACE}), 900) == (made.state, made.places, made.started_ms)


def test_further_partitions_do_not_move_its_beginning() -> None:
    made = changed(with_places(transaction(State.ONGOING), ME, [OTHER], 900))

    assert (frozenset({PLACE, OTHER}), 500, 900) == (made.places, made.started_ms, made.changed_ms)


def test_partition_that_is_in_it_changes_nothing() -> None:
    assert Verdict(ErrorCode.NONE) == with_places(transaction(State.ONGOING), ME, [PLACE], 900)
    assert Verdict(ErrorCode.NONE) == with_places(transaction(), ME, [], 900)


@pytest.mark.parametrize("state", PREPARED)
def test_nothing_begins_while_the_one_before_is_ended(state: State) -> None:
    assert Verdict(ErrorCode.CONCURRENT_TRANSACTIONS) == with_places(transaction(state), ME, [OTHER], 900)


STRANGERS = [
    (None, ME, ErrorCode.INVALID_PRODUCER_ID_MAPPING),
    (transaction(State.ONGOING), Producer(8, 3), ErrorCode.INVALID_PRODUCER_ID_MAPPING),
    (transaction(State.ONGOING), Producer(7, 2), ErrorCode.PRODUCER_FENCED),
    (transaction(State.ONGOING), Producer(7, 4), ErrorCode.PRODUCER_FENCED),
]


@pytest.mark.parametrize(("known", "producer", "error"), STRANGERS)
def test_nobody_else_may_do_anything(known: Transaction | None, producer: Producer, error: ErrorCode) -> None:
    assert Verdict(error) == with_places(known, producer, [PLACE], 900)
    assert Verdict(error) == ended(known, producer, Marker.COMMIT, 900)
    assert error is why_not_write(known, producer, PLACE)


def test_writing_is_for_partitions_of_an_open_transaction() -> None:
    assert ErrorCode.NONE is why_not_write(transaction(State.ONGOING), ME, PLACE)
    assert ErrorCode.INVALID_TXN_STATE is why_not_write(transaction(State.ONGOING), ME, OTHER)
    for state in (*AT_REST, *PREPARED):
        assert ErrorCode.INVALID_TXN_STATE is why_not_write(transaction(state), ME, PLACE)


# ---------------------------------------------------------------- it ends

NONE, CONCURRENT, INVALID = ErrorCode.NONE, ErrorCode.CONCURRENT_TRANSACTIONS, ErrorCode.INVALID_TXN_STATE


@pytest.mark.parametrize(
    ("state", "commit", "abort"),
    [
        (State.EMPTY, INVALID, INVALID),
        (State.PREPARE_COMMIT, CONCURRENT, INVALID),
        (State.PREPARE_ABORT, INVALID, CONCURRENT),
        (State.COMPLETE_COMMIT, NONE, INVALID),
        (State.COMPLETE_ABORT, INVALID, NONE),
    ],
)
def test_what_is_not_open_does_not_end(state: State, commit: ErrorCode, abort: ErrorCode) -> None:
    assert Verdict(commit) == ended(transaction(state), ME, Marker.COMMIT, 900)
    assert Verdict(abort) == ended(transaction(state), ME, Marker.ABORT, 900)


@pytest.mark.parametrize(
    ("marker", "prepared", "complete"),
    [
        (Marker.COMMIT, State.PREPARE_COMMIT, State.COMPLETE_COMMIT),
        (Marker.ABORT, State.PREPARE_ABORT, State.COMPLETE_ABORT),
    ],
)
def test_open_transaction_ends_in_two_steps(marker: Marker, prepared: State, complete: State) -> None:
    first = changed(ended(transaction(State.ONGOING), ME, marker, 900))
    second = completed(first, 950)

    assert (prepared, True, frozenset({PLACE})) == (first.state, first.is_prepared, first.places)
    assert (complete, False, frozenset()) == (second.state, second.is_prepared, second.places)
    assert (marker, marker, 900, 950) == (first.marker, second.marker, first.changed_ms, second.changed_ms)


# ---------------------------------------------------------------- time


def test_open_transaction_is_due_at_its_timeout() -> None:
    assert 1_500 == transaction(State.ONGOING).due_ms

    aborted = timed_out(transaction(State.ONGOING), 1_500)

    assert aborted is not None
    assert (State.PREPARE_ABORT, Producer(7, 4), Marker.ABORT) == (aborted.state, aborted.producer, aborted.marker)


@pytest.mark.parametrize("state", AT_REST)
def test_silent_id_is_forgotten(state: State) -> None:
    assert 600 + EXPIRE_MS == transaction(state).due_ms
    assert None is timed_out(transaction(state), 600 + EXPIRE_MS)


@pytest.mark.parametrize("state", PREPARED)
def test_what_is_being_ended_is_not_a_matter_of_time(state: State) -> None:
    assert None is transaction(state).due_ms


# ---------------------------------------------------------------- any order of events


class AnyLife(RuleBasedStateMachine):
    """Two producers of one id, each with the identity it was last given, whatever they do."""

    def __init__(self) -> None:
        super().__init__()
        self.now: Transaction | None = None
        self.held = {"a": NO_PRODUCER, "b": NO_PRODUCER}
        self.given: list[Producer] = []
        self.epochs: list[Producer] = []

    def take(self, verdict: Verdict) -> None:
        if verdict.change is not None:
            self.now = verdict.change
            self.epochs.append(verdict.change.producer)

    @rule(who=st.sampled_from("ab"), goes_on=st.booleans())
    def init(self, who: str, goes_on: bool) -> None:
        verdict = initialized(self.now, init(self.held[who] if goes_on else NO_PRODUCER), 10)
        self.take(verdict)
        if verdict.error is ErrorCode.NONE and verdict.change is not None:
            self.held[who] = verdict.change.producer

    @rule(who=st.sampled_from("ab"), place=st.sampled_from([PLACE, OTHER]))
    def begin(self, who: str, place: Place) -> None:
        self.take(with_places(self.now, self.held[who], [place], 20))

    @rule(who=st.sampled_from("ab"), marker=st.sampled_from(Marker))
    def end(self, who: str, marker: Marker) -> None:
        self.take(ended(self.now, self.held[who], marker, 30))

    @rule()
    def finish(self) -> None:
        if self.now is not None and self.now.is_prepared:
            self.now = completed(self.now, 40)

    @rule()
    def wait(self) -> None:
        if self.now is not None and self.now.state is State.ONGOING:
            self.take(Verdict(ErrorCode.NONE, timed_out(self.now, 50)))

    @invariant()
    def one_producer_at_a_time_may_write(self) -> None:
        may = [who for who, held in self.held.items() if why_not_write(self.now, held, PLACE) is ErrorCode.NONE]
        assert len(may) <= 1 or self.held["a"] != self.held["b"]

    @invariant()
    def epochs_never_go_back(self) -> None:
        assert self.epochs == sorted(self.epochs)

    @invariant()
    def two_never_hold_the_same_identity(self) -> None:
        assert self.held["a"] != self.held["b"] or self.held["a"] == NO_PRODUCER


AnyLife.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestAnyLife = AnyLife.TestCase
