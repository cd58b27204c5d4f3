"""AlterConfigs (33), versions 0-2: give topics all their settings at once. Answered when they are on stable storage.

Old: a client that knows IncrementalAlterConfigs uses that, since here a setting that is not named
goes back to its default.

Odd, per resource, with nothing changed: TOPIC_AUTHORIZATION_FAILED (29) without ALTER_CONFIGS,
UNKNOWN_TOPIC_OR_PARTITION (3), INVALID_CONFIG (40) for what a topic cannot have,
INVALID_TOPIC_EXCEPTION (17) for the broker's own topics, INVALID_REQUEST (42) for a value that is
missing, for a resource or a setting named twice, and for resources other than topics: the broker's
own settings are those that it was started with; POLICY_VIOLATION (44) for more than 1,000
resources. KAFKA_STORAGE_ERROR (56) where the disk fails.

- "Validate only" checks and changes nothing.
"""

from collections import Counter
from functools import partial
from typing import NamedTuple

from tivo.auth import acl
from tivo.auth.acl import Operation
from tivo.broker.broker import Broker, Caller
from tivo.broker.config_changes import replaced
from tivo.broker.handlers.describe_configs import TOPIC
from tivo.broker.refusal import Refusal, code_of
from tivo.broker.replies import Parts, Reply
from tivo.broker.topic import Topic
from tivo.broker.topic_settings import Configs
from tivo.broker.topics import Altered
from tivo.model.errors import LogError, RequestError
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.alter_configs import (
    AlterableConfig,
    AlterConfigsRequest,
    AlterConfigsResourceResponse,
    AlterConfigsResponse,
)
from tivo.wire.messages.incremental_alter_configs import (
    AlterConfigsResourceResponse as IncrementalResourceResponse,
)
from tivo.wire.messages.incremental_alter_configs import IncrementalAlterConfigsResponse

Result = AlterConfigsResourceResponse | IncrementalResourceResponse


class Alteration(NamedTuple):
    """What is to be made of the settings of one resource, and where its answer goes."""

    result: Result
    make: Altered


def handle(broker: Broker, request: AlterConfigsRequest, caller: Caller) -> Reply:
    response = AlterConfigsResponse()
    alterations = []
    for each in request.resources:
        result = AlterConfigsResourceResponse(
            error_message=None, resource_type=each.resource_type, resource_name=each.resource_name
        )
        response.responses.append(result)
        alterations.append(Alteration(result, partial(_replace, each.configs)))
    return alter(broker, caller, response, alterations, validate_only=request.validate_only)


def alter(
    broker: Broker,
    caller: Caller,
    response: AlterConfigsResponse | IncrementalAlterConfigsResponse,
    alterations: list[Alteration],
    *,
    validate_only: bool,
) -> Reply:
    """Alter each resource, or only see whether it can be; the reply comes when all is durable."""
    parts = Parts(response)
    times = Counter((result.resource_type, result.resource_name) for result, _ in alterations)
    for result, make in alterations:
        try:
            _check_number(broker, len(alterations))
            broker.authorizer.check(caller, Operation.ALTER_CONFIGS, _resource(result))
            _check_resource(result, times[result.resource_type, result.resource_name])
            broker.topics.check_alteration(result.resource_name, make)
        except RequestError as error:
            _refuse(result, error)
            continue
        if not validate_only:
            parts.owe()
            broker.topics.alter(result.resource_name, make, partial(_altered, parts, result))
    return parts.reply()


def _replace(configs: list[AlterableConfig], present: Configs) -> Configs:
    return replaced([(config.name, config.value) for config in configs])


def _resource(result: Result) -> acl.Resource:
    """Whatever is no topic is the broker's, so the cluster's."""
    return acl.topic(result.resource_name) if result.resource_type == TOPIC else acl.CLUSTER


def _check_number(broker: Broker, number: int) -> None:
    most = broker.limits.max_topics_per_request
    if number > most:
        raise Refusal(ErrorCode.POLICY_VIOLATION, f"{number} resources at once, {most} are the limit")


def _check_resource(result: Result, times: int) -> None:
    kind, name = result.resource_type, result.resource_name
    if kind != TOPIC:
        raise Refusal(
            ErrorCode.INVALID_REQUEST,
            f"only topics have settings that can be changed, not resource {name!r} of type {kind};"
            " the broker's own are those that it was started with",
        )
    if times > 1:
        raise Refusal(ErrorCode.INVALID_REQUEST, f"topic {name} is named more than once")


def _altered(parts: Parts, result: Result, altered: Topic | LogError | RequestError) -> None:
    if not isinstance(altered, Topic):
        _refuse(result, altered)
    parts.settle()


def _refuse(result: Result, error: LogError | RequestError) -> None:
    result.error_code = code_of(error)
    result.error_message = str(error)
