"""SaslAuthenticate: one message of logging in, and its answer (KIP-152)."""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import Api, Int16, Int64, Message, Since

API = Api(key=36, name="SaslAuthenticate", first=0, last=2, flexible=2)


class SaslAuthenticateRequest(Message):
    """The client's message, as the mechanism has it."""

    api = API

    auth_bytes: bytes = b""


class SaslAuthenticateResponse(Message):
    """The server's message, or why not. A lifetime of 0: the login does not end (KIP-368)."""

    api = API

    error_code: Int16 = 0
    error_message: str | None = ""
    auth_bytes: bytes = b""
    session_lifetime_ms: Annotated[Int64, Since(1)] = 0
