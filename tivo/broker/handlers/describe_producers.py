"""DescribeProducers (61), version 0: the idempotent producers of partitions, and since where a transaction is open.

Odd, for one partition: TOPIC_AUTHORIZATION_FAILED (29) without READ; UNKNOWN_TOPIC_OR_PARTITION (3).
A partition that is named twice is told once.
"""

from tivo.auth import acl
from tivo.auth.acl import Operation
from tivo.broker.broker import Broker, Caller
from tivo.broker.leader import Leader
from tivo.broker.refusal import code_of
from tivo.broker.repeats import drop_repeats
from tivo.model.errors import RequestError
from tivo.model.timeline import to_kafka_ms
from tivo.wire.messages.describe_producers import (
    DescribeProducersRequest,
    DescribeProducersResponse,
    PartitionResponse,
    ProducerState,
    TopicResponse,
)

NONE = -1


def handle(broker: Broker, request: DescribeProducersRequest, caller: Caller) -> DescribeProducersResponse:
    drop_repeats(((topic.name, topic.partition_indexes) for topic in request.topics), int)
    return DescribeProducersResponse(
        topics=[
            TopicResponse(
                name=topic.name,
                partitions=[_partition(broker, caller, topic.name, partition) for partition in topic.partition_indexes],
            )
            for topic in request.topics
        ]
    )


def _partition(broker: Broker, caller: Caller, topic: str, partition: int) -> PartitionResponse:
    try:
        broker.authorizer.check(caller, Operation.READ, acl.topic(topic))
        leader = broker.topics.get(topic).leader(partition)
    except RequestError as error:
        return PartitionResponse(partition_index=partition, error_code=code_of(error), error_message=str(error))
    return PartitionResponse(partition_index=partition, active_producers=_producers(leader))


def _producers(leader: Leader) -> list[ProducerState]:
    begun = {opened.producer_id: opened.first_offset for opened in leader.log.open_transactions}
    return [
        ProducerState(
            producer_id=producer_id,
            producer_epoch=producer.epoch,
            last_sequence=producer.written[-1].last_sequence if producer.written else NONE,
            last_timestamp=to_kafka_ms(producer.seen_us),
            current_txn_start_offset=begun.get(producer_id, NONE),
        )
        for producer_id, producer in leader.producers
    ]
