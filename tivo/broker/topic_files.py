"""Topics on the disk: their line in the catalog and their partitions go together, whatever the disk does. Blocks.

What a disk that is full, or has too few descriptors, leaves half done is undone, or done by the next who asks for it.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from tivo.broker import topic_settings
from tivo.broker.leader import Leader, Shared
from tivo.broker.topic import Topic
from tivo.broker.topic_settings import Configs, TopicSettings
from tivo.log import catalog
from tivo.log.catalog import Catalog
from tivo.log.partition import Partition
from tivo.model.errors import LogError

logger = logging.getLogger(__name__)


class TopicFiles:
    """Makes, opens, changes and deletes topics: one thing at a time, on whatever thread. All calls raise LogError."""

    def __init__(self, kept: Catalog, shared: Shared) -> None:
        self._catalog = kept
        self._shared = shared

    def __contains__(self, name: str) -> bool:
        """Whether the catalog has a topic of this name, be it served or not."""
        return name in self._catalog

    def open_all(self, defaults: TopicSettings) -> Iterator[Topic]:
        """All topics. A setting that another version of tivo took, and this one would not, is passed over."""
        for kept in self._catalog.topics():
            for reason in topic_settings.complaints(kept.settings).values():
                logger.warning("topic %s: %s; it is passed over", kept.name, reason)
            settings = topic_settings.settings_of(topic_settings.in_effect(kept.settings), defaults)
            yield self._opened(kept, settings, [], clean=self._catalog.was_clean)

    def create(self, name: str, partitions: int, configs: Configs, settings: TopicSettings) -> Topic:
        """Make a topic, or leave nothing of it."""
        if name in self._catalog:  # one that could neither be opened nor unmade
            self._unmake(name)
        kept = self._catalog.create(name, partitions, configs)
        try:
            return self._made(kept, settings, [], clean=True)
        except LogError:
            with suppress(LogError):  # the next who makes it does it, or finds it after a restart, empty
                self._unmake(name)
            raise

    def grow(self, topic: Topic, partitions: int) -> Topic:
        """The topic with more partitions; those that could not be opened before are opened now.

        Raises RequestError where it was to be given yet more before.
        """
        kept = self._catalog.get(topic.name)
        are_new = kept.partitions == len(topic.leaders)
        if are_new or kept.partitions != partitions:
            kept = self._catalog.grow(topic.name, partitions)
        return self._made(kept, topic.settings, topic.leaders, clean=are_new)

    def alter(self, topic: Topic, configs: Configs, settings: TopicSettings) -> Topic:
        """The topic with other settings, by which its partitions go from here on: retention at once."""
        kept = self._catalog.alter(topic.name, configs)
        now_us = self._shared.runtime.now().wall_us
        for leader in topic.leaders:
            leader.log.settings = settings.log
            with suppress(LogError):  # the partition is read-only from then on and says so itself
                leader.log.enforce_retention(now_us=now_us)
        return replace(topic, configs=kept.settings, settings=settings)

    def delete(self, topic: Topic) -> Topic:
        """Delete a topic. After a LogError it is still there, or not, as the catalog has it.

        Where its directories cannot be removed it is deleted all the same: `remove_deleted` tries again.
        """
        try:
            self._catalog.delete(topic.name)
        finally:
            if topic.name not in self._catalog:
                _let_go(topic.leaders)
        self.remove_deleted()
        return topic

    @property
    def has_deleted(self) -> bool:
        """Whether there are deleted topics whose directories are still to be removed."""
        return self._catalog.has_deleted

    def remove_deleted(self) -> None:
        """Try again to remove them, and say where that fails."""
        try:
            self._catalog.remove_deleted()
        except LogError as error:
            logger.warning("%s; they are removed when it can be, at the next start at the latest", error)

    def _unmake(self, name: str) -> None:
        self._catalog.delete(name)
        self._catalog.remove_deleted()

    def _made(self, kept: catalog.Topic, settings: TopicSettings, leaders: list[Leader], *, clean: bool) -> Topic:
        """Open what was made just now. Its directories are to last as the topic does: in them lie leader epochs."""
        topic = self._opened(kept, settings, leaders, clean=clean)
        try:
            self._shared.disk.fsync_dir(self._catalog.directory(kept, 0).parent)
        except OSError as error:
            _let_go(topic.leaders[len(leaders) :])
            raise LogError(f"topic {kept.name!r}: its directories may not outlast a loss of power: {error}") from error
        return topic

    def _opened(self, kept: catalog.Topic, settings: TopicSettings, leaders: list[Leader], *, clean: bool) -> Topic:
        """The topic with its partitions open, those that `leaders` does not hold yet."""
        new: list[Leader] = []
        try:
            new.extend(  # one by one: an error leaves those before it
                self._lead(kept, partition, settings, clean=clean) for partition in range(len(leaders), kept.partitions)
            )
        except LogError:
            _let_go(new)
            raise
        return Topic(
            name=kept.name, id=kept.id.bytes, configs=kept.settings, settings=settings, leaders=[*leaders, *new]
        )

    def _lead(self, kept: catalog.Topic, partition: int, settings: TopicSettings, *, clean: bool) -> Leader:
        directory = self._catalog.directory(kept, partition)
        log = Partition.open(
            directory,
            topic=kept.name,
            partition=partition,
            settings=settings.log,
            clean=clean,
            disk=self._shared.disk,
        )
        return Leader(log, directory, self._shared)


def _let_go(leaders: Sequence[Leader]) -> None:
    """Write nothing more to them."""
    for leader in leaders:
        leader.delete()
