"""SaslAuthenticate (36), versions 0-2: one message of logging in, and its answer.

Odd: SASL_AUTHENTICATION_FAILED (58) with the reason, always so long after the message came;
ILLEGAL_SASL_STATE (34) before SaslHandshake, after a login, and on a listener without SASL. The
connection closes behind either.

- 1: a login lasts as long as the connection (lifetime 0), so nobody has to log in again (KIP-368).
"""

from tivo.broker.broker import Broker, Caller
from tivo.broker.replies import Reply
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.sasl_authenticate import SaslAuthenticateRequest, SaslAuthenticateResponse


def handle(broker: Broker, request: SaslAuthenticateRequest, caller: Caller) -> Reply:
    session = caller.session
    if session.principal is not None or session.mechanism is None or session.is_over:
        session.is_over = True
        return SaslAuthenticateResponse(
            error_code=ErrorCode.ILLEGAL_SASL_STATE,
            error_message="there is no login under way: SaslHandshake begins one",
        )
    return broker.logins.receive(session, request.auth_bytes)
