"""DescribeConfigs: TODO."""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import Api, Boolean, Int8, Int16, Int32, Message, Since, Struct

API = Api(key=32, name="DescribeConfigs", first=1, last=4, flexible=4)


class DescribeConfigsRequest(Message):
    """TODO."""

    api = API

    resources: list[DescribeConfigsResource] = []
    include_synonyms: Boolean = False
    include_documentation: Annotated[Boolean, Since(3)] = False


class DescribeConfigsResource(Struct):
    """TODO."""

    resource_type: Int8 = 0
    resource_name: str = ""
    configuration_keys: list[str] | None = []


class DescribeConfigsResponse(Message):
    """TODO."""

    api = API

    throttle_time_ms: Int32 = 0
    results: list[DescribeConfigsResult] = []


class DescribeConfigsResult(Struct):
    """TODO."""

    error_code: Int16 = 0
    error_message: str | None = ""
    resource_type: Int8 = 0
    resource_name: str = ""
    configs: list[DescribeConfigsResourceResult] = []


class DescribeConfigsResourceResult(Struct):
    """TODO."""

    name: str = ""
    value: str | None = ""
    read_only: Boolean = False
    config_source: Int8 = -1
    is_sensitive: Boolean = False
    synonyms: list[DescribeConfigsSynonym] = []
    config_type: Annotated[Int8, Since(3)] = 0
    documentation: Annotated[str | None, Since(3)] = ""


class DescribeConfigsSynonym(Struct):
    """TODO."""

    name: str = ""
    value: str | None = ""
    source: Int8 = 0
