"""A transactional producer over a broker without sockets: what it sends, one request at a time."""

from dataclasses import dataclass

from tests.support.broker import BrokerBench
from tivo.broker.transactions import NO_PRODUCER, Producer
from tivo.wire.messages.add_offsets_to_txn import AddOffsetsToTxnRequest
from tivo.wire.messages.add_partitions_to_txn import AddPartitionsToTxnRequest, AddPartitionsToTxnTopic
from tivo.wire.messages.end_txn import EndTxnRequest
from tivo.wire.messages.init_producer_id import InitProducerIdRequest
from tivo.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from tivo.wire.messages.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
)
from tivo.wire.record_batch import TRANSACTIONAL, Record, build


def transactional_batch(
    producer: Producer, sequence: int, *values: bytes, attributes: int = TRANSACTIONAL
) -> bytearray:
    return build(
        [Record(at, 1_000, None, value) for at, value in enumerate(values)],
        attributes=attributes,
        producer_id=producer.id,
        producer_epoch=producer.epoch,
        base_sequence=sequence,
    )


@dataclass(slots=True)
class TransactionalProducer:
    """Each call gives the error code of its answer. `sequences` are those of the next batch, by partition."""

    bench: BrokerBench
    name: str = "x"
    producer: Producer = NO_PRODUCER
    sequences: dict[tuple[str, int], int] | None = None

    def init_request(self, *, timeout_ms: int = 60_000, known: Producer = NO_PRODUCER) -> InitProducerIdRequest:
        return InitProducerIdRequest(
            transactional_id=self.name,
            transaction_timeout_ms=timeout_ms,
            producer_id=known.id,
            producer_epoch=known.epoch,
        )

    def init(self, version: int = 4, *, timeout_ms: int = 60_000, known: Producer = NO_PRODUCER) -> int:
        """Take the identity that is told."""
        answer = self.bench.ask(self.init_request(timeout_ms=timeout_ms, known=known), version)
        if answer.error_code == 0:
            self.producer = Producer(answer.producer_id, answer.producer_epoch)
            self.sequences = {}
        return int(answer.error_code)

    def add_request(self, *places: tuple[str, int]) -> AddPartitionsToTxnRequest:
        return AddPartitionsToTxnRequest(
            v3_and_below_transactional_id=self.name,
            v3_and_below_producer_id=self.producer.id,
            v3_and_below_producer_epoch=self.producer.epoch,
            v3_and_below_topics=[
                AddPartitionsToTxnTopic(name=topic, partitions=[partition]) for topic, partition in places
            ],
        )

    def add(self, *places: tuple[str, int], version: int = 3) -> list[int]:
        topics = self.bench.ask(self.add_request(*places), version).results_by_topic_v3_and_below
        return [each.partition_error_code for topic in topics for each in topic.results_by_partition]

    def write_request(self, topic: str, *values: bytes, partition: int = 0) -> ProduceRequest:
        """One batch, of the transaction; its sequence numbers follow."""
        assert self.sequences is not None
        sequence = self.sequences.get((topic, partition), 0)
        self.sequences[topic, partition] = sequence + len(values)
        records = memoryview(transactional_batch(self.producer, sequence, *values))
        data = PartitionProduceData(index=partition, records=records)
        topics = [TopicProduceData(name=topic, partition_data=[data])]
        return ProduceRequest(transactional_id=self.name, acks=-1, topic_data=topics)

    def write(self, topic: str, *values: bytes, partition: int = 0, version: int = 12) -> int:
        """One batch, of the transaction."""
        assert self.sequences is not None
        sequence = self.sequences.get((topic, partition), 0)
        batch = transactional_batch(self.producer, sequence, *values)
        answer = self.produce(topic, batch, partition=partition, version=version)
        if answer == 0:
            self.sequences[topic, partition] = sequence + len(values)
        return answer

    def produce(self, topic: str, batch: bytearray, *, partition: int = 0, version: int = 12) -> int:
        data = PartitionProduceData(index=partition, records=memoryview(batch))
        topics = [TopicProduceData(name=topic, partition_data=[data])]
        request = ProduceRequest(transactional_id=self.name, acks=-1, topic_data=topics)
        return int(self.bench.ask(request, version).responses[0].partition_responses[0].error_code)

    def end_request(self, *, commit: bool) -> EndTxnRequest:
        return EndTxnRequest(
            transactional_id=self.name,
            producer_id=self.producer.id,
            producer_epoch=self.producer.epoch,
            committed=commit,
        )

    def commit(self, version: int = 3) -> int:
        return int(self.bench.ask(self.end_request(commit=True), version).error_code)

    def abort(self, version: int = 3) -> int:
        return int(self.bench.ask(self.end_request(commit=False), version).error_code)

    def add_offsets_request(self, group: str = "g") -> AddOffsetsToTxnRequest:
        return AddOffsetsToTxnRequest(
            transactional_id=self.name,
            producer_id=self.producer.id,
            producer_epoch=self.producer.epoch,
            group_id=group,
        )

    def add_offsets(self, group: str = "g", version: int = 3) -> int:
        return int(self.bench.ask(self.add_offsets_request(group), version).error_code)

    def offsets_request(
        self, offset: int, *, group: str = "g", topic: str = "t", **member: object
    ) -> TxnOffsetCommitRequest:
        place = TxnOffsetCommitRequestPartition(partition_index=0, committed_offset=offset, committed_metadata=None)
        return TxnOffsetCommitRequest(
            transactional_id=self.name,
            group_id=group,
            producer_id=self.producer.id,
            producer_epoch=self.producer.epoch,
            topics=[TxnOffsetCommitRequestTopic(name=topic, partitions=[place])],
            **member,
        )

    def commit_offset(
        self, offset: int, version: int = 3, *, group: str = "g", topic: str = "t", **member: object
    ) -> int:
        request = self.offsets_request(offset, group=group, topic=topic, **member)
        return int(self.bench.ask(request, version).topics[0].partitions[0].error_code)
