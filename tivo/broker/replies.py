"""Replies that are owed: a handler answers at once, later, or not at all."""

from collections.abc import Callable

from tivo.model.errors import LogError
from tivo.wire.schema import Message


class Deferred:
    """A reply that will be given later, exactly once.

    The handler keeps it and calls `give`; the connection sets `on_given` to learn of it, and
    calls `abandon` when nobody is there any more to take it, so that what waits can be let go.
    """

    __slots__ = ("_given", "on_abandoned", "on_given")

    def __init__(self, on_abandoned: Callable[[], None] | None = None) -> None:
        self.on_given: Callable[[], None] | None = None
        self.on_abandoned = on_abandoned
        self._given: Message | None = None

    @classmethod
    def of(cls, response: Message) -> "Deferred":
        """A reply that is there already."""
        deferred = cls()
        deferred.give(response)
        return deferred

    @property
    def response(self) -> Message | None:
        """The reply, None while it is owed."""
        return self._given

    def give(self, response: Message) -> None:
        assert self._given is None, f"a second reply: {response}"
        self._given = response
        if self.on_given is not None:
            self.on_given()

    def abandon(self) -> None:
        """Nobody waits for the reply any more; `give` may still be called."""
        self.on_given = None
        if self.on_abandoned is not None and self._given is None:
            self.on_abandoned()


Reply = Message | Deferred | None
"""What a handler returns: the response, one that will come, or None where no reply is wanted (acks=0)."""


class Parts:
    """A reply of which some parts come later. They are written into the response; it goes out with the last one."""

    def __init__(self, response: Message) -> None:
        self._response = response
        self._deferred = Deferred()
        self._owed = 1  # the handler itself, until it asks for the reply

    def owe(self) -> None:
        """One more part will come."""
        self._owed += 1

    def settle(self) -> None:
        """A part has come."""
        self._owed -= 1
        if self._owed == 0:
            self._deferred.give(self._response)

    def reply(self) -> Deferred:
        """No more parts are owed than those named until now."""
        self.settle()
        return self._deferred


class Countdown:
    """Several things that each come to an end, well or with an error; tells of all errors with the last of them."""

    def __init__(self, then: Callable[[list[LogError]], None]) -> None:
        self._then = then
        self._errors: list[LogError] = []
        self._owed = 1  # whoever counts, until all are named

    def owe(self) -> Callable[[LogError | None], None]:
        """One more; to be called when it has come to its end."""
        self._owed += 1
        return self._settle

    def close(self) -> None:
        """There are no more than those named until now."""
        self._settle(None)

    def _settle(self, error: LogError | None) -> None:
        if error is not None:
            self._errors.append(error)
        self._owed -= 1
        if self._owed == 0:
            self._then(self._errors)
