"""The format of `__transaction_state`."""

import pytest

from tivo.broker.transaction_format import Entry, Forgotten, from_record, to_record
from tivo.broker.transactions import Place, Producer, State, Transaction
from tivo.model.errors import LogError

OPEN = Transaction(
    transactional_id="x",
    producer=Producer(7, 3),
    timeout_ms=60_000,
    state=State.ONGOING,
    changed_ms=2_000,
    started_ms=1_000,
    places=frozenset({Place("t", 1), Place("t", 0), Place("u", 2)}),
)
EMPTY = Transaction(transactional_id="x", producer=Producer(7, 3), timeout_ms=1, state=State.EMPTY, changed_ms=2)


@pytest.mark.parametrize("state", State)
def test_every_state_comes_back(state: State) -> None:
    entry = Transaction(transactional_id="x", producer=Producer(7, 3), timeout_ms=1, state=state, changed_ms=2)

    assert entry == from_record(*to_record(entry, 5))


@pytest.mark.parametrize("entry", [OPEN, EMPTY, Forgotten("x")])
def test_entries_come_back(entry: Entry) -> None:
    assert entry == from_record(*to_record(entry, 5))


def test_transaction_is_written_as_kafka_writes_it() -> None:
    key, value = to_record(OPEN, 5)

    assert b"\0\0\0\1x" == key
    producer = (7).to_bytes(8) + (3).to_bytes(2) + (60_000).to_bytes(4) + b"\1"
    topics = (
        b"\0\0\0\2\0\1t" + bytes.fromhex("00000002 00000000 00000001") + b"\0\1u" + bytes.fromhex("00000001 00000002")
    )
    assert b"\0\0" + producer + topics + (2_000).to_bytes(8) + (1_000).to_bytes(8) == value


def test_empty_one_has_no_partitions_as_with_kafka() -> None:
    _, value = to_record(EMPTY, 5)

    assert value is not None
    assert b"\0\0" + (7).to_bytes(8) + (3).to_bytes(2) + b"\0\0\0\1" + b"\0" + b"\xff\xff\xff\xff" == value[:21]


GOOD = to_record(EMPTY, 5)


@pytest.mark.parametrize(
    ("key", "value", "evidence"),
    [
        (b"\0\x09rest", None, "TransactionLogKey has version 9"),
        (b"", None, "damaged"),
        (GOOD[0], b"\0\1rest", "TransactionLogValue has version 1"),
        (GOOD[0], b"\0\0rest", "damaged"),
        (GOOD[0], (GOOD[1] or b"")[:16] + b"\x09" + (GOOD[1] or b"")[17:], "damaged"),
    ],
)
def test_what_is_not_known_is_named(key: bytes, value: bytes | None, evidence: str) -> None:
    with pytest.raises(LogError, match=evidence):
        from_record(key, value)
