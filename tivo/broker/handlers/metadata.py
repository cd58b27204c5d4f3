"""Metadata (3), versions 0-12: the broker, and topics with their partitions. May make topics.

Odd: a topic that is not there is made if the setting, the request (from version 4 on) and its
name allow; the answer then waits until the topic is on stable storage. Else it gets
UNKNOWN_TOPIC_OR_PARTITION (3), INVALID_TOPIC_EXCEPTION (17) for a bad name, UNKNOWN_TOPIC_ID
(100) for an id; POLICY_VIOLATION (44) where more than 1,000 topics would have to be made at once.

- 0: an empty list means all topics; from 1 on null means all and empty means none.
- 1: internal topics are marked (those named `__*`). 4: the client says whether topics may be made.
- 10: topic ids, stable for the life of a topic. 12: topics may be asked for by id.
- Authorized operations are never told (there are no ACLs): the field keeps "not asked for".
"""

from functools import partial

from tivo.broker.broker import Broker, Caller
from tivo.broker.refusal import code_of
from tivo.broker.replies import Parts, Reply
from tivo.broker.topics import Topic
from tivo.model.errors import LogError, RequestError
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.metadata import (
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from tivo.wire.schema import NO_UUID


def handle(broker: Broker, request: MetadataRequest, caller: Caller) -> Reply:
    me = broker.identity
    response = MetadataResponse(
        brokers=[MetadataResponseBroker(node_id=me.node_id, host=me.host, port=me.port)],
        cluster_id=me.cluster_id,
        controller_id=me.node_id,
    )
    if request.topics is None or (caller.version == 0 and not request.topics):
        response.topics = [_told(broker, topic) for topic in broker.topics]
        return response
    response.topics = [_asked(broker, wanted) for wanted in request.topics]
    if not (request.allow_auto_topic_creation and broker.limits.auto_create):
        return response
    return _make(broker, response)


def _make(broker: Broker, response: MetadataResponse) -> Reply:
    """Make the topics that are not there: all of them, or none where they are too many."""
    parts = Parts(response)
    unknown = [place for place, answer in enumerate(response.topics) if _may_be_made(broker, answer)]
    for place in unknown:
        if len(unknown) > broker.limits.max_topics_per_request:
            response.topics[place].error_code = ErrorCode.POLICY_VIOLATION
            continue
        parts.owe()
        made = partial(_made, broker, parts, response.topics, place)
        broker.topics.create(response.topics[place].name or "", broker.limits.default_partitions, {}, made)
    return parts.reply()


def _may_be_made(broker: Broker, answer: MetadataResponseTopic) -> bool:
    is_unknown = answer.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    return is_unknown and not broker.topics.was_just_deleted(answer.name or "")


def _made(
    broker: Broker,
    parts: Parts,
    answers: list[MetadataResponseTopic],
    place: int,
    result: Topic | LogError | RequestError,
) -> None:
    """A topic was made on the way, by this request or by one before it; or it cannot be."""
    if isinstance(result, Topic):
        answers[place] = _told(broker, result)
    elif (topic := broker.topics.find(answers[place].name or "")) is not None:
        answers[place] = _told(broker, topic)
    else:
        answers[place].error_code = code_of(result)
    parts.settle()


def _asked(broker: Broker, wanted: MetadataRequestTopic) -> MetadataResponseTopic:
    try:
        if wanted.topic_id != NO_UUID:
            return _told(broker, broker.topics.by_id(wanted.topic_id))
        return _told(broker, broker.topics.get(wanted.name or ""))
    except RequestError as error:
        return MetadataResponseTopic(error_code=code_of(error), name=wanted.name, topic_id=wanted.topic_id)


def _told(broker: Broker, topic: Topic) -> MetadataResponseTopic:
    node = broker.identity.node_id
    return MetadataResponseTopic(
        name=topic.name,
        topic_id=topic.id,
        is_internal=topic.is_internal,
        partitions=[
            MetadataResponsePartition(
                partition_index=index,
                leader_id=node,
                leader_epoch=leader.log.leader_epoch,
                replica_nodes=[node],
                isr_nodes=[node],
            )
            for index, leader in enumerate(topic.leaders)
        ],
    )
