"""ListGroups: TODO."""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import Api, Int16, Int32, Message, Since, Struct

API = Api(key=16, name="ListGroups", first=0, last=4, flexible=3)


class ListGroupsRequest(Message):
    """TODO."""

    api = API

    states_filter: Annotated[list[str], Since(4)] = []


class ListGroupsResponse(Message):
    """TODO."""

    api = API

    throttle_time_ms: Annotated[Int32, Since(1)] = 0
    error_code: Int16 = 0
    groups: list[ListedGroup] = []


class ListedGroup(Struct):
    """TODO."""

    group_id: str = ""
    protocol_type: str = ""
    group_state: Annotated[str, Since(4)] = ""
