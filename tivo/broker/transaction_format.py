"""What stands in `__transaction_state`, in Kafka's own format, so that its tools read ours.

Keys: TransactionLogKey version 0. Values: TransactionLogValue version 0. A null value forgets the id of its key.
"""

from typing import NamedTuple, TypeVar

from msgspec import field

from tivo.broker.journal import Format, each_record
from tivo.broker.transactions import Place, Producer, State, Transaction
from tivo.model.errors import LogError, WireError
from tivo.wire import codec
from tivo.wire.schema import Api, Int8, Int16, Int32, Int64, Message, Struct

M = TypeVar("M", bound=Message)

_NO_API = -1
_VERSION = 0
_STATUS = (
    State.EMPTY,
    State.ONGOING,
    State.PREPARE_COMMIT,
    State.PREPARE_ABORT,
    State.COMPLETE_COMMIT,
    State.COMPLETE_ABORT,
)
"""By the number that Kafka gives them."""


class Forgotten(NamedTuple):
    """A transactional id that nobody has used for long."""

    transactional_id: str


Entry = Transaction | Forgotten


class TransactionKey(Message):
    """Which transactional id."""

    api = Api(_NO_API, "TransactionLogKey", _VERSION, _VERSION)

    transactional_id: str = ""


class PartitionsValue(Struct):
    """Partitions of one topic inside a TransactionValue."""

    topic: str = ""
    partition_ids: list[Int32] = field(default_factory=list)


class TransactionValue(Message):
    """Where a transaction stands."""

    api = Api(_NO_API, "TransactionLogValue", _VERSION, _VERSION)

    producer_id: Int64 = 0
    producer_epoch: Int16 = 0
    transaction_timeout_ms: Int32 = 0
    transaction_status: Int8 = 0
    transaction_partitions: list[PartitionsValue] | None = None
    transaction_last_update_timestamp_ms: Int64 = -1
    transaction_start_timestamp_ms: Int64 = -1


def to_record(entry: Entry, now_ms: int) -> tuple[bytes, bytes | None]:
    """Key and value of the record that keeps an entry."""
    key = _bytes(TransactionKey(transactional_id=entry.transactional_id))
    return key, None if isinstance(entry, Forgotten) else _bytes(_value(entry))


def from_record(key: bytes, value: bytes | None) -> Entry:
    """The entry that a record keeps. Raises LogError for one of another kind or version, naming it."""
    try:
        return _entry(_of(TransactionKey, key), value)
    except (WireError, IndexError) as error:
        raise LogError(f"a record of the transaction journal is damaged: {error}") from error


TRANSACTION_FORMAT = Format(to_record, each_record(from_record))


def by_topic(places: frozenset[Place]) -> dict[str, list[int]]:
    """Partitions by topic, in order."""
    found: dict[str, list[int]] = {}
    for topic, partition in sorted(places):
        found.setdefault(topic, []).append(partition)
    return found


def _bytes(message: Message) -> bytes:
    return b"".join([_VERSION.to_bytes(2), *codec.encode(message, _VERSION)])


def _of(kind: type[M], data: bytes) -> M:
    version = int.from_bytes(data[:2])
    if version != _VERSION:
        raise WireError(f"{kind.api.name} has version {version}, known is {_VERSION}")
    return codec.decode(kind, _VERSION, memoryview(data)[2:])


def _value(transaction: Transaction) -> TransactionValue:
    topics = by_topic(transaction.places).items()
    return TransactionValue(
        producer_id=transaction.producer.id,
        producer_epoch=transaction.producer.epoch,
        transaction_timeout_ms=transaction.timeout_ms,
        transaction_status=_STATUS.index(transaction.state),
        transaction_partitions=None
        if transaction.state is State.EMPTY
        else [PartitionsValue(topic=topic, partition_ids=partitions) for topic, partitions in topics],
        transaction_last_update_timestamp_ms=transaction.changed_ms,
        transaction_start_timestamp_ms=transaction.started_ms,
    )


def _entry(key: TransactionKey, value: bytes | None) -> Entry:
    if value is None:
        return Forgotten(key.transactional_id)
    kept = _of(TransactionValue, value)
    return Transaction(
        transactional_id=key.transactional_id,
        producer=Producer(kept.producer_id, kept.producer_epoch),
        timeout_ms=kept.transaction_timeout_ms,
        state=_STATUS[kept.transaction_status],
        changed_ms=kept.transaction_last_update_timestamp_ms,
        started_ms=kept.transaction_start_timestamp_ms,
        places=frozenset(
            Place(each.topic, partition)
            for each in kept.transaction_partitions or ()
            for partition in each.partition_ids
        ),
    )
