"""Bytes per second of each principal: who has had too much waits, as in KIP-219 (pure).

What is over is done and answered; the answer tells how long nothing more will be taken. The debt stays whole, so that
many connections get no more than one.
"""

from collections.abc import Hashable
from dataclasses import dataclass

from tivo.model.timeline import SECOND_US

LONGEST_US = 30 * SECOND_US
"""No longer wait is told, so that no client takes the broker for dead."""

FORGOTTEN = 10_000
"""Buckets above which those that are empty are forgotten."""


@dataclass(slots=True)
class _Bucket:
    """What is owed at a time, in bytes; it drains at the rate."""

    owed: float
    at_us: int


class Quota:
    """A rate for each of many. Up to one second's worth may come at once."""

    def __init__(self, per_second: int | None) -> None:
        self._per_second = per_second
        self._buckets: dict[Hashable, _Bucket] = {}

    def charge(self, whom: Hashable, amount: int, steady_us: int) -> int:
        """Note what somebody has had; gives the µs that he is told to wait, 0 where he has not had too much."""
        if self._per_second is None:
            return 0
        bucket = self._buckets.get(whom)
        if bucket is None:
            if len(self._buckets) >= FORGOTTEN:
                self._forget(steady_us)
            bucket = self._buckets[whom] = _Bucket(0.0, steady_us)
        bucket.owed = self._owed(bucket, steady_us) + amount
        bucket.at_us = steady_us
        return min(self.wait_us(whom, steady_us), LONGEST_US)

    def wait_us(self, whom: Hashable, steady_us: int) -> int:
        """How long it takes until somebody may have more; 0 where he may now."""
        bucket = self._buckets.get(whom)
        if self._per_second is None or bucket is None:
            return 0
        over = self._owed(bucket, steady_us) - self._per_second
        return round(over / self._per_second * SECOND_US) if over > 0 else 0

    def _owed(self, bucket: _Bucket, steady_us: int) -> float:
        assert self._per_second is not None
        return max(0.0, bucket.owed - (steady_us - bucket.at_us) / SECOND_US * self._per_second)

    def _forget(self, steady_us: int) -> None:
        self._buckets = {whom: bucket for whom, bucket in self._buckets.items() if self._owed(bucket, steady_us) > 0}


class Rate:
    """How often something may happen a second, for each of many: the same bucket, but what is over does not happen."""

    def __init__(self, per_second: int) -> None:
        self._quota = Quota(per_second)

    def allows(self, whom: Hashable, steady_us: int) -> bool:
        """Whether once more is not too often; if it is, it does not count."""
        if self._quota.charge(whom, 1, steady_us) == 0:
            return True
        self._quota.charge(whom, -1, steady_us)
        return False
