"""What somebody may who was let in, for as long as his request or socket lasts."""

import asyncio
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from tivo.auth.needs import EVERY_TOPIC, EVERYBODY, SOME_TOPIC, Need
from tivo.auth.principals import ANONYMOUS
from tivo.auth.tokens import Bearer
from tivo.auth.users import Permit
from tivo.gateway.problems import Problem
from tivo.playback.facts import TopicRef

_KEY = "tivo.stay"

REALM = 'Bearer realm="tivo"'


class Stay:
    """One request or socket that was let in. It is over when its token is worth nothing any more."""

    def __init__(self, bearer: Bearer = EVERYBODY, *, need: Need | None = None, token: str | None = None) -> None:
        self.bearer = bearer
        self.need = need
        self.token = token
        self.ended: Problem | None = None
        """Why it is over."""
        self.on_change: Callable[[], None] = nobody
        """Called when what the bearer may has changed, or the stay is over."""
        self._over = asyncio.Event()

    @property
    def client(self) -> str | None:
        """Who it is; None where nobody was asked."""
        return None if self.bearer.principal == ANONYMOUS else str(self.bearer.principal)

    def may(self, permit: Permit, topic: str) -> bool:
        return self.bearer.may(permit, topic)

    def require(self, permit: Permit, topic: str) -> None:
        """Raises Problem 403 naming the scope that is missing, or whatever ended the stay."""
        self.check()
        if not self.may(permit, topic):
            raise forbidden(Need(permit, topic))

    def check(self) -> None:
        """Raises Problem where the stay is over."""
        if self.ended is not None:
            raise self.ended

    def readable(self, topics: Mapping[str, TopicRef]) -> Mapping[str, TopicRef]:
        """Those topics that the bearer may read. No others are there for him."""
        if self.may("read", EVERY_TOPIC):
            return topics
        return {name: topic for name, topic in topics.items() if self.may("read", name)}

    def change(self, bearer: Bearer) -> None:
        """The token means something else now; what needs more than that is over."""
        if self.need is not None and not self.need.is_met_by(bearer):
            self.end(forbidden(self.need))
        elif bearer != self.bearer:
            self.bearer = bearer
            self.on_change()

    def end(self, why: Problem) -> None:
        if self.ended is None:
            self.ended = why
            self._over.set()
            self.on_change()

    async def until_over(self) -> None:
        await self._over.wait()


def forbidden(need: Need) -> Problem:
    """The token is known and does not reach so far."""
    where = "" if need.topic is SOME_TOPIC else f" on topic {need.topic!r}" if need.topic else " on every topic"
    detail = (
        f"this token has no scope to {need.permit}{where}: it wants the scope `{need.scope}`, or one of a shorter "
        "prefix, in the users file"
    )
    challenge = f'{REALM}, error="insufficient_scope"'
    return Problem(403, "forbidden", detail, headers={"WWW-Authenticate": challenge}, scope=need.scope)


def unauthorized(detail: str, *, invalid: bool) -> Problem:
    """Nobody knows who asks: no token came, or none that is good for anything."""
    challenge = f'{REALM}, error="invalid_token"' if invalid else REALM
    return Problem(401, "unauthorized", detail, headers={"WWW-Authenticate": challenge})


def admit(scope: MutableMapping[str, Any], stay: Stay | Problem) -> None:
    """Note with a request who sent it, or with a socket why it is not let in."""
    scope[_KEY] = stay


def stay_of(scope: Mapping[str, Any]) -> Stay:
    """Who sent a request. Raises Problem where it is not let in."""
    stay = scope[_KEY]
    if isinstance(stay, Problem):
        raise stay
    assert isinstance(stay, Stay)
    return stay


def nobody() -> None:
    """Whom nobody listens to."""
