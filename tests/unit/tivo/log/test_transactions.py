"""Which transactions are open, and which of those that were aborted a reader has to know of."""

from tivo.log.transactions import Aborted, Ended, OpenTransaction, Transactions, aborted_within
from tivo.wire.control import Marker
from tivo.wire.record_batch import CONTROL, TRANSACTIONAL, BatchHeader


def header(producer_id: int, *, epoch: int = 0, attributes: int = TRANSACTIONAL) -> BatchHeader:
    return BatchHeader(0, 49, -1, 2, 0, attributes, 0, 0, 0, producer_id, epoch, 0, 1)


def end(transactions: Transactions, producer_id: int, offset: int, marker: Marker | None) -> Ended | None:
    return transactions.note(header(producer_id, attributes=TRANSACTIONAL | CONTROL), offset, marker)


def begun(*places: tuple[int, int]) -> Transactions:
    """Producers and the offsets at which their transactions begin."""
    transactions = Transactions()
    for producer_id, offset in places:
        assert transactions.note(header(producer_id), offset, None) is None
    return transactions


def test_nothing_is_open_at_first() -> None:
    transactions = Transactions()

    assert ((), None, None) == (transactions.all, transactions.first_offset, transactions.of(7))


def test_a_transaction_begins_with_its_first_batch() -> None:
    transactions = begun((7, 10), (8, 11), (7, 12))

    assert (OpenTransaction(7, 0, 10), OpenTransaction(8, 0, 11)) == transactions.all
    assert (10, OpenTransaction(8, 0, 11)) == (transactions.first_offset, transactions.of(8))


def test_what_was_open_before_is_open_still() -> None:
    transactions = Transactions(begun((7, 10)).all)

    assert Ended(10, 20, None) == end(transactions, 7, 20, Marker.COMMIT)


def test_a_commit_ends_a_transaction() -> None:
    transactions = begun((7, 10), (8, 11))

    assert Ended(10, 12, None) == end(transactions, 7, 12, Marker.COMMIT)
    assert (OpenTransaction(8, 0, 11),) == transactions.all


def test_an_abort_is_told_with_what_is_stable_behind_it() -> None:
    transactions = begun((7, 10), (8, 11), (9, 12))

    assert Ended(11, 13, Aborted(8, 11, 13, 10)) == end(transactions, 8, 13, Marker.ABORT)
    assert Ended(10, 14, Aborted(7, 10, 14, 12)) == end(transactions, 7, 14, Marker.ABORT)
    assert Ended(12, 15, Aborted(9, 12, 15, 16)) == end(transactions, 9, 15, Marker.ABORT)


def test_a_marker_of_a_producer_without_a_transaction_ends_nothing() -> None:
    assert None is end(begun((7, 10)), 8, 11, Marker.ABORT)


def test_another_control_record_ends_nothing() -> None:
    transactions = begun((7, 10))

    assert None is end(transactions, 7, 11, None)
    assert 10 == transactions.first_offset


ENTRIES = [Aborted(7, 10, 20, 15), Aborted(8, 15, 25, 26), Aborted(9, 40, 50, 51)]


def test_a_reader_is_told_what_reaches_into_its_part() -> None:
    assert (ENTRIES[:2], True) == aborted_within(ENTRIES, 18, 22)
    assert (ENTRIES[1:2], True) == aborted_within(ENTRIES, 21, 26)
    assert ([], True) == aborted_within(ENTRIES, 26, 40)
    assert (ENTRIES, True) == aborted_within(ENTRIES, 0, 50)


def test_what_ends_later_may_reach_back_while_something_was_open() -> None:
    assert (ENTRIES[:1], False) == aborted_within(ENTRIES[:1], 12, 17)
    assert (ENTRIES, False) == aborted_within(ENTRIES, 12, 60)
    assert (ENTRIES[:1], True) == aborted_within(ENTRIES[:1], 12, 15)
