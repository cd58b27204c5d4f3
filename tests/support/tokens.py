"""Users with tokens; a token is its holder's name, which no real one may be."""

from datetime import datetime

from tivo.auth.tokens import digest
from tivo.auth.users import Token, User, Users


def users(*, expires: datetime | None = None, **scopes: tuple[str, ...]) -> Users:
    """Name → scopes: `users(ada=("read", "write:a."))`."""
    held = {
        name: User(tokens=(Token(name="laptop", sha256=digest(name), scopes=given, expires=expires),))
        for name, given in scopes.items()
    }
    return Users(users=held)
