"""SASL PLAIN (RFC 4616): the password itself, so only where nobody can listen. Checked against the SCRAM verifiers."""

import hmac
from typing import NamedTuple

from tivo.auth.principals import Principal
from tivo.auth.scram import INVALID, fake_verifier
from tivo.auth.users import Mechanism, Users, verifier_of
from tivo.model.errors import AuthenticationError

_PREFERRED: tuple[Mechanism, ...] = ("SCRAM-SHA-512", "SCRAM-SHA-256")


class Given(NamedTuple):
    """What a client says: who it is, and its password."""

    name: str
    password: str


def parse(message: bytes) -> Given:
    """What a PLAIN message says. Raises AuthenticationError."""
    try:
        authorized, name, password = message.decode().split("\0")
    except ValueError:
        raise AuthenticationError("a PLAIN message is [user] NUL user NUL password, in UTF-8") from None
    if not name or not password:
        raise AuthenticationError("a PLAIN message names a user and a password")
    if authorized not in ("", name):
        raise AuthenticationError("to act as another user is not offered")
    return Given(name, password)


def check(users: Users, given: Given, *, secret: bytes) -> Principal:
    """Who it is. Raises AuthenticationError. Takes milliseconds, for an unknown user as for a known one."""
    user = users.find(given.name)
    kept = None
    mechanism = _PREFERRED[0]
    for each in _PREFERRED:
        if kept is None and user is not None:
            mechanism, kept = each, user.verifier(each)
    against = kept or fake_verifier(users, given.name, mechanism, secret)
    tried = verifier_of(given.password, mechanism, salt=against.salt, iterations=against.iterations)
    is_right = hmac.compare_digest(tried.stored_key, against.stored_key)
    if kept is None or not is_right:
        raise AuthenticationError(INVALID)
    return Principal(given.name)
