"""SaslHandshake: which way of logging in. v0: bare messages of that way follow; v1: they come in SaslAuthenticate."""

from __future__ import annotations

from tivo.wire.schema import Api, Int16, Message

API = Api(key=17, name="SaslHandshake", first=0, last=1)


class SaslHandshakeRequest(Message):
    """The mechanism that the client has chosen."""

    api = API

    mechanism: str = ""


class SaslHandshakeResponse(Message):
    """Whether it is offered, and all that are."""

    api = API

    error_code: Int16 = 0
    mechanisms: list[str] = []
