"""Bearer tokens: known again by their hash. Whoever makes one brings the randomness."""

import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from tivo.auth.principals import Principal
from tivo.auth.users import Permit, Scope, Token, Users
from tivo.model.errors import AuthenticationError
from tivo.model.timeline import Now

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Bearer(NamedTuple):
    """Who brought a token, and what it lets him do."""

    principal: Principal
    scopes: tuple[Scope, ...]

    def may(self, permit: Permit, topic: str) -> bool:
        """Whether the token allows this in a topic."""
        return any(scope.allows(permit, topic) for scope in self.scopes)


def digest(token: str) -> str:
    """What is kept of a token."""
    return sha256(token.encode()).hexdigest()


def check(users: Users, token: str, now: Now) -> Bearer:
    """Who brings this token. Raises AuthenticationError, which never says more than "unknown" or "expired".

    Every kept hash is compared, in constant time: how long it takes says nothing about which was close.
    """
    wanted = digest(token)
    found: tuple[str, Token] | None = None
    for name, user in users.users.items():
        for kept in user.tokens:
            if hmac.compare_digest(kept.sha256, wanted):
                found = name, kept
    if found is None:
        raise AuthenticationError("the token is unknown")
    name, kept = found
    if kept.expires is not None and _EPOCH + timedelta(microseconds=now.wall_us) >= kept.expires:
        raise AuthenticationError(f"token {kept.name!r} of {name} has expired")
    return Bearer(Principal(name), kept.granted())
