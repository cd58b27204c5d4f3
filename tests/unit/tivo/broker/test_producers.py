"""Which batch of an idempotent producer is next."""

from typing import NamedTuple

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tivo.broker.producers import IDLE_US, REMEMBERED_BATCHES, Producers, Written, last_sequence
from tivo.model.errors import LogError
from tivo.wire.error_codes import ErrorCode

LAST = 2**31 - 1


class Batch(NamedTuple):
    """A batch header, as far as producers care."""

    producer_id: int
    producer_epoch: int
    base_sequence: int
    last_offset_delta: int
    is_control: bool = False


def marker(epoch: int, *, producer_id: int = 7) -> Batch:
    return Batch(producer_id, epoch, -1, 0, is_control=True)


def batch(sequence: int, count: int = 1, *, epoch: int = 0, producer_id: int = 7) -> Batch:
    return Batch(producer_id, epoch, sequence, count - 1)


def written(*batches: Batch) -> Producers:
    producers = Producers()
    for each in batches:
        assert ErrorCode.NONE is producers.check(each)
        producers.remember(each, producers.next_offset, 0)
    return producers


def test_batches_follow_each_other() -> None:
    producers = written(batch(0, 10), batch(10, 5), batch(15))

    assert 16 == producers.next_offset


@pytest.mark.parametrize("sequence", [9, 11, 100])
def test_gap_or_overlap_is_out_of_order(sequence: int) -> None:
    assert ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER is written(batch(0, 10)).check(batch(sequence, 3))


def test_repeated_batch_is_found_where_it_stands() -> None:
    producers = written(batch(0, 10), batch(10, 5))

    assert Written(0, 9, 0, 9) == producers.check(batch(0, 10))
    assert Written(10, 14, 10, 14) == producers.check(batch(10, 5))


def test_only_the_last_batches_are_remembered() -> None:
    producers = written(*(batch(sequence) for sequence in range(REMEMBERED_BATCHES + 1)))

    assert ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER is producers.check(batch(0))
    assert Written(1, 1, 1, 1) == producers.check(batch(1))


def test_former_epoch_is_fenced() -> None:
    producers = written(batch(0, epoch=1))

    assert ErrorCode.INVALID_PRODUCER_EPOCH is producers.check(batch(1, epoch=0))


def test_new_epoch_begins_at_zero() -> None:
    producers = written(batch(0, 10, epoch=1))

    assert ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER is producers.check(batch(10, epoch=2))
    assert ErrorCode.NONE is producers.check(batch(0, epoch=2))


def test_former_epoch_is_forgotten_with_the_first_batch_of_the_next() -> None:
    producers = written(batch(0, 10, epoch=1), batch(0, 10, epoch=2))

    assert Written(0, 9, 10, 19) == producers.check(batch(0, 10, epoch=2))
    assert ErrorCode.INVALID_PRODUCER_EPOCH is producers.check(batch(10, epoch=1))


def test_unknown_producer_may_begin_anywhere() -> None:
    assert ErrorCode.NONE is Producers().check(batch(1_000))


def test_sequence_numbers_begin_anew_after_the_last() -> None:
    producers = written(batch(LAST - 1, 4))

    assert 1 == last_sequence(batch(LAST - 1, 4))
    assert ErrorCode.NONE is producers.check(batch(2))


def test_producers_do_not_mix() -> None:
    producers = written(batch(0, 10, producer_id=1), batch(0, 3, producer_id=2))

    assert ErrorCode.NONE is producers.check(batch(10, producer_id=1))
    assert ErrorCode.NONE is producers.check(batch(3, producer_id=2))


def test_silent_producer_is_forgotten_when_another_comes() -> None:
    producers = Producers()
    producers.remember(batch(0, producer_id=1), 0, now_us=0)
    producers.remember(batch(0, producer_id=2), 1, now_us=1)

    producers.remember(batch(0, producer_id=3), 2, now_us=IDLE_US + 1)

    assert 2 == len(producers)
    assert Written(0, 0, 1, 1) == producers.check(batch(0, producer_id=2))


def test_all_producers_may_be_forgotten() -> None:
    producers = Producers()
    producers.remember(batch(0, producer_id=1), 0, now_us=0)

    producers.remember(batch(0, producer_id=2), 1, now_us=IDLE_US + 1)

    assert 1 == len(producers)


def test_snapshot_holds_everything() -> None:
    producers = written(batch(0, 10), batch(10, 5), batch(0, producer_id=8))

    again = Producers.from_snapshot(producers.to_snapshot())

    assert (16, 2) == (again.next_offset, len(again))
    assert Written(10, 14, 10, 14) == again.check(batch(10, 5))


@pytest.mark.parametrize("snapshot", [b"", bytes(4)])
def test_snapshot_of_nothing_has_a_checksum_that_fits_and_is_refused(snapshot: bytes) -> None:
    with pytest.raises(LogError, match=f"a producer snapshot of {len(snapshot)} bytes is damaged"):
        Producers.from_snapshot(snapshot)


@pytest.mark.parametrize("at", [0, 5, -1])
def test_damaged_snapshot_is_refused(at: int) -> None:
    snapshot = bytearray(written(batch(0, 10)).to_snapshot())
    snapshot[at] ^= 1

    with pytest.raises(LogError, match="checksum"):
        Producers.from_snapshot(bytes(snapshot))


class Retries(RuleBasedStateMachine):
    """One producer with batches in flight over a connection that loses answers and repeats requests."""

    def __init__(self) -> None:
        super().__init__()
        self.producers = Producers()
        self.log: list[int] = []  # sequence number of every record in the log
        self.sent: list[Batch] = []
        self.next = 0

    @rule(count=st.integers(1, 3))
    def send(self, count: int) -> None:
        self.sent.append(batch(self.next, count))
        self.next += count
        self.arrive(self.sent[-1])

    @rule(back=st.integers(1, REMEMBERED_BATCHES))
    def send_again(self, back: int) -> None:
        if back <= len(self.sent):
            self.arrive(self.sent[-back])

    @rule(ahead=st.integers(1, 3))
    def lose_one_before(self, ahead: int) -> None:
        assert not self.sent or ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER is self.producers.check(batch(self.next + ahead))

    @rule()
    def restart(self) -> None:
        self.producers = Producers.from_snapshot(self.producers.to_snapshot())

    def arrive(self, arrived: Batch) -> None:
        verdict = self.producers.check(arrived)
        sequences = list(range(arrived.base_sequence, last_sequence(arrived) + 1))
        if isinstance(verdict, Written):
            assert sequences == self.log[verdict.base_offset : verdict.last_offset + 1]
            return
        assert ErrorCode.NONE is verdict
        self.producers.remember(arrived, len(self.log), 0)
        self.log.extend(sequences)

    @invariant()
    def every_record_is_there_once(self) -> None:
        assert list(range(self.next)) == self.log


Retries.TestCase.settings = settings(max_examples=50)
TestRetries = Retries.TestCase


def test_marker_of_the_same_epoch_leaves_the_sequence_as_it_is() -> None:
    producers = written(batch(0, 10))
    producers.remember(marker(0), 10, 0)

    assert ErrorCode.NONE is producers.check(batch(10))
    assert Written(0, 9, 0, 9) == producers.check(batch(0, 10))


def test_marker_of_a_newer_epoch_fences_and_begins_anew() -> None:
    producers = written(batch(0, 10))
    producers.remember(marker(1), 10, 0)

    assert ErrorCode.INVALID_PRODUCER_EPOCH is producers.check(batch(10))
    assert ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER is producers.check(batch(10, epoch=1))
    assert ErrorCode.NONE is producers.check(batch(0, epoch=1))


def test_marker_of_a_producer_that_is_not_known_is_of_no_account() -> None:
    producers = Producers()
    producers.remember(marker(5), 10, 0)

    assert 0 == len(producers)


def test_batches_of_the_broker_have_no_sequence() -> None:
    producers = Producers()
    producers.remember(batch(-1), 0, 0)

    assert [] == list(producers)


def test_producers_are_told_with_their_ids() -> None:
    assert [7] == [producer_id for producer_id, _ in written(batch(0))]


def test_the_last_batch_of_each_producer_is_told() -> None:
    producers = Producers()
    for offset, producer_id in enumerate((7, 8, 7)):
        producers.remember(batch(offset, producer_id=producer_id), offset, 0)

    assert {1, 2} == producers.last_batches()
    assert frozenset() == Producers().last_batches()
