"""What a broker does for its logs unasked: old segments go."""

from functools import partial

from tivo.broker.runtime import Runtime
from tivo.broker.topics import Topics
from tivo.model.timeline import MINUTE_US

RETENTION_EVERY_US = MINUTE_US


class Upkeep:
    """Told the time by `tick`, on the loop; its work is done on threads."""

    def __init__(self, topics: Topics, runtime: Runtime) -> None:
        self._topics = topics
        self._runtime = runtime
        self._retention_us = 0

    def tick(self) -> None:
        """Begin what is due. To be called each second or so."""
        now = self._runtime.now()
        if now.steady_us >= self._retention_us:
            self._retention_us = now.steady_us + RETENTION_EVERY_US
            for leader in self._topics.leaders():
                work = partial(leader.log.enforce_retention, now_us=now.wall_us)
                self._runtime.in_thread(work, lambda removed: None)
