"""AlterConfigs: all settings of topics and brokers at once; what a request leaves out goes back to its default."""

from __future__ import annotations

from tivo.wire.schema import Api, Boolean, Int8, Int16, Int32, Message, Struct

API = Api(key=33, name="AlterConfigs", first=0, last=2, flexible=2)


class AlterConfigsRequest(Message):
    """The resources, and whether only to check them."""

    api = API

    resources: list[AlterConfigsResource] = []
    validate_only: Boolean = False


class AlterConfigsResource(Struct):
    """A topic (type 2) or a broker (type 4) with all the settings that it shall have."""

    resource_type: Int8 = 0
    resource_name: str = ""
    configs: list[AlterableConfig] = []


class AlterableConfig(Struct):
    """One setting and its value."""

    name: str = ""
    value: str | None = ""


class AlterConfigsResponse(Message):
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
