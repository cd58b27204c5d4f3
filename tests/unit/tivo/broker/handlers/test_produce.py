"""Produce."""

from collections.abc import Callable
from errno import EIO, ENOSPC
from pathlib import Path

import pytest

from tests.support.batches import batch, values_of
from tests.support.broker import START, BrokerBench, open_broker
from tests.support.faulty_disk import Fault
from tests.support.transactional import TransactionalProducer, transactional_batch
from tivo.broker.refusal import Refusal
from tivo.broker.transactions import Producer
from tivo.model.timeline import to_kafka_ms
from tivo.wire.compression import Codec
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.produce import (
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    TopicProduceData,
)
from tivo.wire.record_batch import CHECKED_AT, CRC, CRC_AT, HEADER, BatchHeader, Record, build, crc32c

NOW_MS = to_kafka_ms(START.wall_us)


def request(records: bytes | bytearray | None, *, acks: int = -1, topic: str = "t", index: int = 0) -> ProduceRequest:
    view = None if records is None else memoryview(records)
    return ProduceRequest(
        acks=acks,
        topic_data=[TopicProduceData(name=topic, partition_data=[PartitionProduceData(index=index, records=view)])],
    )


def produced(bench: BrokerBench, given: ProduceRequest, version: int | None = None) -> PartitionProduceResponse:
    answer = bench.ask(given, version).responses[0].partition_responses[0]
    assert isinstance(answer, PartitionProduceResponse)
    return answer


def changed(whole: bytearray, **fields: int) -> bytearray:
    """A batch with other header fields and a CRC that fits them."""
    header = BatchHeader._make(HEADER.unpack_from(whole))._replace(**fields)
    HEADER.pack_into(whole, 0, *header)
    CRC.pack_into(whole, CRC_AT, crc32c(bytes(whole[CHECKED_AT:])))
    return whole


def log_end(bench: BrokerBench, index: int = 0) -> int:
    return bench.broker.topics.get("t").leaders[index].log.log_end


@pytest.mark.parametrize("version", range(3, 13))
def test_batches_get_offsets_one_after_the_other(bench: BrokerBench, version: int) -> None:
    first = produced(bench, request(batch(b"a", b"b")), version)
    second = produced(bench, request(batch(b"c")), version)

    assert (0, 0, 0) == (first.error_code, first.base_offset, max(first.log_start_offset, 0))
    assert 2 == second.base_offset


@pytest.mark.parametrize("acks", [-1, 1])
def test_acknowledgement_waits_for_the_disk(bench: BrokerBench, acks: int) -> None:
    sent = bench.send(request(batch(b"a"), acks=acks))

    assert sent.response is None
    assert 0 == bench.broker.topics.get("t").leaders[0].high_watermark
    bench.runtime.work()

    assert 0 == sent.response.responses[0].partition_responses[0].error_code
    assert 1 == bench.broker.topics.get("t").leaders[0].high_watermark


def test_requests_that_come_meanwhile_share_the_next_sync(bench: BrokerBench) -> None:
    sent = [bench.send(request(batch(b"%d" % number))) for number in range(5)]
    bench.runtime.work()

    offsets = [each.response.responses[0].partition_responses[0].base_offset for each in sent]
    assert [0, 1, 2, 3, 4] == offsets


@pytest.mark.parametrize("acks", [-1, 1])
def test_acknowledgement_does_not_wait_where_commits_are_not_durable(tmp_path: Path, acks: int) -> None:
    bench = open_broker(tmp_path / "data", flush="os")
    bench.make("t")

    sent = bench.send(request(batch(b"a"), acks=acks))

    assert 0 == sent.response.responses[0].partition_responses[0].base_offset
    assert 0 == bench.leader("t").log.synced
    bench.close()


def test_no_acknowledgement_is_no_reply(bench: BrokerBench) -> None:
    assert None is bench.send(request(batch(b"a"), acks=0)).reply
    assert 1 == log_end(bench)


def test_batch_that_cannot_be_taken_without_acknowledgement_ends_the_connection(bench: BrokerBench) -> None:
    with pytest.raises(Refusal, match="nowhere"):
        bench.send(request(batch(b"a"), acks=0, topic="nowhere"))


def test_repeated_batch_gets_its_old_offset(bench: BrokerBench) -> None:
    def idempotent() -> ProduceRequest:
        record = Record(0, 1_000, None, b"a")
        return request(build([record], producer_id=9, producer_epoch=0, base_sequence=0))

    first, second = produced(bench, idempotent()), produced(bench, idempotent())

    assert (0, 0) == (second.error_code, second.base_offset)
    assert first == second
    assert 1 == log_end(bench)


def test_gap_in_the_sequence_is_refused(bench: BrokerBench) -> None:
    def numbered(sequence: int, epoch: int = 1) -> ProduceRequest:
        record = Record(0, 1_000, None, b"a")
        return request(build([record], producer_id=9, producer_epoch=epoch, base_sequence=sequence))

    produced(bench, numbered(0))

    assert ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER == produced(bench, numbered(2)).error_code
    assert ErrorCode.INVALID_PRODUCER_EPOCH == produced(bench, numbered(1, epoch=0)).error_code
    assert 1 == log_end(bench)


def too_large() -> bytearray:
    return batch(bytes(1 << 21))


def with_a_bomb() -> bytearray:
    return build([Record(0, 1_000, None, bytes(1 << 25))], codec=Codec.ZSTD)


def cut_short() -> bytearray:
    whole = build([Record(0, 1_000, None, b"a" * 10_000)], codec=Codec.GZIP)
    return changed(whole[:-5], batch_length=len(whole) - 5 - 12)


WRONG: list[tuple[str, Callable[[], bytes | bytearray | None], ErrorCode]] = [
    ("no records", lambda: None, ErrorCode.INVALID_RECORD),
    ("empty records", lambda: b"", ErrorCode.INVALID_RECORD),
    ("a header cut short", lambda: batch(b"a")[:30], ErrorCode.CORRUPT_MESSAGE),
    ("a batch cut short", lambda: batch(b"a")[:-1], ErrorCode.CORRUPT_MESSAGE),
    ("two batches", lambda: batch(b"a") + batch(b"b"), ErrorCode.INVALID_RECORD),
    ("a batch that says it is longer", lambda: changed(batch(b"a"), batch_length=2**31 - 1), ErrorCode.CORRUPT_MESSAGE),
    (
        "more records than there is room for",
        lambda: changed(batch(b"a"), record_count=2**31 - 1, last_offset_delta=2**31 - 2),
        ErrorCode.CORRUPT_MESSAGE,
    ),
    ("a first record that is none", lambda: changed(batch(b"a")[:61] + b"!" * 8), ErrorCode.CORRUPT_MESSAGE),
    ("a wrong CRC", lambda: batch(b"a")[:-1] + b"!", ErrorCode.CORRUPT_MESSAGE),
    ("format 0", lambda: changed(batch(b"a"), magic=0), ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT),
    ("format 1", lambda: changed(batch(b"a"), magic=1), ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT),
    ("format 7", lambda: changed(batch(b"a"), magic=7), ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT),
    ("too few records", lambda: changed(batch(b"a"), record_count=2), ErrorCode.CORRUPT_MESSAGE),
    ("no record", lambda: changed(batch(b"a"), record_count=0, last_offset_delta=0), ErrorCode.CORRUPT_MESSAGE),
    ("a negative count", lambda: changed(batch(b"a"), record_count=-1), ErrorCode.CORRUPT_MESSAGE),
    ("a negative delta", lambda: changed(batch(b"a"), last_offset_delta=-1), ErrorCode.CORRUPT_MESSAGE),
    ("a control batch", lambda: changed(batch(b"a"), attributes=0x20), ErrorCode.INVALID_RECORD),
    ("a delete horizon", lambda: changed(batch(b"a"), attributes=0x40), ErrorCode.INVALID_RECORD),
    ("an unknown attribute", lambda: changed(batch(b"a"), attributes=0x4000), ErrorCode.INVALID_RECORD),
    ("a transaction of nobody", lambda: changed(batch(b"a"), attributes=0x10), ErrorCode.INVALID_RECORD),
    ("a transaction", lambda: transactional_batch(Producer(7, 0), 0, b"a"), ErrorCode.INVALID_TXN_STATE),
    ("a time of append", lambda: changed(batch(b"a"), attributes=0x08), ErrorCode.INVALID_TIMESTAMP),
    ("an unknown codec", lambda: changed(batch(b"a"), attributes=0x05), ErrorCode.CORRUPT_MESSAGE),
    ("a sequence below 0", lambda: changed(batch(b"a"), producer_id=1, producer_epoch=0), ErrorCode.INVALID_RECORD),
    ("an epoch below 0", lambda: changed(batch(b"a"), producer_id=1, base_sequence=0), ErrorCode.INVALID_RECORD),
    ("the future", lambda: batch(b"a", time_ms=NOW_MS + 3_600_001), ErrorCode.INVALID_TIMESTAMP),
    ("too many bytes", too_large, ErrorCode.MESSAGE_TOO_LARGE),
    ("a bomb", with_a_bomb, ErrorCode.CORRUPT_MESSAGE),
    ("a compressed part cut short", cut_short, ErrorCode.CORRUPT_MESSAGE),
]


@pytest.mark.parametrize(("records", "error"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_batch_that_is_wrong_is_refused_and_nothing_appended(
    bench: BrokerBench, records: Callable[[], bytes | bytearray | None], error: ErrorCode
) -> None:
    answer = produced(bench, request(records()))

    assert (error, -1) == (answer.error_code, answer.base_offset)
    assert answer.error_message
    assert 0 == log_end(bench)


def test_time_of_the_near_future_is_taken(bench: BrokerBench) -> None:
    assert 0 == produced(bench, request(batch(b"a", time_ms=NOW_MS + 3_599_000))).error_code


@pytest.mark.parametrize("codec", Codec)
def test_any_compression_is_stored_as_it_came(bench: BrokerBench, codec: Codec) -> None:
    whole = build([Record(0, 1_000, None, b"a" * 1_000)], codec=codec)

    assert 0 == produced(bench, request(whole)).error_code
    assert bytes(whole[CRC_AT:]) == bytes(bench.broker.topics.get("t").leaders[0].read(0, 1 << 20)[CRC_AT:])


def test_zstd_needs_a_version_that_knows_it(bench: BrokerBench) -> None:
    whole = build([Record(0, 1_000, None, b"a" * 1_000)], codec=Codec.ZSTD)

    assert ErrorCode.UNSUPPORTED_COMPRESSION_TYPE == produced(bench, request(whole), 6).error_code


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (request(batch(b"a"), topic="nowhere"), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        (request(batch(b"a"), index=2), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        (request(batch(b"a"), index=-1), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        (request(batch(b"a"), topic="__consumer_offsets"), ErrorCode.INVALID_TOPIC_EXCEPTION),
        (request(batch(b"a"), acks=2), ErrorCode.INVALID_REQUIRED_ACKS),
    ],
)
def test_request_that_is_wrong_is_refused(bench: BrokerBench, given: ProduceRequest, error: ErrorCode) -> None:
    assert error == produced(bench, given).error_code


def test_partitions_are_answered_each_for_itself(bench: BrokerBench) -> None:
    data = [PartitionProduceData(index=index, records=memoryview(batch(b"a"))) for index in (0, 7, 1)]

    (topic,) = bench.ask(
        ProduceRequest(acks=-1, topic_data=[TopicProduceData(name="t", partition_data=data)])
    ).responses

    assert [(0, 0), (7, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION), (1, 0)] == [
        (answer.index, answer.error_code) for answer in topic.partition_responses
    ]


@pytest.mark.parametrize("acks", [-1, 1])
def test_broken_disk_refuses_all_that_is_not_safe_and_reads_go_on(bench: BrokerBench, acks: int) -> None:
    bench.produce("t", b"safe")
    waiting = bench.send(request(batch(b"lost"), acks=acks))

    bench.disk.faults.append(Fault(operation="fdatasync", name=".log", error=EIO))
    bench.runtime.work()

    assert ErrorCode.KAFKA_STORAGE_ERROR == waiting.response.responses[0].partition_responses[0].error_code
    assert ErrorCode.KAFKA_STORAGE_ERROR == produced(bench, request(batch(b"more"))).error_code
    assert {0: b"safe"} == values_of(bench.leader("t").read(0, 1_000))


def test_full_disk_refuses_a_batch_and_tells_why(bench: BrokerBench) -> None:
    bench.disk.faults.append(Fault(operation="pwrite", name=".log", error=ENOSPC))

    answer = produced(bench, request(batch(b"a")))

    assert ErrorCode.KAFKA_STORAGE_ERROR == answer.error_code
    assert "ENOSPC" in (answer.error_message or "")


@pytest.mark.parametrize("codec", [Codec.NONE, Codec.ZSTD])
def test_compacted_topics_take_no_records_without_a_key(bench: BrokerBench, codec: Codec) -> None:
    bench.make("state", cleanup_policy="compact")

    def answered(*keys: bytes | None, version: int = 12) -> PartitionProduceResponse:
        some = [Record(at, NOW_MS, key, b"value") for at, key in enumerate(keys)]
        return produced(bench, request(build(some, codec=codec), topic="state"), version)

    refused = answered(b"a", None, b"b", None)
    assert (ErrorCode.INVALID_RECORD, -1) == (refused.error_code, refused.base_offset)
    assert [1, 3] == [error.batch_index for error in refused.record_errors]
    assert "no records without key" in str(refused.error_message)
    assert ErrorCode.INVALID_RECORD == answered(None, version=7).error_code
    assert (0, []) == ((taken := answered(b"a", b"")).error_code, taken.record_errors)
    assert 2 == bench.leader("state").log.log_end


def test_of_countless_records_without_a_key_some_are_named(bench: BrokerBench) -> None:
    bench.make("state", cleanup_policy="compact")
    keyless = build([Record(at, NOW_MS, None, b"") for at in range(1_000)])

    refused = produced(bench, request(keyless, topic="state"))

    assert ErrorCode.INVALID_RECORD == refused.error_code
    assert list(range(100)) == [error.batch_index for error in refused.record_errors]


def test_compacted_topics_take_no_records_that_cannot_be_read(bench: BrokerBench) -> None:
    bench.make("state", cleanup_policy="compact,delete")
    broken = build([Record(0, NOW_MS, b"key", b"a"), Record(1, NOW_MS, b"key", b"b")])
    second = HEADER.size + 1 + (broken[HEADER.size] >> 1)
    broken[second] = 0x7E  # a length beyond the end

    assert ErrorCode.CORRUPT_MESSAGE == produced(bench, request(changed(broken), topic="state")).error_code
    assert 0 == bench.leader("state").log.log_end


# ---------------------------------------------------------------- transactions


def test_batch_of_a_transaction_is_appended_and_not_stable(bench: BrokerBench, producer: TransactionalProducer) -> None:
    producer.add(("t", 0))

    assert 0 == producer.write("t", b"a", b"b")
    assert (2, 0) == (bench.leader("t").high_watermark, bench.leader("t").stable_offset)


@pytest.mark.parametrize(
    ("version", "error"), [(10, ErrorCode.INVALID_TXN_STATE), (11, ErrorCode.TRANSACTION_ABORTABLE)]
)
def test_partition_that_is_not_in_the_transaction_is_refused(
    bench: BrokerBench, producer: TransactionalProducer, version: int, error: ErrorCode
) -> None:
    producer.add(("t", 1))

    assert error == producer.write("t", b"a", version=version)
    assert 0 == log_end(bench)


def test_batch_after_the_end_is_refused(bench: BrokerBench, producer: TransactionalProducer) -> None:
    producer.add(("t", 0))
    producer.write("t", b"a")
    producer.commit()

    assert ErrorCode.INVALID_TXN_STATE == producer.write("t", b"late", version=10)


def test_fenced_producer_writes_nothing(bench: BrokerBench, producer: TransactionalProducer) -> None:
    producer.add(("t", 0))
    TransactionalProducer(bench).init()

    assert ErrorCode.INVALID_PRODUCER_EPOCH == producer.write("t", b"zombie")
    assert 0 == log_end(bench)


def test_producer_of_another_id_is_refused(bench: BrokerBench, producer: TransactionalProducer) -> None:
    producer.add(("t", 0))

    assert ErrorCode.INVALID_PRODUCER_ID_MAPPING == producer.produce(
        "t", transactional_batch(Producer(producer.producer.id + 1, 0), 0, b"a")
    )


def test_repeated_batch_of_a_transaction_gets_its_old_offset(
    bench: BrokerBench, producer: TransactionalProducer
) -> None:
    producer.add(("t", 0))
    for _ in range(2):
        assert 0 == producer.produce("t", transactional_batch(producer.producer, 0, b"a"))

    assert 1 == log_end(bench)


def test_batch_of_no_transaction_is_refused_while_one_is_open(
    bench: BrokerBench, producer: TransactionalProducer
) -> None:
    producer.add(("t", 0))
    producer.write("t", b"a")
    plain = transactional_batch(producer.producer, 1, b"b", attributes=0)

    assert ErrorCode.INVALID_TXN_STATE == producer.produce("t", plain)
    producer.commit()
    assert 0 == producer.produce("t", plain)
