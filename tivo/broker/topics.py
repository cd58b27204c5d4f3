"""The topics of this broker: served from memory, changed one after the other off the loop."""

from collections.abc import Callable, Iterator
from functools import partial

from tivo.broker import gauges, topic_settings
from tivo.broker.leader import Leader, Shared
from tivo.broker.refusal import Refusal
from tivo.broker.runtime import Turns
from tivo.broker.topic import Topic, check_name
from tivo.broker.topic_files import TopicFiles
from tivo.broker.topic_settings import Configs, TopicSettings
from tivo.log.catalog import Catalog
from tivo.model.errors import LogError, RequestError, UnknownTopic
from tivo.model.timeline import SECOND_US
from tivo.wire.error_codes import ErrorCode

GONE_US = 10 * SECOND_US
"""So long a deleted topic is not made anew by being asked for: its clients have heard by then that it is gone."""

Changed = Callable[[Topic | LogError | RequestError], None]
Altered = Callable[[Configs], Configs]


class Topics:
    """All topics. Changes are on stable storage when their callback says so.

    `defaults` hold for what a topic's own settings do not name. `max_partitions` bounds them over
    all topics: each keeps files open.
    """

    def __init__(
        self,
        kept: Catalog,
        shared: Shared,
        *,
        defaults: TopicSettings,
        max_partitions: int,
    ) -> None:
        self._files = TopicFiles(kept, shared)
        self._shared = shared
        self.defaults = defaults
        self._max_partitions = max_partitions
        self._turns = Turns(shared.runtime)
        self._by_name: dict[str, Topic] = {}
        self._by_id: dict[bytes, Topic] = {}
        self._gone_us: dict[str, int] = {}

    def open(self) -> None:
        """Open what there is. Blocks; called once, before anybody asks. Raises LogError."""
        for topic in self._files.open_all(self.defaults):
            self._put(topic)

    def create_now(self, name: str, partitions: int, configs: Configs) -> Topic:
        """Make a topic at start, blocking."""
        settings = topic_settings.settings_of(configs, self.defaults)
        return self._put(self._files.create(name, partitions, configs, settings))

    # ------------------------------------------------------------- asked

    def get(self, name: str) -> Topic:
        """Raises UnknownTopic."""
        topic = self._by_name.get(name)
        if topic is None:
            raise UnknownTopic(name)
        return topic

    def find(self, name: str) -> Topic | None:
        return self._by_name.get(name)

    def id_of(self, name: str) -> bytes | None:
        """The id of the topic that has this name now."""
        topic = self._by_name.get(name)
        return None if topic is None else topic.id

    def by_id(self, topic_id: bytes) -> Topic:
        """Raises Refusal (UNKNOWN_TOPIC_ID)."""
        topic = self._by_id.get(topic_id)
        if topic is None:
            raise Refusal(ErrorCode.UNKNOWN_TOPIC_ID, f"there is no topic with id {topic_id.hex()}")
        return topic

    def __iter__(self) -> Iterator[Topic]:
        return iter(self._by_name.values())

    def leaders(self) -> Iterator[Leader]:
        return (leader for topic in self for leader in topic.leaders)

    # ------------------------------------------------------------- changed

    def check_new(self, name: str, partitions: int, configs: Configs) -> None:
        """Raises Refusal where a topic cannot be made like this."""
        check_name(name)
        if name in self._by_name:
            raise Refusal(ErrorCode.TOPIC_ALREADY_EXISTS, f"topic {name} exists already")
        if partitions < 1:
            raise Refusal(ErrorCode.INVALID_PARTITIONS, f"a topic has 1 partition at least, not {partitions}")
        self._check_room(partitions)
        topic_settings.check(configs)

    def create(self, name: str, partitions: int, configs: Configs, then: Changed) -> None:
        """Make a topic."""

        def begin() -> Callable[[], Topic]:
            self.check_new(name, partitions, configs)
            settings = topic_settings.settings_of(configs, self.defaults)
            return lambda: self._files.create(name, partitions, configs, settings)

        self._turns.take(begin, self._then_put(then))

    def check_growth(self, name: str, partitions: int) -> Topic:
        """Raises UnknownTopic or Refusal where the topic cannot be given that many partitions."""
        topic = self.get(name)
        check_name(name)
        now = len(topic.leaders)
        if partitions <= now:
            raise Refusal(ErrorCode.INVALID_PARTITIONS, f"{name} has {now} partitions, {partitions} are not more")
        self._check_room(partitions - now)
        return topic

    def grow(self, name: str, partitions: int, then: Changed) -> None:
        """Add partitions, up to this number in all."""

        def begin() -> Callable[[], Topic]:
            topic = self.check_growth(name, partitions)
            return lambda: self._files.grow(topic, partitions)

        self._turns.take(begin, self._then_put(then))

    def check_alteration(self, name: str, make: Altered) -> Configs:
        """The settings that a topic would have. Raises UnknownTopic or Refusal where it cannot have them.

        One that was passed over at the start may stay: only what changes is checked.
        """
        topic = self.get(name)
        check_name(name)
        configs = make(topic.configs)
        topic_settings.check({name: value for name, value in configs.items() if topic.configs.get(name) != value})
        return configs

    def alter(self, name: str, make: Altered, then: Changed) -> None:
        """Give a topic other settings: those that `make` makes of the present ones. They count when `then` is told."""

        def begin() -> Callable[[], Topic]:
            configs = self.check_alteration(name, make)
            settings = topic_settings.settings_of(topic_settings.in_effect(configs), self.defaults)
            topic = self.get(name)
            return lambda: self._files.alter(topic, configs, settings)

        self._turns.take(begin, self._then_put(then))

    def delete(self, topic: Topic, then: Changed) -> None:
        """Delete a topic with all its records. It is gone for everybody at once, durably when `then` is told.

        A disk that takes no more for now gives it back, and tells so. Files that cannot be removed are left to `tidy`.
        """

        def begin() -> Callable[[], Topic]:
            nonlocal topic
            topic = self._present(topic)
            self._take_away(topic)
            return partial(self._files.delete, topic)

        def end(deleted: Topic | LogError | RequestError) -> None:
            if isinstance(deleted, LogError) and topic.name in self._files:
                self._give_back(topic)
            then(deleted)

        self._turns.take(begin, end)

    def tidy(self) -> None:
        """Try again to remove the files of deleted topics. To be called now and then."""
        if self._files.has_deleted:
            self._turns.take(lambda: self._files.remove_deleted, lambda done: None)

    def was_just_deleted(self, name: str) -> bool:
        """Whether a topic of this name went so lately that clients which had it may still ask for it."""
        steady_us = self._shared.runtime.now().steady_us
        self._gone_us = {gone: at_us for gone, at_us in self._gone_us.items() if steady_us - at_us < GONE_US}
        return name in self._gone_us

    def when_settled(self, then: Callable[[], None]) -> None:
        """Call back when the changes that are under way are done."""
        self._turns.take(lambda: _nothing, lambda done: then())

    # ------------------------------------------------------------- below

    def _then_put(self, then: Changed) -> Changed:
        return lambda made: then(self._put(made) if isinstance(made, Topic) else made)

    def _put(self, topic: Topic) -> Topic:
        self._by_name[topic.name] = self._by_id[topic.id] = topic
        gauges.show(topic.name, topic.leaders)
        return topic

    def _check_room(self, partitions: int) -> None:
        there = sum(len(topic.leaders) for topic in self)
        if there + partitions > self._max_partitions:
            raise Refusal(
                ErrorCode.POLICY_VIOLATION,
                f"{partitions} more partitions than the {there} there are would pass the limit, {self._max_partitions}",
            )

    def _present(self, topic: Topic) -> Topic:
        """The topic as it is by now: it may have grown. Raises UnknownTopic."""
        present = self._by_id.get(topic.id)
        if present is None:
            raise UnknownTopic(topic.name)
        return present

    def _take_away(self, topic: Topic) -> None:
        del self._by_name[topic.name], self._by_id[topic.id]
        self._gone_us[topic.name] = self._shared.runtime.now().steady_us
        gauges.hide(topic.name, topic.leaders)
        gone = LogError(f"topic {topic.name} is deleted")
        for leader in topic.leaders:
            self._shared.commits.release(leader)
            leader.failed(gone)

    def _give_back(self, topic: Topic) -> None:
        """It was not deleted after all. What it had taken and was told as refused is synced, and may be read."""
        self._put(topic)
        del self._gone_us[topic.name]
        for leader in topic.leaders:
            self._shared.runtime.in_thread(leader.sync, partial(_resume, leader))


def _nothing() -> None:
    pass


def _resume(leader: Leader, synced: int | LogError) -> None:
    if isinstance(synced, LogError):
        leader.failed(synced)
    else:
        leader.resumed()
