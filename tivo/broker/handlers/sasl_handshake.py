"""SaslHandshake (17), versions 0-1: the client chooses how it logs in. Served on listeners with SASL, once.

Odd: UNSUPPORTED_SASL_MECHANISM (33) with the list of those that there are; ILLEGAL_SASL_STATE (34)
on a listener without SASL, and for a client that has chosen already. The connection closes behind either.

- 0: the messages of logging in follow without headers. 1: they come in SaslAuthenticate.
"""

from tivo.broker.broker import Broker, Caller
from tivo.broker.logins import MECHANISMS
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.sasl_handshake import SaslHandshakeRequest, SaslHandshakeResponse

WITH_HEADERS = 1


def handle(broker: Broker, request: SaslHandshakeRequest, caller: Caller) -> SaslHandshakeResponse:
    session = caller.session
    response = SaslHandshakeResponse(mechanisms=list(MECHANISMS))
    if not session.may_choose:
        response.error_code = ErrorCode.ILLEGAL_SASL_STATE
    elif request.mechanism not in MECHANISMS:
        response.error_code = ErrorCode.UNSUPPORTED_SASL_MECHANISM
    else:
        broker.logins.begin(session, request.mechanism)
        session.is_bare = caller.version < WITH_HEADERS
    session.is_over = bool(response.error_code)
    return response
