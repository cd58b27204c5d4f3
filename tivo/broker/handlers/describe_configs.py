"""DescribeConfigs (32), versions 1-4: settings of topics and of this broker.

Odd: UNKNOWN_TOPIC_OR_PARTITION (3); INVALID_REQUEST (42) for kinds of resources other than topic
(2) and broker (4), and for another broker's id.

- 1: where a setting comes from, without synonyms. 3: its kind.
"""

from typing import NamedTuple

from tivo.broker.broker import Broker, Caller
from tivo.broker.refusal import Refusal, code_of
from tivo.broker.topic_settings import BOOLEAN, INT, KNOWN, LONG, STRING
from tivo.broker.topics import Topic
from tivo.model.errors import RequestError
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
    DescribeConfigsResourceResult,
    DescribeConfigsResponse,
    DescribeConfigsResult,
)

TOPIC, BROKER = 2, 4
FROM_TOPIC, FROM_START, FROM_DEFAULT = 1, 4, 5


class Config(NamedTuple):
    """A setting as it is told: `source` is where its value comes from."""

    name: str
    value: str
    source: int
    kind: int


def handle(broker: Broker, request: DescribeConfigsRequest, caller: Caller) -> DescribeConfigsResponse:
    return DescribeConfigsResponse(results=[_described(broker, resource) for resource in request.resources])


def topic_configs(topic: Topic) -> list[Config]:
    """All settings of a topic."""
    return [
        Config(name, topic.configs[name], FROM_TOPIC, known.kind)
        if name in topic.configs
        else Config(name, known.default(topic.settings), FROM_DEFAULT, known.kind)
        for name, known in KNOWN.items()
    ]


def _broker_configs(broker: Broker) -> list[Config]:
    me, limits = broker.identity, broker.limits
    told = (
        ("advertised.listeners", f"PLAINTEXT://{me.host}:{me.port}", STRING),
        ("auto.create.topics.enable", str(limits.auto_create).lower(), BOOLEAN),
        ("broker.id", str(me.node_id), INT),
        ("default.replication.factor", "1", INT),
        ("fetch.max.bytes", str(limits.max_fetch_bytes), INT),
        ("group.max.session.timeout.ms", str(limits.longest_session_us // 1000), INT),
        ("group.min.session.timeout.ms", str(limits.shortest_session_us // 1000), INT),
        ("log.dirs", broker.data_dir, STRING),
        ("num.partitions", str(limits.default_partitions), INT),
        ("offset.metadata.max.bytes", str(limits.max_offset_metadata_bytes), LONG),
    )
    return [Config(name, value, FROM_START, kind) for name, value, kind in told]


def _described(broker: Broker, resource: DescribeConfigsResource) -> DescribeConfigsResult:
    result = DescribeConfigsResult(
        error_message=None, resource_type=resource.resource_type, resource_name=resource.resource_name
    )
    try:
        configs = _configs(broker, resource)
    except RequestError as error:
        result.error_code, result.error_message = code_of(error), str(error)
        return result
    wanted = resource.configuration_keys
    is_fixed = resource.resource_type == BROKER
    result.configs = [
        DescribeConfigsResourceResult(
            name=config.name,
            value=config.value,
            read_only=is_fixed,
            config_source=config.source,
            config_type=config.kind,
            documentation=None,
        )
        for config in configs
        if not wanted or config.name in wanted
    ]
    return result


def _configs(broker: Broker, resource: DescribeConfigsResource) -> list[Config]:
    name = resource.resource_name
    if resource.resource_type == TOPIC:
        return topic_configs(broker.topics.get(name))
    if resource.resource_type == BROKER and name == str(broker.identity.node_id):
        return _broker_configs(broker)
    raise Refusal(ErrorCode.INVALID_REQUEST, f"there are no settings of kind {resource.resource_type}, name {name!r}")
