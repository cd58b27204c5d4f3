"""Produce (0), versions 3-12: append record batches, one to each partition named.

Odd, per partition, with nothing appended: TOPIC_AUTHORIZATION_FAILED (29) without WRITE;
CORRUPT_MESSAGE (2) for a CRC, a count or a length that does not fit, and for records that cannot
be inflated, or not into 16 MiB; MESSAGE_TOO_LARGE (10) above the topic's `max.message.bytes`;
UNSUPPORTED_FOR_MESSAGE_FORMAT (43) for batches older than format 2; INVALID_RECORD (87) for none,
several, or control batches, for attributes that are not a producer's to set, and for records
without a key where the topic is compacted; INVALID_TIMESTAMP (32) for a time too far ahead;
UNSUPPORTED_COMPRESSION_TYPE (76); OUT_OF_ORDER_SEQUENCE_NUMBER (45) and INVALID_PRODUCER_EPOCH
(47) for idempotent producers; KAFKA_STORAGE_ERROR (56) where the disk fails. A batch that was
appended before gets its old offset. INVALID_REQUIRED_ACKS (21) for acks other than -1, 0 and 1. Of
transactions: INVALID_TXN_STATE (48), from version 11 on TRANSACTION_ABORTABLE (120), where the
partition is not in the producer's open transaction; INVALID_PRODUCER_ID_MAPPING (49) and
INVALID_PRODUCER_EPOCH (47) where it is not the producer of the transactional id;
TRANSACTIONAL_ID_AUTHORIZATION_FAILED (53) without WRITE of that; INVALID_TXN_STATE for a batch
without one, and for one of no transaction while the producer's is open.

- acks=-1 and acks=1 are answered alike: where commits are durable, when the batches are on stable
  storage, else when they are appended. acks=0 is never answered; a batch that cannot be taken then
  closes the connection, so that the producer learns of it.
- Of records without a key the first 100 of a batch are named.
- 3: the first with record batches of format 2. 7: zstd may be used. 8: errors come with a text.
- Compressed batches are inflated once, bounded, to keep a bomb from every consumer; they are
  stored as they came. Of the records inside only the first is looked at, and whether there is room for as many as
  the header counts; all of them where the topic is compacted, for each must have a key.
"""

from functools import partial

from tivo.auth import acl
from tivo.auth.acl import Operation
from tivo.broker import transactions
from tivo.broker.broker import Broker, Caller
from tivo.broker.leader import Leader, Place
from tivo.broker.refusal import Refusal, code_of
from tivo.broker.replies import Parts, Reply
from tivo.broker.topic_settings import TopicSettings
from tivo.model.errors import LogError, RequestError, WireError
from tivo.model.timeline import to_kafka_ms
from tivo.wire import thinning
from tivo.wire.compression import Codec, inflate
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.produce import (
    BatchIndexAndErrorMessage,
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceResponse,
)
from tivo.wire.record_batch import (
    CODEC_BITS,
    CONTROL,
    HEADER,
    LOG_APPEND_TIME,
    MAGIC,
    TRANSACTIONAL,
    BatchHeader,
    check_plausible,
    read_header,
    verify,
)

MAGIC_AT = 16
PRODUCERS_BITS = CODEC_BITS | LOG_APPEND_TIME | TRANSACTIONAL | CONTROL
"""Attributes that have a meaning in a batch of a producer, be it that it is refused for that: all but the delete
horizon, by which tombstones would go at once, and what has none yet."""
ZSTD_SINCE = 7
MOST_RECORD_ERRORS = 100
"""Records of a batch that are named one by one as wrong: a small batch may inflate to a million."""
ABORTABLE_SINCE = 11
"""First version in which a producer is told that it need only abort (KIP-890)."""


def handle(broker: Broker, request: ProduceRequest, caller: Caller) -> Reply:
    response = ProduceResponse()
    parts = Parts(response)
    for topic in request.topic_data:
        answers = [PartitionProduceResponse(index=data.index) for data in topic.partition_data]
        response.responses.append(TopicProduceResponse(name=topic.name, partition_responses=answers))
        for data, answer in zip(topic.partition_data, answers, strict=True):
            try:
                _check_request(request)
                broker.authorizer.check(caller, Operation.WRITE, acl.topic(topic.name))
                leader, place = _append(broker, topic.name, data, request.transactional_id, caller)
            except (RequestError, LogError) as error:
                if request.acks == 0:
                    raise Refusal(code_of(error), f"{topic.name}/{data.index}, acks=0: {error}") from error
                _refuse(answer, code_of(error), error)
                continue
            answer.base_offset = place.base_offset
            answer.log_start_offset = leader.log.log_start
            if request.acks != 0:
                parts.owe()
                leader.when_durable(place.next_offset, partial(_durable, parts, answer))
    return None if request.acks == 0 else parts.reply()


def _append(
    broker: Broker, topic_name: str, data: PartitionProduceData, transactional_id: str | None, caller: Caller
) -> tuple[Leader, Place]:
    topic = broker.topics.get(topic_name)
    if topic.is_internal:
        raise Refusal(ErrorCode.INVALID_TOPIC_EXCEPTION, f"{topic_name} is written by the broker alone")
    leader = topic.leader(data.index)
    now_us = broker.runtime.now().wall_us
    batch = _present(data.records)
    header = checked(batch, topic.settings, now_us)
    _check_compression(batch, header, caller.version, broker.limits.max_inflated_bytes)
    if header.is_transactional:
        _check_transaction(broker, transactional_id, header, transactions.Place(topic_name, data.index), caller)
    if topic.settings.log.compaction is not None:
        _check_keys(batch, header, broker.limits.max_inflated_bytes)
    return leader, leader.append(batch, header, now_us)


class KeylessRecords(Refusal):
    """Records without a key for a topic that keeps the newest of each key; `places` are theirs in the batch."""

    def __init__(self, places: list[int]) -> None:
        super().__init__(ErrorCode.INVALID_RECORD, f"a compacted topic takes no records without key: {places[:10]}")
        self.places = places


def _durable(parts: Parts, answer: PartitionProduceResponse, error: LogError | None) -> None:
    if error is not None:
        _refuse(answer, ErrorCode.KAFKA_STORAGE_ERROR, error)
    parts.settle()


def _refuse(answer: PartitionProduceResponse, code: ErrorCode, error: LogError | RequestError) -> None:
    answer.error_code = code
    answer.error_message = str(error)
    answer.base_offset = -1
    if isinstance(error, KeylessRecords):
        answer.record_errors = [
            BatchIndexAndErrorMessage(batch_index=place, batch_index_error_message="it has no key")
            for place in error.places[:MOST_RECORD_ERRORS]
        ]


def _check_request(request: ProduceRequest) -> None:
    if request.acks not in (-1, 0, 1):
        raise Refusal(ErrorCode.INVALID_REQUIRED_ACKS, f"acks is -1, 0 or 1, not {request.acks}")


def _present(records: memoryview | None) -> memoryview:
    if records is None or len(records) == 0:
        raise Refusal(ErrorCode.INVALID_RECORD, "there is no record batch")
    return records


def checked(records: memoryview, settings: TopicSettings, now_us: int) -> BatchHeader:
    """The header of the one batch in `records`, when nothing is wrong with it. Raises Refusal."""
    if len(records) > settings.max_message_bytes:
        raise Refusal(
            ErrorCode.MESSAGE_TOO_LARGE,
            f"the batch has {len(records)} bytes, the topic takes {settings.max_message_bytes}",
        )
    if len(records) > MAGIC_AT and records[MAGIC_AT] != MAGIC:
        raise Refusal(ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT, f"format {records[MAGIC_AT]} is not taken, only 2")
    try:
        header = read_header(records)
        verify(records, 0, header)
    except WireError as error:
        raise Refusal(ErrorCode.CORRUPT_MESSAGE, str(error)) from error
    _check_shape(header, len(records))
    _check_times(header, to_kafka_ms(now_us + settings.max_future_us))
    return header


def _check_shape(header: BatchHeader, size: int) -> None:
    if header.size > size:
        raise Refusal(ErrorCode.CORRUPT_MESSAGE, f"the batch says it has {header.size} bytes, {size} are there")
    if header.size < size:
        raise Refusal(ErrorCode.INVALID_RECORD, f"one batch is taken, {size - header.size} bytes follow it")
    if header.record_count < 1 or header.last_offset_delta != header.record_count - 1:
        raise Refusal(
            ErrorCode.CORRUPT_MESSAGE,
            f"{header.record_count} records do not end at offset delta {header.last_offset_delta}",
        )
    if header.attributes & ~PRODUCERS_BITS:
        raise Refusal(ErrorCode.INVALID_RECORD, f"attributes {header.attributes:#x} have bits that no producer sets")
    if header.is_control:
        raise Refusal(ErrorCode.INVALID_RECORD, "control batches are the broker's own")
    if header.is_transactional and header.producer_id < 0:
        raise Refusal(ErrorCode.INVALID_RECORD, "a batch of a transaction names its producer")
    if header.producer_id >= 0 and (header.base_sequence < 0 or header.producer_epoch < 0):
        raise Refusal(
            ErrorCode.INVALID_RECORD,
            f"producer {header.producer_id} sent epoch {header.producer_epoch}, sequence {header.base_sequence}",
        )


def _check_transaction(
    broker: Broker, transactional_id: str | None, header: BatchHeader, place: transactions.Place, caller: Caller
) -> None:
    if transactional_id is None:
        raise Refusal(ErrorCode.INVALID_TXN_STATE, "the batch is of a transaction, the request of none")
    broker.authorizer.check(caller, Operation.WRITE, acl.transactional_id(transactional_id))
    producer = transactions.Producer(header.producer_id, header.producer_epoch)
    error = broker.transactions.why_not_write(transactional_id, producer, place)
    if error is ErrorCode.INVALID_TXN_STATE and caller.version >= ABORTABLE_SINCE:
        error = ErrorCode.TRANSACTION_ABORTABLE
    if error is ErrorCode.PRODUCER_FENCED:
        error = ErrorCode.INVALID_PRODUCER_EPOCH
    if error is not ErrorCode.NONE:
        raise Refusal(error, f"{place} is not in an open transaction of {transactional_id!r}, {producer}")


def _check_times(header: BatchHeader, latest_ms: int) -> None:
    if header.is_log_append_time:
        raise Refusal(ErrorCode.INVALID_TIMESTAMP, "records carry the time of their creation, not of an append")
    newest_ms = max(header.base_timestamp, header.max_timestamp)
    if newest_ms > latest_ms:
        raise Refusal(
            ErrorCode.INVALID_TIMESTAMP, f"time {newest_ms} ms is later than {latest_ms} ms, the latest taken"
        )


def _check_compression(batch: memoryview, header: BatchHeader, version: int, max_inflated: int) -> None:
    try:
        if header.codec is Codec.ZSTD and version < ZSTD_SINCE:
            raise Refusal(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, f"zstd needs Produce {ZSTD_SINCE}, not {version}")
        check_plausible(inflate(header.codec, batch[HEADER.size :], limit=max_inflated), header)
    except WireError as error:
        raise Refusal(ErrorCode.CORRUPT_MESSAGE, str(error)) from error


def _check_keys(batch: memoryview, header: BatchHeader, max_inflated: int) -> None:
    try:
        keys = [part.key for part in thinning.parts(batch, 0, header, max_inflated=max_inflated)]
    except WireError as error:
        raise Refusal(ErrorCode.CORRUPT_MESSAGE, str(error)) from error
    if None in keys:
        raise KeylessRecords([place for place, key in enumerate(keys) if key is None])
