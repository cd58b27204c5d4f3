"""DeleteAcls: away with the access control entries that filters ask for."""

from __future__ import annotations

from tivo.wire.schema import Api, Int8, Int16, Int32, Message, Struct

API = Api(key=31, name="DeleteAcls", first=1, last=3, flexible=2)


class DeleteAclsRequest(Message):
    """The filters."""

    api = API

    filters: list[DeleteAclsFilter] = []


class DeleteAclsFilter(Struct):
    """One filter, as in DescribeAcls."""

    resource_type_filter: Int8 = 0
    resource_name_filter: str | None = ""
    pattern_type_filter: Int8 = 3
    principal_filter: str | None = ""
    host_filter: str | None = ""
    operation: Int8 = 0
    permission_type: Int8 = 0


class DeleteAclsResponse(Message):
    """A result per filter, in their order."""

    api = API

    throttle_time_ms: Int32 = 0
    filter_results: list[DeleteAclsFilterResult] = []


class DeleteAclsFilterResult(Struct):
    """What one filter found, and whether that is gone."""

    error_code: Int16 = 0
    error_message: str | None = ""
    matching_acls: list[DeleteAclsMatchingAcl] = []


class DeleteAclsMatchingAcl(Struct):
    """One entry that was found."""

    error_code: Int16 = 0
    error_message: str | None = ""
    resource_type: Int8 = 0
    resource_name: str = ""
    pattern_type: Int8 = 3
    principal: str = ""
    host: str = ""
    operation: Int8 = 0
    permission_type: Int8 = 0
