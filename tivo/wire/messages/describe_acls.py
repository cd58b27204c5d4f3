"""DescribeAcls: the access control entries that a filter asks for. v3: entries about users too (KIP-373)."""

from __future__ import annotations

from tivo.wire.schema import Api, Int8, Int16, Int32, Message, Struct

API = Api(key=29, name="DescribeAcls", first=1, last=3, flexible=2)


class DescribeAclsRequest(Message):
    """The filter; null asks for every name, principal or host, and 1 for every kind."""

    api = API

    resource_type_filter: Int8 = 0
    resource_name_filter: str | None = ""
    pattern_type_filter: Int8 = 3
    principal_filter: str | None = ""
    host_filter: str | None = ""
    operation: Int8 = 0
    permission_type: Int8 = 0


class DescribeAclsResponse(Message):
    """The entries by what they are about."""

    api = API

    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: str | None = ""
    resources: list[DescribeAclsResource] = []


class DescribeAclsResource(Struct):
    """What some entries are about."""

    resource_type: Int8 = 0
    resource_name: str = ""
    pattern_type: Int8 = 3
    acls: list[AclDescription] = []


class AclDescription(Struct):
    """Who, from where, may or may not do what."""

    principal: str = ""
    host: str = ""
    operation: Int8 = 0
    permission_type: Int8 = 0
