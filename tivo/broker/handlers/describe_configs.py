"""DescribeConfigs (32), versions 1-4: settings of topics and of this broker.

Odd: TOPIC_AUTHORIZATION_FAILED (29), CLUSTER_AUTHORIZATION_FAILED (31) without DESCRIBE_CONFIGS;
UNKNOWN_TOPIC_OR_PARTITION (3); INVALID_REQUEST (42) for kinds of resources other than topic (2) and
broker (4), and for another broker's id; POLICY_VIOLATION (44) for more than 1,000 resources.

- A resource that is named twice is told once.
- 1: where a setting comes from, and its synonyms where they are asked for: the topic's own value,
  then the default, under the name that Kafka's brokers have for it. 3: its kind; no documentation.
- The broker's own settings are those that it was started with, so they are read-only.
"""

from functools import partial
from typing import NamedTuple

from tivo.auth import acl
from tivo.auth.acl import Operation
from tivo.broker.broker import Broker, Caller
from tivo.broker.refusal import Refusal, code_of
from tivo.broker.repeats import first_of_each
from tivo.broker.topic import Topic
from tivo.broker.topic_settings import BOOLEAN, INT, KNOWN, LONG, STRING, Known, TopicSettings, in_effect
from tivo.broker.transactions import EXPIRE_MS, LONGEST_MS
from tivo.model.errors import RequestError
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
    DescribeConfigsResourceResult,
    DescribeConfigsResponse,
    DescribeConfigsResult,
    DescribeConfigsSynonym,
)

TOPIC, BROKER = 2, 4
FROM_TOPIC, FROM_START, FROM_DEFAULT = 1, 4, 5


_OF_BROKER = {
    "compression.type": "compression.type",
    "delete.retention.ms": "log.cleaner.delete.retention.ms",
    "file.delete.delay.ms": "log.segment.delete.delay.ms",
    "flush.messages": "log.flush.interval.messages",
    "flush.ms": "log.flush.interval.ms",
    "max.compaction.lag.ms": "log.cleaner.max.compaction.lag.ms",
    "max.message.bytes": "message.max.bytes",
    "min.cleanable.dirty.ratio": "log.cleaner.min.cleanable.ratio",
    "min.compaction.lag.ms": "log.cleaner.min.compaction.lag.ms",
    "min.insync.replicas": "min.insync.replicas",
    "segment.index.bytes": "log.index.size.max.bytes",
    "segment.jitter.ms": "log.roll.jitter.ms",
    "segment.ms": "log.roll.ms",
    "unclean.leader.election.enable": "unclean.leader.election.enable",
}
"""What Kafka's brokers call the default of a topic's setting, where that is not its name behind `log.`."""

_OURS = "tivo."
"""How the names of settings begin that Kafka does not have."""


class Config(NamedTuple):
    """A setting as it is told: `source` is where its value comes from, `synonyms` all places that would give it."""

    name: str
    value: str
    source: int
    kind: int
    synonyms: tuple[DescribeConfigsSynonym, ...] = ()


def handle(broker: Broker, request: DescribeConfigsRequest, caller: Caller) -> DescribeConfigsResponse:
    resources = first_of_each(request.resources, lambda each: (each.resource_type, each.resource_name))
    is_over = len(resources) > broker.limits.max_topics_per_request
    describe = _too_many if is_over else partial(_described, broker, caller, synonyms=request.include_synonyms)
    return DescribeConfigsResponse(results=[describe(resource) for resource in resources])


def topic_configs(topic: Topic, defaults: TopicSettings) -> list[Config]:
    """All settings of a topic, as they are in effect."""
    own = in_effect(topic.configs)
    return [_topic_config(own.get(name), name, known, defaults) for name, known in KNOWN.items()]


def _topic_config(own: str | None, name: str, known: Known, defaults: TopicSettings) -> Config:
    default = DescribeConfigsSynonym(name=_of_broker(name), value=known.default(defaults), source=FROM_DEFAULT)
    if own is None:
        return Config(name, known.default(defaults), FROM_DEFAULT, known.kind, (default,))
    set_here = DescribeConfigsSynonym(name=name, value=own, source=FROM_TOPIC)
    return Config(name, own, FROM_TOPIC, known.kind, (set_here, default))


def _of_broker(name: str) -> str:
    return name if name.startswith(_OURS) else _OF_BROKER.get(name, f"log.{name}")


def _broker_configs(broker: Broker) -> list[Config]:
    me, limits = broker.identity, broker.limits
    address = ",".join(map(str, me.endpoints))
    own = (
        ("advertised.listeners", address, STRING),
        ("auto.create.topics.enable", str(limits.auto_create).lower(), BOOLEAN),
        ("broker.id", str(me.node_id), INT),
        ("default.replication.factor", "1", INT),
        ("fetch.max.bytes", str(limits.max_fetch_bytes), INT),
        ("group.max.session.timeout.ms", str(limits.longest_session_us // 1000), INT),
        ("group.min.session.timeout.ms", str(limits.shortest_session_us // 1000), INT),
        ("listeners", address, STRING),
        ("log.dirs", broker.data_dir, STRING),
        ("node.id", str(me.node_id), INT),
        ("num.partitions", str(limits.default_partitions), INT),
        ("offset.metadata.max.bytes", str(limits.max_offset_metadata_bytes), LONG),
        ("transaction.max.timeout.ms", str(LONGEST_MS), INT),
        ("transactional.id.expiration.ms", str(EXPIRE_MS), INT),
    )
    of_topics = ((_of_broker(name), known.default(broker.topics.defaults), known.kind) for name, known in KNOWN.items())
    return [
        Config(name, value, FROM_START, kind, (DescribeConfigsSynonym(name=name, value=value, source=FROM_START),))
        for name, value, kind in sorted((*own, *of_topics))
    ]


def _too_many(resource: DescribeConfigsResource) -> DescribeConfigsResult:
    return DescribeConfigsResult(
        error_code=ErrorCode.POLICY_VIOLATION,
        error_message=None,
        resource_type=resource.resource_type,
        resource_name=resource.resource_name,
    )


def _described(
    broker: Broker, caller: Caller, resource: DescribeConfigsResource, *, synonyms: bool
) -> DescribeConfigsResult:
    result = DescribeConfigsResult(
        error_message=None, resource_type=resource.resource_type, resource_name=resource.resource_name
    )
    try:
        configs = _configs(broker, caller, resource)
    except RequestError as error:
        result.error_code, result.error_message = code_of(error), str(error)
        return result
    wanted = frozenset(resource.configuration_keys or ())
    is_fixed = resource.resource_type == BROKER
    result.configs = [
        DescribeConfigsResourceResult(
            name=config.name,
            value=config.value,
            read_only=is_fixed,
            config_source=config.source,
            synonyms=list(config.synonyms) if synonyms else [],
            config_type=config.kind,
            documentation=None,
        )
        for config in configs
        if not wanted or config.name in wanted
    ]
    return result


def _configs(broker: Broker, caller: Caller, resource: DescribeConfigsResource) -> list[Config]:
    name = resource.resource_name
    if resource.resource_type == TOPIC:
        broker.authorizer.check(caller, Operation.DESCRIBE_CONFIGS, acl.topic(name))
        return topic_configs(broker.topics.get(name), broker.topics.defaults)
    broker.authorizer.check(caller, Operation.DESCRIBE_CONFIGS, acl.CLUSTER)
    if resource.resource_type == BROKER and name == str(broker.identity.node_id):
        return _broker_configs(broker)
    raise Refusal(ErrorCode.INVALID_REQUEST, f"there are no settings of kind {resource.resource_type}, name {name!r}")
