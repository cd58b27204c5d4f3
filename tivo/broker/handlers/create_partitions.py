"""CreatePartitions (37), versions 0-3: give topics more partitions.

Odd, per topic: TOPIC_AUTHORIZATION_FAILED (29) without ALTER, UNKNOWN_TOPIC_OR_PARTITION (3),
INVALID_PARTITIONS (37) for a number that is not more, INVALID_REPLICA_ASSIGNMENT (39),
POLICY_VIOLATION (44) beyond the limit, INVALID_TOPIC_EXCEPTION (17) for the broker's own topics.

- "Validate only" checks and changes nothing.
"""

from functools import partial

from tivo.auth import acl
from tivo.auth.acl import Operation
from tivo.broker.broker import Broker, Caller
from tivo.broker.refusal import Refusal, code_of
from tivo.broker.replies import Parts, Reply
from tivo.broker.topic import Topic
from tivo.model.errors import LogError, RequestError
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.create_partitions import (
    CreatePartitionsRequest,
    CreatePartitionsResponse,
    CreatePartitionsTopic,
    CreatePartitionsTopicResult,
)


def handle(broker: Broker, request: CreatePartitionsRequest, caller: Caller) -> Reply:
    response = CreatePartitionsResponse()
    parts = Parts(response)
    for topic in request.topics:
        result = CreatePartitionsTopicResult(name=topic.name)
        response.results.append(result)
        try:
            broker.authorizer.check(caller, Operation.ALTER, acl.topic(topic.name))
            present = broker.topics.check_growth(topic.name, topic.count)
            _check_assignments(broker, topic, len(present.leaders))
        except RequestError as error:
            _refuse(result, error)
            continue
        if not request.validate_only:
            parts.owe()
            broker.topics.grow(topic.name, topic.count, partial(_grown, parts, result))
    return parts.reply()


def _check_assignments(broker: Broker, topic: CreatePartitionsTopic, present: int) -> None:
    given = [assignment.broker_ids for assignment in topic.assignments or []]
    if given and given != [[broker.identity.node_id]] * (topic.count - present):
        raise Refusal(
            ErrorCode.INVALID_REPLICA_ASSIGNMENT, f"broker {broker.identity.node_id} leads every new partition"
        )


def _grown(parts: Parts, result: CreatePartitionsTopicResult, grown: Topic | LogError | RequestError) -> None:
    if not isinstance(grown, Topic):
        _refuse(result, grown)
    parts.settle()


def _refuse(result: CreatePartitionsTopicResult, error: LogError | RequestError) -> None:
    result.error_code = code_of(error)
    result.error_message = str(error)
