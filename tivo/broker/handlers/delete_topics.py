"""DeleteTopics (20), versions 1-6: delete topics with all their records, and what groups committed for them.

A topic is gone for everybody at once; the answer comes when that is on stable storage.

Odd, per topic: TOPIC_AUTHORIZATION_FAILED (29) without DELETE, UNKNOWN_TOPIC_OR_PARTITION (3), UNKNOWN_TOPIC_ID (100),
INVALID_TOPIC_EXCEPTION (17) for the broker's own topics, INVALID_REQUEST (42) for a name and an
id at once, KAFKA_STORAGE_ERROR (56) where the disk fails; where it is full the topic stays.

- 5: errors come with a text. 6: by name or by id.
"""

from functools import partial

from tivo.auth import acl
from tivo.auth.acl import Operation
from tivo.broker.broker import Broker, Caller
from tivo.broker.refusal import Refusal, code_of
from tivo.broker.replies import Parts, Reply
from tivo.broker.topic import Topic, check_name
from tivo.model.errors import LogError, RequestError
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.delete_topics import (
    DeletableTopicResult,
    DeleteTopicsRequest,
    DeleteTopicsResponse,
    DeleteTopicState,
)
from tivo.wire.schema import NO_UUID

BY_ID = 6


def handle(broker: Broker, request: DeleteTopicsRequest, caller: Caller) -> Reply:
    wanted = request.topics
    if caller.version < BY_ID:
        wanted = [DeleteTopicState(name=name) for name in request.topic_names]
    response = DeleteTopicsResponse()
    parts = Parts(response)
    for each in wanted:
        result = DeletableTopicResult(name=each.name, topic_id=each.topic_id)
        response.responses.append(result)
        try:
            topic = _find(broker, caller, each)
        except RequestError as error:
            _refuse(result, error)
            continue
        result.name, result.topic_id = topic.name, topic.id
        parts.owe()
        broker.topics.delete(topic, partial(_deleted, broker, parts, result))
    return parts.reply()


def _find(broker: Broker, caller: Caller, wanted: DeleteTopicState) -> Topic:
    if wanted.name is not None and wanted.topic_id != NO_UUID:
        raise Refusal(ErrorCode.INVALID_REQUEST, f"topic {wanted.name!r} is named by an id too")
    if wanted.name is not None:
        broker.authorizer.check(caller, Operation.DELETE, acl.topic(wanted.name))
        topic = broker.topics.get(wanted.name)
    else:
        topic = broker.topics.by_id(wanted.topic_id)
        _check_by_id(broker, caller, topic)
    check_name(topic.name)
    return topic


def _check_by_id(broker: Broker, caller: Caller, topic: Topic) -> None:
    """Raises Refusal without DELETE; it names the topic only to whoever may see it."""
    if not broker.authorizer.sees(caller, Operation.DESCRIBE, acl.topic(topic.name)):
        raise Refusal(ErrorCode.UNKNOWN_TOPIC_ID, f"there is no topic with id {topic.id.hex()}")
    broker.authorizer.check(caller, Operation.DELETE, acl.topic(topic.name))


def _deleted(
    broker: Broker, parts: Parts, result: DeletableTopicResult, deleted: Topic | LogError | RequestError
) -> None:
    if isinstance(deleted, Topic):
        broker.coordinator.forget_topic(deleted.name)
    else:
        _refuse(result, deleted)
    parts.settle()


def _refuse(result: DeletableTopicResult, error: LogError | RequestError) -> None:
    result.error_code = code_of(error)
    result.error_message = str(error)
