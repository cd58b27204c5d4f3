"""What a broker does for its logs unasked: old segments go, and a disk that was full is tried again."""

import logging
from functools import partial

from tivo.broker.leader import Leader
from tivo.broker.runtime import Runtime
from tivo.broker.topics import Topics
from tivo.model.errors import LogError
from tivo.model.timeline import MINUTE_US

logger = logging.getLogger(__name__)

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
        for leader in self._topics.leaders():
            if leader.log.is_full:
                self._runtime.in_thread(leader.log.resume, partial(_resumed, leader))
        if now.steady_us >= self._retention_us:
            self._retention_us = now.steady_us + RETENTION_EVERY_US
            for leader in self._topics.leaders():
                work = partial(leader.log.enforce_retention, now_us=now.wall_us)
                self._runtime.in_thread(work, lambda removed: None)


def _resumed(leader: Leader, is_resumed: bool | LogError) -> None:
    if is_resumed is True:
        logger.warning("%s takes records again: there is space on its disk", leader.log.name)
        leader.synced()
