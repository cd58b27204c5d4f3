"""One connection: requests in, replies out in their order. The shell around `wire.connection`.

A request whose reply is owed holds back those behind it, with one exception: a Produce may begin
while other Produce requests wait for their group commit, so that five batches in flight share a
sync and do not queue for five.
"""

import asyncio
from collections import Counter, deque
from functools import cached_property
from typing import NamedTuple, Protocol, cast

from tivo.auth.principals import ANONYMOUS, of_certificate
from tivo.broker.broker import Broker, Caller
from tivo.broker.complaints import Complaints
from tivo.broker.errors_told import ORDINARY, Told, errors_in
from tivo.broker.handlers import BEFORE_LOGIN, SERVED, TABLE
from tivo.broker.listeners import Endpoint
from tivo.broker.outgoing import Outgoing
from tivo.broker.refusal import Refusal as Refused
from tivo.broker.replies import Deferred
from tivo.broker.runtime import Alarm
from tivo.broker.session import Session
from tivo.broker.throttle import THROTTLED, Throttle
from tivo.metrics import BROKER_ERRORS, BROKER_HUNG_UP, BROKER_REQUEST_SECONDS
from tivo.model.errors import WireError
from tivo.model.timeline import SECOND_US
from tivo.wire.connection import Item, Refusal, Request, ServerConnection
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.produce import ProduceRequest
from tivo.wire.schema import Message

MAX_OWED, MAX_OWED_BYTES = 64, 5 << 20
"""Produce requests of one connection that may wait for a group commit at the same time, and their bytes: five of the
largest that clients send."""

WRITE_LOW_BYTES, WRITE_HIGH_BYTES = 64 << 10, 1 << 20
"""Unsent bytes below which a connection is served again, and above which nothing more of it is."""

PRODUCE = ProduceRequest.api.key

REQUEST_SECONDS = {key: BROKER_REQUEST_SECONDS.labels(request.api.name) for key, request in SERVED.items()}


class Owner(Protocol):
    """Who listens: knows its connections, and whether there is room for one more."""

    broker: Broker
    complaints: Complaints
    throttle: Throttle
    max_request_bytes: int
    login_request_bytes: int

    def admit(self, connection: "Connection", host: str) -> str | None:
        """None, or why there is no room."""

    def forget(self, connection: "Connection", host: str) -> None:
        """The connection is gone."""


class Owed(NamedTuple):
    """A request that began, when, and the reply that it gets in its turn."""

    request: Request
    reply: Deferred
    began_us: int


class Connection(asyncio.BufferedProtocol):
    """A client's connection. Times are steady µs."""

    def __init__(self, owner: Owner, endpoint: Endpoint) -> None:
        self.heard_us = owner.broker.runtime.now().steady_us
        self.opened_us: int | None = None  # requests are taken since then
        self.unfinished_since_us: int | None = None  # a request has begun to arrive and is not whole
        self.stalled_since_us: int | None = None  # the client does not read what it is sent
        self._owner = owner
        self._broker = owner.broker
        self._waiting: deque[Item] = deque()
        self._owed: deque[Owed] = deque()
        self._owed_bytes = 0
        self._outgoing = Outgoing()
        self._unsent_bytes = 0  # of a client that does not read, as counted in `Broker.unsent`
        self._transport: asyncio.Transport | None = None
        self._host = ""
        self._session = Session(endpoint=endpoint, principal=None if endpoint.security.has_login else ANONYMOUS)
        self._held_back_until_us: int | None = None  # the client has had too much (KIP-219)
        self._alarm: Alarm | None = None  # rings when that is over
        self._is_reading = True
        self._is_admitted = False
        self._is_busy = False
        self._is_draining = False  # nothing more is begun, what is owed is still answered
        self._is_done = False  # the client did something after which there is no going on

    @cached_property
    def _wire(self) -> ServerConnection:
        """With its buffer: a connection that never says anything costs none."""
        if self.is_known:
            return ServerConnection(SERVED, max_frame=self._owner.max_request_bytes)
        return ServerConnection(SERVED, max_frame=self._owner.login_request_bytes, only=BEFORE_LOGIN)

    # ------------------------------------------------------------- what the loop tells

    def admit(self, host: str) -> bool:
        """Ask the owner for room. Without any there is no connection, and whoever asked closes."""
        self._host = host
        refusal = self._owner.admit(self, host)
        self._is_admitted = refusal is None
        if refusal is not None:
            self.complain(refusal)
        return self._is_admitted

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)  # uvloop's is one without being its subclass
        host = str((transport.get_extra_info("peername") or ("?",))[0])
        if not self._is_admitted and not self.admit(host):
            transport.abort()
            return
        certificate = transport.get_extra_info("peercert")
        if certificate and self.is_known:
            self._session.principal = of_certificate(certificate["subject"])
        self.opened_us = self._broker.runtime.now().steady_us
        self._transport = transport
        transport.set_write_buffer_limits(high=WRITE_HIGH_BYTES, low=WRITE_LOW_BYTES)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._wire.get_buffer()

    def buffer_updated(self, nbytes: int) -> None:
        self.heard_us = self._broker.runtime.now().steady_us
        items = self._wire.received(nbytes)
        self._waiting.extend(items)
        if not self._wire.pending:
            self.unfinished_since_us = None
        elif items or self.unfinished_since_us is None:
            self.unfinished_since_us = self.heard_us
        self._proceed()

    def pause_writing(self) -> None:
        self.stalled_since_us = self._broker.runtime.now().steady_us
        if self._transport is not None:
            self._has_unsent(self._transport.get_write_buffer_size())
            self._mind_reading(self._transport)

    def resume_writing(self) -> None:
        self.stalled_since_us = None
        self._has_unsent(0)
        self._proceed()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._has_unsent(0)
        self._forget_alarm()
        self._waiting.clear()
        self._owner.forget(self, self._host)
        while self._owed:
            self._owed.popleft().reply.abandon()

    # ------------------------------------------------------------- what the owner asks

    @property
    def is_idle(self) -> bool:
        """Nothing is under way."""
        return not self._owed and not self._waiting

    @property
    def is_known(self) -> bool:
        """The client has said who it is, where it has to."""
        return self._session.principal is not None

    @property
    def is_held_back(self) -> bool:
        """The client does not read what it is sent, or has had too much."""
        return self.stalled_since_us is not None or self._held_back_until_us is not None

    def drain(self) -> None:
        """Begin nothing more; close when what is owed has been sent."""
        self._is_draining = True
        self._waiting.clear()
        self._proceed()

    def finish(self) -> None:
        """Close behind what can be sent; replies that are still owed will not come."""
        if self._transport is not None:
            self._transport.close()

    def abort(self, why: str) -> None:
        """Close at once, whatever is on its way."""
        self.complain(why)
        if self._transport is not None:
            self._transport.abort()

    # ------------------------------------------------------------- requests

    def _proceed(self) -> None:
        """Begin what may begin, send what may go out. A handler may come back here: then the outer call goes on."""
        transport = self._transport
        if self._is_busy or transport is None:
            return
        self._is_busy = True
        try:
            self._send_settled()
            while self._waiting and self._may_begin(self._waiting[0]):
                self._begin(self._waiting.popleft())
                self._send_settled()
                if self._outgoing.is_enough:
                    self._outgoing.flush(transport)
        except (WireError, Refused) as error:
            if isinstance(error, Refused):
                BROKER_ERRORS.labels(error.code.name).inc()
            self.complain(str(error))
            self._waiting.clear()
            self._is_done = True
        finally:
            self._is_busy = False
        self._outgoing.flush(transport)
        if self._is_done or (self._is_draining and not self._owed):
            transport.close()
        self._mind_reading(transport)

    def _may_begin(self, item: Item) -> bool:
        if self.is_held_back or self._is_done:
            return False
        return (not self._owed or self._may_join(item)) and not self._waits_for_debt(item)

    def _may_join(self, item: Item) -> bool:
        """Whether it may begin beside those that wait for their group commit."""
        is_produce = isinstance(item, Request) and item.api_key == PRODUCE
        has_room = len(self._owed) < MAX_OWED and self._owed_bytes < MAX_OWED_BYTES
        return is_produce and self._owed[-1].request.api_key == PRODUCE and has_room

    def _waits_for_debt(self, item: Item) -> bool:
        """Whether the client has had too much by some connection; then this one is held back until it may have more."""
        if isinstance(item, Refusal) or item.api_key not in THROTTLED:
            return False
        now_us = self._broker.runtime.now().steady_us
        self._hold_back(self._owner.throttle.debt_us(self._session.who, item, now_us))
        return self.is_held_back

    def _begin(self, item: Item) -> None:
        if isinstance(item, Refusal):
            if item.reply is None:
                raise item.error
            BROKER_ERRORS.labels(ErrorCode.UNSUPPORTED_VERSION.name).inc()
            self._outgoing.add(item.reply)
            return
        began_us = self._broker.runtime.now().steady_us
        caller = Caller(item.api_version, item.client_id or "", self._host, self._session)
        reply = TABLE[item.api_key].handle(self._broker, item.body, caller)
        match reply:
            case Message():
                self._owe(Owed(item, Deferred.of(reply), began_us))
            case Deferred():
                self._owe(Owed(item, reply, began_us))
                reply.on_given = self._proceed
            case None:
                self._hold_back(self._owner.throttle.charge(self._session.who, item, None, began_us))

    def _owe(self, owed: Owed) -> None:
        self._owed.append(owed)
        self._owed_bytes += owed.request.size

    def _send_settled(self) -> None:
        """Take the replies that are there, up to the first that is still owed."""
        while self._owed and (response := self._owed[0].reply.response) is not None:
            request, _, began_us = self._owed.popleft()
            self._owed_bytes -= request.size
            if told := errors_in(response):
                self._note(request, told)
            now_us = self._broker.runtime.now().steady_us
            if request.api_key in THROTTLED:
                self._hold_back(self._owner.throttle.charge(self._session.who, request, response, now_us))
            self._outgoing.add(self._wire.respond(request, response))
            REQUEST_SECONDS[request.api_key].observe((now_us - began_us) / SECOND_US)
            if request.api_key in BEFORE_LOGIN:
                self._mind_login()

    def _mind_login(self) -> None:
        """A message of logging in was answered: what comes next may be taken otherwise, or not at all."""
        self._wire.takes_bare = self._session.is_bare and not self.is_known
        if self.is_known:
            self._wire.open_up(self._owner.max_request_bytes)
        if self._session.is_over:
            self._waiting.clear()
            self._is_done = True

    def _hold_back(self, wait_us: int) -> None:
        """Begin nothing more for so long."""
        if wait_us > 0:
            until_us = self._broker.runtime.now().steady_us + wait_us
            if until_us > (self._held_back_until_us or 0):
                self._forget_alarm()
                self._held_back_until_us = until_us
                self._alarm = self._broker.runtime.call_at(until_us, self._let_go)

    def _let_go(self) -> None:
        self._alarm = self._held_back_until_us = None
        if self.unfinished_since_us is not None:
            self.unfinished_since_us = self._broker.runtime.now().steady_us  # until now nobody read what came
        self._proceed()

    def _forget_alarm(self) -> None:
        """It would hold on to this connection, and to what has come in, for as long as the debt lasts."""
        if self._alarm is not None:
            self._alarm.cancel()

    # ------------------------------------------------------------- bytes

    def _mind_reading(self, transport: asyncio.Transport) -> None:
        """Take in no more than can be worked on: what is parked behind an owed reply fills no memory."""
        wants = not (self._waiting or self._is_draining or self._is_done or self.is_held_back)
        if wants == self._is_reading or transport.is_closing():
            return
        self._is_reading = wants
        if wants:
            transport.resume_reading()
        else:
            transport.pause_reading()

    def _note(self, request: Request, told: list[Told]) -> None:
        """Count the errors that a client is told; one line about those that only a client gets that is wrong."""
        codes = Counter(ErrorCode(error.code) for error in told)
        for code, count in codes.items():
            BROKER_ERRORS.labels(code.name).inc(count)
        if codes.keys() <= ORDINARY:
            return
        self._owner.complaints.log(
            "a request was refused",
            host=self._host,
            principal=None if self._session.principal is None else str(self._session.principal),
            client_id=request.client_id,
            api=SERVED[request.api_key].api.name,
            version=request.api_version,
            errors={code.name: count for code, count in codes.items()},
            why=next((error.message for error in told if error.code not in ORDINARY and error.message), None),
        )

    def _has_unsent(self, size: int) -> None:
        self._broker.unsent.bytes += size - self._unsent_bytes
        self._unsent_bytes = size

    def complain(self, why: str) -> None:
        """One line about a connection that is closed, and count it."""
        BROKER_HUNG_UP.inc()
        self._owner.complaints.log("a connection was closed", host=self._host, why=why)
