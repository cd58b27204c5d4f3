"""What a broker does for its logs unasked: old segments go, compacted logs are cleaned, a full disk is tried again.

One log is cleaned at a time, the dirtiest first and those last that could not be, on one of the broker's threads; half
of that time the thread rests.
"""

import logging
from collections.abc import Callable, Iterator
from functools import partial
from weakref import WeakSet

from tivo.broker.leader import Leader
from tivo.broker.runtime import Runtime
from tivo.broker.topics import Topics
from tivo.log.compaction import Plan
from tivo.log.compactor import Compacted
from tivo.metrics import (
    BROKER_CLEANED_BYTES,
    BROKER_CLEANED_RECORDS,
    BROKER_CLEANING_SECONDS,
    BROKER_CLEANINGS_FAILED,
)
from tivo.model.errors import LogError
from tivo.model.timeline import MINUTE_US, SECOND_US

logger = logging.getLogger(__name__)

RETENTION_EVERY_US = MINUTE_US
CLEANING_EVERY_US = 15 * SECOND_US
"""So long is waited where nothing was worth cleaning, or where it failed; as in Kafka."""


class Upkeep:
    """Told the time by `tick`, on the loop; its work is done on threads."""

    def __init__(self, topics: Topics, runtime: Runtime) -> None:
        self._topics = topics
        self._runtime = runtime
        self._retention_us = 0
        self._cleaning_us = 0
        self._is_cleaning = False
        self._failed: WeakSet[Leader] = WeakSet()
        self._resuming: WeakSet[Leader] = WeakSet()

    def tick(self) -> None:
        """Begin what is due. To be called each second or so."""
        now = self._runtime.now()
        for leader in self._topics.leaders():
            if leader.log.is_full and leader not in self._resuming:  # a disk that hangs is asked once
                self._resuming.add(leader)
                self._runtime.in_thread(leader.log.resume, partial(self._resumed, leader))
        if now.steady_us >= self._retention_us:
            self._retention_us = now.steady_us + RETENTION_EVERY_US
            self._topics.tidy()
            for leader in self._topics.leaders():
                work = partial(leader.log.enforce_retention, now_us=now.wall_us)
                self._runtime.in_thread(work, lambda removed: None)
        if now.steady_us >= self._cleaning_us and not self._is_cleaning:
            self._clean()

    def _clean(self) -> None:
        now_us = self._runtime.now().steady_us
        leader, plan = max(self._due(), key=self._urgency, default=(None, None))
        if leader is None or plan is None:
            self._cleaning_us = now_us + CLEANING_EVERY_US
            return
        work = partial(self._work, leader.cleaning(plan))
        self._is_cleaning = True
        self._runtime.in_thread(work, partial(self._cleaned, leader, now_us))

    def _urgency(self, due: tuple[Leader, Plan]) -> tuple[bool, float]:
        """One that could not be cleaned comes behind the others: they do not wait for it."""
        leader, plan = due
        return leader not in self._failed, plan.dirty_ratio

    def _work(self, clean: Callable[[], Compacted]) -> Compacted:
        """On a thread."""
        try:
            return clean()
        except LogError:
            raise  # `_cleaned` is told
        except AssertionError:  # the runtime tells the broker's owner, and nobody else
            self._is_cleaning = False
            raise
        except Exception as error:  # something in the log that nobody foresaw: it would end every broker that meets it
            logger.exception("a cleaning broke")
            raise LogError(f"it broke, and that was not foreseen: {error!r}") from error

    def _due(self) -> Iterator[tuple[Leader, Plan]]:
        for topic in self._topics:
            if topic.settings.log.compaction is not None and not topic.is_internal:
                for leader in topic.leaders:
                    plan = leader.cleaning_due()
                    if plan is not None:
                        yield leader, plan

    def _cleaned(self, leader: Leader, began_us: int, result: Compacted | LogError) -> None:
        now_us = self._runtime.now().steady_us
        self._is_cleaning = False
        BROKER_CLEANING_SECONDS.observe((now_us - began_us) / SECOND_US)
        if isinstance(result, LogError):
            self._failed.add(leader)
            BROKER_CLEANINGS_FAILED.inc()
            logger.warning("%s was not cleaned to its end: %s", leader.log.name, result)
            self._cleaning_us = now_us + CLEANING_EVERY_US
            return
        self._failed.discard(leader)
        BROKER_CLEANED_RECORDS.inc(result.records)
        BROKER_CLEANED_BYTES.inc(max(result.bytes, 0))
        logger.info("%s: cleaned up to offset %d, %d records less", leader.log.name, result.upto, result.records)

    def _resumed(self, leader: Leader, is_resumed: bool | LogError) -> None:
        self._resuming.discard(leader)
        if is_resumed is True:
            logger.warning("%s takes records again: there is space on its disk", leader.log.name)
            leader.resumed()
