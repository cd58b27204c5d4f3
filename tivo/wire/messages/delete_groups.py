"""DeleteGroups: TODO."""

from __future__ import annotations

from tivo.wire.schema import Api, Int16, Int32, Message, Struct

API = Api(key=42, name="DeleteGroups", first=0, last=2, flexible=2)


class DeleteGroupsRequest(Message):
    """TODO."""

    api = API

    groups_names: list[str] = []


class DeleteGroupsResponse(Message):
    """TODO."""

    api = API

    throttle_time_ms: Int32 = 0
    results: list[DeletableGroupResult] = []


class DeletableGroupResult(Struct):
    """TODO."""

    group_id: str = ""
    error_code: Int16 = 0
