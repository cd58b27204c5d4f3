"""When tokens expire next."""

from datetime import UTC, datetime, timedelta

from tivo.auth.users import Users
from tivo.model.timeline import Now

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def next_expiry_us(users: Users, now: Now) -> int | None:
    """The first wall time from now on at which a token expires; None where none will."""
    times = (token.expires for user in users.users.values() for token in user.tokens if token.expires is not None)
    ahead = [us for us in ((time - _EPOCH) // timedelta(microseconds=1) for time in times) if us > now.wall_us]
    return min(ahead, default=None)
