"""FindCoordinator: which broker looks after a consumer group or a transaction."""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import Api, Int8, Int16, Int32, Message, Since, Struct, Until

API = Api(key=10, name="FindCoordinator", first=0, last=4, flexible=3)


class FindCoordinatorRequest(Message):
    """One key up to v3, several from v4 on (KIP-699). `key_type` 0 is a group, 1 a transaction."""

    api = API

    key: Annotated[str, Until(3)] = ""
    key_type: Annotated[Int8, Since(1)] = 0
    coordinator_keys: Annotated[list[str], Since(4)] = []


class FindCoordinatorResponse(Message):
    """One broker up to v3, one per key from v4 on."""

    api = API

    throttle_time_ms: Annotated[Int32, Since(1)] = 0
    error_code: Annotated[Int16, Until(3)] = 0
    error_message: Annotated[str | None, Since(1), Until(3)] = ""
    node_id: Annotated[Int32, Until(3)] = 0
    host: Annotated[str, Until(3)] = ""
    port: Annotated[Int32, Until(3)] = 0
    coordinators: Annotated[list[Coordinator], Since(4)] = []


class Coordinator(Struct):
    """The broker for one key."""

    key: str = ""
    node_id: Int32 = 0
    host: str = ""
    port: Int32 = 0
    error_code: Int16 = 0
    error_message: str | None = ""
