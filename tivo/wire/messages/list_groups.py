"""ListGroups: the consumer groups that a broker looks after."""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import Api, Int16, Int32, Message, Since, Struct

API = Api(key=16, name="ListGroups", first=0, last=5, flexible=3)


class ListGroupsRequest(Message):
    """From v4 on only groups in given states may be asked for (KIP-518), from v5 on of given types (KIP-848)."""

    api = API

    states_filter: Annotated[list[str], Since(4)] = []
    types_filter: Annotated[list[str], Since(5)] = []


class ListGroupsResponse(Message):
    """The groups."""

    api = API

    throttle_time_ms: Annotated[Int32, Since(1)] = 0
    error_code: Int16 = 0
    groups: list[ListedGroup] = []


class ListedGroup(Struct):
    """One group."""

    group_id: str = ""
    protocol_type: str = ""
    group_state: Annotated[str, Since(4)] = ""
    group_type: Annotated[str, Since(5)] = ""
