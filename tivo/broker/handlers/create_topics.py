"""CreateTopics (19), versions 2-7: make topics. Answered when they are on stable storage.

Odd, per topic: TOPIC_AUTHORIZATION_FAILED (29) without CREATE of it or of the cluster,
TOPIC_ALREADY_EXISTS (36), INVALID_TOPIC_EXCEPTION (17) for names, those that begin with `__` too,
INVALID_PARTITIONS (37), INVALID_REPLICATION_FACTOR (38) above 1, INVALID_CONFIG (40),
INVALID_REPLICA_ASSIGNMENT (39), INVALID_REQUEST (42) for a topic named twice, POLICY_VIOLATION (44)
beyond the limits of partitions or of topics in one request.

- 2: "validate only" checks and makes nothing. 4: -1 means the default number of partitions and
  replicas. 5: partitions and settings are told to whoever may DESCRIBE_CONFIGS. 7: the topic id.
"""

from collections import Counter
from functools import partial

from tivo.auth import acl
from tivo.auth.acl import Operation
from tivo.broker.broker import Broker, Caller
from tivo.broker.handlers.describe_configs import topic_configs
from tivo.broker.refusal import Refusal, code_of
from tivo.broker.replies import Parts, Reply
from tivo.broker.topic import Topic
from tivo.model.errors import LogError, RequestError
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.create_topics import (
    CreatableTopic,
    CreatableTopicConfigs,
    CreatableTopicResult,
    CreateTopicsRequest,
    CreateTopicsResponse,
)

DEFAULT = -1


def handle(broker: Broker, request: CreateTopicsRequest, caller: Caller) -> Reply:
    response = CreateTopicsResponse()
    parts = Parts(response)
    times = Counter(topic.name for topic in request.topics)
    for topic in request.topics:
        result = CreatableTopicResult(name=topic.name, error_message=None)
        response.topics.append(result)
        try:
            _check_request(broker, request, times[topic.name])
            check_creation(broker, caller, topic.name)
            partitions = _partitions(broker, topic)
            configs = {config.name: config.value for config in topic.configs if config.value is not None}
            broker.topics.check_new(topic.name, partitions, configs)
        except RequestError as error:
            _refuse(result, error)
            continue
        if not request.validate_only:
            parts.owe()
            broker.topics.create(topic.name, partitions, configs, partial(_made, broker, caller, parts, result))
    return parts.reply()


def check_creation(broker: Broker, caller: Caller, name: str) -> None:
    """Raises Refusal where the caller may not make a topic of this name."""
    if not broker.authorizer.sees(caller, Operation.CREATE, acl.CLUSTER):
        broker.authorizer.check(caller, Operation.CREATE, acl.topic(name))


def _made(
    broker: Broker, caller: Caller, parts: Parts, result: CreatableTopicResult, made: Topic | LogError | RequestError
) -> None:
    if not isinstance(made, Topic):
        _refuse(result, made)
    else:
        result.topic_id = made.id
        if broker.authorizer.sees(caller, Operation.DESCRIBE_CONFIGS, acl.topic(made.name)):
            _describe(broker, result, made)
        else:
            result.topic_config_error_code = ErrorCode.TOPIC_AUTHORIZATION_FAILED
            result.configs = None
    parts.settle()


def _describe(broker: Broker, result: CreatableTopicResult, made: Topic) -> None:
    result.num_partitions = len(made.leaders)
    result.replication_factor = 1
    result.configs = [
        CreatableTopicConfigs(name=config.name, value=config.value, config_source=config.source)
        for config in topic_configs(made, broker.topics.defaults)
    ]


def _refuse(result: CreatableTopicResult, error: LogError | RequestError) -> None:
    result.error_code = code_of(error)
    result.error_message = str(error)
    result.configs = None


def _check_request(broker: Broker, request: CreateTopicsRequest, times: int) -> None:
    most = broker.limits.max_topics_per_request
    if len(request.topics) > most:
        raise Refusal(ErrorCode.POLICY_VIOLATION, f"{len(request.topics)} topics at once, {most} are the limit")
    if times > 1:
        raise Refusal(ErrorCode.INVALID_REQUEST, f"the topic is named {times} times")


def _partitions(broker: Broker, topic: CreatableTopic) -> int:
    if topic.replication_factor not in (DEFAULT, 1) and not topic.assignments:
        raise Refusal(
            ErrorCode.INVALID_REPLICATION_FACTOR, f"there is 1 broker, {topic.replication_factor} replicas need more"
        )
    if topic.assignments:
        return _assigned(broker, topic)
    return broker.limits.default_partitions if topic.num_partitions == DEFAULT else topic.num_partitions


def _assigned(broker: Broker, topic: CreatableTopic) -> int:
    """Number of partitions where the client says itself which broker leads each."""
    places = sorted(assignment.partition_index for assignment in topic.assignments)
    brokers = {tuple(assignment.broker_ids) for assignment in topic.assignments}
    if places != list(range(len(places))) or brokers != {(broker.identity.node_id,)}:
        raise Refusal(
            ErrorCode.INVALID_REPLICA_ASSIGNMENT,
            f"partitions {places[:10]} on {sorted(brokers)[:10]}: there is broker {broker.identity.node_id} only",
        )
    return len(places)
