"""IncrementalAlterConfigs: change some settings of topics and brokers, leave the others (KIP-339)."""

from __future__ import annotations

from tivo.wire.schema import Api, Boolean, Int8, Int16, Int32, Message, Struct

API = Api(key=44, name="IncrementalAlterConfigs", first=0, last=1, flexible=1)


class IncrementalAlterConfigsRequest(Message):
    """The resources, and whether only to check them."""

    api = API

    resources: list[AlterConfigsResource] = []
    validate_only: Boolean = False


class AlterConfigsResource(Struct):
    """A topic (type 2) or a broker (type 4) and the changes to its settings."""

    resource_type: Int8 = 0
    resource_name: str = ""
    configs: list[AlterableConfig] = []


class AlterableConfig(Struct):
    """One change: set (0), delete (1), append to a list (2), subtract from a list (3)."""

    name: str = ""
    config_operation: Int8 = 0
    value: str | None = ""


class IncrementalAlterConfigsResponse(Message):
    """A result per resource."""

    api = API

    throttle_time_ms: Int32 = 0
    responses: list[AlterConfigsResourceResponse] = []


class AlterConfigsResourceResponse(Struct):
    """Whether the settings of one resource are changed."""

    error_code: Int16 = 0
    error_message: str | None = ""
    resource_type: Int8 = 0
    resource_name: str = ""
