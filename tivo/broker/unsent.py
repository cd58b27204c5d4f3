"""How much of their answers slow clients have left with us, over all connections, and what one more may take (pure).

A client that asks for much and reads nothing holds its last answer in our memory until it is closed. One such answer
may be large. Many of them together must not be.
"""

ALLOWED_BYTES = 16 << 20
"""All of them together."""

LEAST_BYTES = 64 << 10
"""An answer may have so many bytes, whatever waits: who reads in time is served on."""

SHARE = 4
"""One more answer takes a quarter of the room at most, so there always is some left."""


class Unsent:
    """The bytes that wait for clients who do not read. Told by the connections."""

    def __init__(self) -> None:
        self.bytes = 0

    def room(self, most_bytes: int) -> int:
        """How many bytes one more answer may have: what it would like, less and less the more is waiting."""
        return max(min(most_bytes, (ALLOWED_BYTES - self.bytes) // SHARE), LEAST_BYTES)
