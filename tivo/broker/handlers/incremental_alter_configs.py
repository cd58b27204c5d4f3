"""IncrementalAlterConfigs (44), versions 0-1: change some settings of topics. Answered when that is on stable storage.

All changes to a topic count together, or none does. Lists (`cleanup.policy`) can be appended to
and subtracted from; the others are set, or deleted to go back to their default.

Odd: as AlterConfigs; INVALID_CONFIG (40) also for a list operation on what is no list,
INVALID_REQUEST (42) for an operation that is not known.
"""

from functools import partial

from tivo.broker.broker import Broker, Caller
from tivo.broker.config_changes import Change, changed
from tivo.broker.handlers.alter_configs import Alteration, alter
from tivo.broker.replies import Reply
from tivo.broker.topic_settings import Configs
from tivo.wire.messages.incremental_alter_configs import (
    AlterConfigsResourceResponse,
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
)


def handle(broker: Broker, request: IncrementalAlterConfigsRequest, caller: Caller) -> Reply:
    response = IncrementalAlterConfigsResponse()
    alterations = []
    for each in request.resources:
        changes = [Change(config.name, config.config_operation, config.value) for config in each.configs]
        result = AlterConfigsResourceResponse(
            error_message=None, resource_type=each.resource_type, resource_name=each.resource_name
        )
        response.responses.append(result)
        alterations.append(Alteration(result, partial(_change, broker, changes)))
    return alter(broker, caller, response, alterations, validate_only=request.validate_only)


def _change(broker: Broker, changes: list[Change], present: Configs) -> Configs:
    return changed(present, changes, broker.topics.defaults)
