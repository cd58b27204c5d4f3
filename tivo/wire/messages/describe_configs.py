"""DescribeConfigs: the settings of topics and brokers, and where each value comes from."""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import Api, Boolean, Int8, Int16, Int32, Message, Since, Struct

API = Api(key=32, name="DescribeConfigs", first=1, last=4, flexible=4)


class DescribeConfigsRequest(Message):
    """The resources asked about."""

    api = API

    resources: list[DescribeConfigsResource] = []
    include_synonyms: Boolean = False
    include_documentation: Annotated[Boolean, Since(3)] = False


class DescribeConfigsResource(Struct):
    """A topic (type 2) or a broker (type 4), and which settings of it; None means all."""

    resource_type: Int8 = 0
    resource_name: str = ""
    configuration_keys: list[str] | None = []


class DescribeConfigsResponse(Message):
    """A result per resource."""

    api = API

    throttle_time_ms: Int32 = 0
    results: list[DescribeConfigsResult] = []


class DescribeConfigsResult(Struct):
    """One resource and its settings."""

    error_code: Int16 = 0
    error_message: str | None = ""
    resource_type: Int8 = 0
    resource_name: str = ""
    configs: list[DescribeConfigsResourceResult] = []


class DescribeConfigsResourceResult(Struct):
    """One setting. A sensitive one has no value."""

    name: str = ""
    value: str | None = ""
    read_only: Boolean = False
    config_source: Int8 = -1
    is_sensitive: Boolean = False
    synonyms: list[DescribeConfigsSynonym] = []
    config_type: Annotated[Int8, Since(3)] = 0
    documentation: Annotated[str | None, Since(3)] = ""


class DescribeConfigsSynonym(Struct):
    """Another place that would give the value, in order of precedence."""

    name: str = ""
    value: str | None = ""
    source: Int8 = 0
