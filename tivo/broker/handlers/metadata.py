"""Metadata (3), versions 0-12: the broker, and topics with their partitions. May make topics.

Odd: a topic that is not there is made if the setting, the request (from version 4 on) and its
name allow; the answer then waits until the topic is on stable storage. Else it gets
UNKNOWN_TOPIC_OR_PARTITION (3), INVALID_TOPIC_EXCEPTION (17) for a bad name, UNKNOWN_TOPIC_ID
(100) for an id; POLICY_VIOLATION (44) where more than 1,000 topics would have to be made at once.

- 0: an empty list means all topics; from 1 on null means all and empty means none.
- 1: internal topics are marked (those named `__*`). 4: the client says whether topics may be made.
- 10: topic ids, stable for the life of a topic. 12: topics may be asked for by id.
- A topic that is named twice is told once.
- 8: what the caller may do is told where he asks.
- Topics that the caller may not DESCRIBE are left out of "all", and get TOPIC_AUTHORIZATION_FAILED (29)
  by name, UNKNOWN_TOPIC_ID by id; the former also what he may not CREATE.
"""

from functools import partial
from typing import NamedTuple

from tivo.auth import acl
from tivo.auth.acl import Operation
from tivo.broker.broker import Broker, Caller
from tivo.broker.handlers.create_topics import check_creation
from tivo.broker.refusal import Refusal, code_of
from tivo.broker.repeats import first_of_each
from tivo.broker.replies import Parts, Reply
from tivo.broker.topic import Topic
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
from tivo.wire.schema import NO_UUID, UNKNOWN_OPERATIONS


class Asker(NamedTuple):
    """Who asks, and whether he wants to know what he may do to each topic."""

    broker: Broker
    caller: Caller
    with_operations: bool


def handle(broker: Broker, request: MetadataRequest, caller: Caller) -> Reply:
    me, at = broker.identity, caller.session.endpoint
    response = MetadataResponse(
        brokers=[MetadataResponseBroker(node_id=me.node_id, host=at.host, port=at.port)],
        cluster_id=me.cluster_id,
        controller_id=me.node_id,
    )
    if request.include_cluster_authorized_operations:
        response.cluster_authorized_operations = broker.authorizer.operations(caller, acl.CLUSTER)
    asker = Asker(broker, caller, request.include_topic_authorized_operations)
    if request.topics is None or (caller.version == 0 and not request.topics):
        response.topics = [_told(asker, topic) for topic in broker.topics if _sees(asker, topic.name)]
        return response
    response.topics = [_asked(asker, wanted) for wanted in first_of_each(request.topics, _named)]
    if not (request.allow_auto_topic_creation and broker.limits.auto_create):
        return response
    return _make(asker, response)


def _named(wanted: MetadataRequestTopic) -> tuple[bytes, str | None]:
    """What a topic is asked for by: where there is an id, the name says nothing."""
    return wanted.topic_id, wanted.name if wanted.topic_id == NO_UUID else None


def _make(asker: Asker, response: MetadataResponse) -> Reply:
    """Make the topics that are not there: all of them, or none where they are too many."""
    broker, parts = asker.broker, Parts(response)
    unknown = [place for place, answer in enumerate(response.topics) if _may_be_made(asker, answer)]
    for place in unknown:
        if len(unknown) > broker.limits.max_topics_per_request:
            response.topics[place].error_code = ErrorCode.POLICY_VIOLATION
            continue
        parts.owe()
        made = partial(_made, asker, parts, response.topics, place)
        broker.topics.create(response.topics[place].name or "", broker.limits.default_partitions, {}, made)
    return parts.reply()


def _may_be_made(asker: Asker, answer: MetadataResponseTopic) -> bool:
    """Whether it is not there and the caller may make it; if he may not, that is noted."""
    broker, name = asker.broker, answer.name or ""
    if answer.error_code != ErrorCode.UNKNOWN_TOPIC_OR_PARTITION or broker.topics.was_just_deleted(name):
        return False
    try:
        check_creation(broker, asker.caller, name)
    except RequestError as error:
        answer.error_code = code_of(error)
        return False
    return True


def _made(
    asker: Asker,
    parts: Parts,
    answers: list[MetadataResponseTopic],
    place: int,
    result: Topic | LogError | RequestError,
) -> None:
    """A topic was made on the way, by this request or by one before it; or it cannot be."""
    if isinstance(result, Topic):
        answers[place] = _told(asker, result)
    elif (topic := asker.broker.topics.find(answers[place].name or "")) is not None:
        answers[place] = _told(asker, topic)
    else:
        answers[place].error_code = code_of(result)
    parts.settle()


def _sees(asker: Asker, topic: str) -> bool:
    return asker.broker.authorizer.sees(asker.caller, Operation.DESCRIBE, acl.topic(topic))


def _asked(asker: Asker, wanted: MetadataRequestTopic) -> MetadataResponseTopic:
    topics = asker.broker.topics
    try:
        if wanted.topic_id != NO_UUID:
            topic = topics.by_id(wanted.topic_id)
            if not _sees(asker, topic.name):
                raise Refusal(ErrorCode.UNKNOWN_TOPIC_ID, "the caller may not see it")
            return _told(asker, topic)
        name = wanted.name or ""
        asker.broker.authorizer.check(asker.caller, Operation.DESCRIBE, acl.topic(name))
        return _told(asker, topics.get(name))
    except RequestError as error:
        return MetadataResponseTopic(error_code=code_of(error), name=wanted.name, topic_id=wanted.topic_id)


def _told(asker: Asker, topic: Topic) -> MetadataResponseTopic:
    broker = asker.broker
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
        topic_authorized_operations=broker.authorizer.operations(asker.caller, acl.topic(topic.name))
        if asker.with_operations
        else UNKNOWN_OPERATIONS,
    )
