"""Logging in: which ways there are, and what every login shares."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from secrets import token_bytes, token_urlsafe

from tivo.auth import plain
from tivo.auth.principals import Principal
from tivo.auth.scram import ScramServer
from tivo.auth.users import HASHES, NOBODY, Users
from tivo.broker.replies import Deferred
from tivo.broker.runtime import Runtime
from tivo.broker.session import Session
from tivo.metrics import BROKER_LOGINS
from tivo.model.errors import AuthenticationError, LogError
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.sasl_authenticate import SaslAuthenticateResponse

PLAIN = "PLAIN"
MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", PLAIN)
"""The ways to log in, the best first."""

FAILURE_DELAY_US = 250_000
"""A login that fails is answered so long after it came: always the same, and slow for whoever guesses."""

_NONCE_BYTES = 24


def _nobody() -> Users:
    return NOBODY


@dataclass(slots=True, kw_only=True)
class Logins:
    """Checks what clients say of themselves against the users as they are now."""

    runtime: Runtime
    users: Callable[[], Users] = _nobody
    secret: bytes

    @classmethod
    def of(cls, runtime: Runtime, users: Callable[[], Users] = _nobody) -> "Logins":
        """With a secret of its own."""
        return cls(runtime=runtime, users=users, secret=token_bytes(32))

    def begin(self, session: Session, mechanism: str) -> None:
        """The client has chosen how it logs in."""
        session.mechanism = mechanism
        for each in HASHES:
            if each == mechanism:
                nonce = token_urlsafe(_NONCE_BYTES)
                session.exchange = ScramServer(self.users(), each, nonce=nonce, secret=self.secret)

    def receive(self, session: Session, message: bytes) -> Deferred:
        """The answer to the client's next message; with the last one `session` knows who it is, or is over."""
        deferred = Deferred()
        came_us = self.runtime.now().steady_us
        try:
            if session.exchange is None:
                self._receive_plain(session, message, deferred, came_us)
            else:
                answer = session.exchange.receive(message)
                self._go_on(session, deferred, session.exchange.principal, answer)
        except AuthenticationError as error:
            self._fail(session, deferred, error, came_us)
        return deferred

    def _receive_plain(self, session: Session, message: bytes, deferred: Deferred, came_us: int) -> None:
        """A password takes milliseconds to check, so that is done off the loop, and not where syncs are done.

        A stranger may ask for it: what is more than can be checked soon is refused.
        """
        given = plain.parse(message)

        def checked(result: Principal | AuthenticationError | LogError) -> None:
            if isinstance(result, Principal):
                self._go_on(session, deferred, result, b"")
            else:
                self._fail(session, deferred, result, came_us)

        if not self.runtime.compute(partial(_checked, self.users(), given, self.secret), checked):
            raise AuthenticationError("too many passwords wait to be checked; try again")

    def _go_on(self, session: Session, deferred: Deferred, principal: Principal | None, answer: bytes) -> None:
        if principal is not None:
            session.principal = principal
            session.exchange = None
            BROKER_LOGINS.labels(session.mechanism, "ok").inc()
        deferred.give(SaslAuthenticateResponse(error_message=None, auth_bytes=answer))

    def _fail(self, session: Session, deferred: Deferred, error: Exception, came_us: int) -> None:
        BROKER_LOGINS.labels(session.mechanism, "failed").inc()
        response = SaslAuthenticateResponse(
            error_code=ErrorCode.SASL_AUTHENTICATION_FAILED, error_message=f"{session.mechanism}: {error}"
        )

        def tell() -> None:
            session.is_over = True
            deferred.give(response)

        alarm = self.runtime.call_at(came_us + FAILURE_DELAY_US, tell)
        deferred.on_abandoned = alarm.cancel


def _checked(users: Users, given: plain.Given, secret: bytes) -> Principal | AuthenticationError:
    try:
        return plain.check(users, given, secret=secret)
    except AuthenticationError as error:
        return error
