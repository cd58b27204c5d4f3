"""CreateAcls: new access control entries."""

from __future__ import annotations

from tivo.wire.schema import Api, Int8, Int16, Int32, Message, Struct

API = Api(key=30, name="CreateAcls", first=1, last=3, flexible=2)


class CreateAclsRequest(Message):
    """The entries."""

    api = API

    creations: list[AclCreation] = []


class AclCreation(Struct):
    """One entry."""

    resource_type: Int8 = 0
    resource_name: str = ""
    resource_pattern_type: Int8 = 3
    principal: str = ""
    host: str = ""
    operation: Int8 = 0
    permission_type: Int8 = 0


class CreateAclsResponse(Message):
    """A result per entry, in their order."""

    api = API

    throttle_time_ms: Int32 = 0
    results: list[AclCreationResult] = []


class AclCreationResult(Struct):
    """Whether one entry stands now."""

    error_code: Int16 = 0
    error_message: str | None = ""
