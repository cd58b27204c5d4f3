"""DeleteGroups: consumer groups without members, forgotten with their offsets."""

from __future__ import annotations

from tivo.wire.schema import Api, Int16, Int32, Message, Struct

API = Api(key=42, name="DeleteGroups", first=0, last=2, flexible=2)


class DeleteGroupsRequest(Message):
    """The groups to forget."""

    api = API

    groups_names: list[str] = []


class DeleteGroupsResponse(Message):
    """A result per group."""

    api = API

    throttle_time_ms: Int32 = 0
    results: list[DeletableGroupResult] = []


class DeletableGroupResult(Struct):
    """Whether one group is gone."""

    group_id: str = ""
    error_code: Int16 = 0
