"""The short way of a wake-up tells the same as the long one, in the same order, and is woken at the same times."""

from collections import Counter
from dataclasses import replace

import pytest

from tests.conformance.playback.simulation import HISTORY_US, Simulation
from tests.conformance.playback.world import EPOCH_US
from tivo.model.timeline import Now
from tivo.playback.commands import Command
from tivo.playback.effects import Ask, Cancel, Effect, ReadBounds, ReadFrontier, ReadPage, ReadTail
from tivo.playback.facts import Fact
from tivo.playback.session import Session

_EVERY, _EVERY_DENSE = 10, 40
"""Of the histories that the simulation plays so many are compared: one in ten, and one in forty of the dense ones."""


class _Dense(Simulation):
    """Topics with many events, so that a session has always some in hand."""

    def _make_history(self) -> None:
        super()._make_history()
        for name, topic in sorted(self.world.topics.items()):
            times_us = sorted(EPOCH_US - self.random.randint(0, HISTORY_US) for _ in range(1_000))
            for time_us in times_us:
                self.world.produce(name, self.random.choice(topic.ref.partitions), self._time(time_us))
        for _ in range(50):
            self.world.persist(50)


class _Noted(Session):
    """A session that keeps what it gave."""

    def receive(self, given: Command | Fact, now: Now) -> list[Effect]:
        effects = super().receive(given, now)
        self.given.append((now.steady_us, type(given).__name__, [self._numbered(effect) for effect in effects]))
        return effects

    def _numbered(self, effect: Effect) -> Effect:
        """With the reads numbered as they come: ids only grow, and the long way passes some over."""
        match effect:
            case Ask() | ReadBounds() | ReadFrontier() | ReadPage() | ReadTail():
                self.reads.append(effect.read)
                return replace(effect, read=len(self.reads))
            case Cancel(reads):
                return Cancel(tuple(self.reads.index(read) for read in reads))
            case _:
                return effect

    def open(self, now: Now) -> list[Effect]:
        self.reads: list[int] = []
        self.given: list[tuple[int, str, list[Effect]]] = []
        effects = super().open(now)
        playback = self._playback
        self.glided: Counter[bool] = Counter()
        glide = playback.glide

        def counted(now: Now) -> bool:
            short = glide(now)
            self.glided[short] += 1
            return short

        playback.glide = counted  # type: ignore[method-assign]
        return effects


class _LongWay(_Noted):
    """The same, looking at everything at each wake-up."""

    def open(self, now: Now) -> list[Effect]:
        effects = super().open(now)
        self._playback.glide = lambda now: False  # type: ignore[method-assign]
        return effects


@pytest.mark.timeout(3_600)
def test_short_and_long_way_tell_the_same(seeds: range) -> None:
    for seed in seeds[::_EVERY]:
        _compare(seed, Simulation)


@pytest.mark.timeout(3_600)
def test_short_and_long_way_tell_the_same_where_events_are_dense(seeds: range) -> None:
    taken: Counter[bool] = Counter()
    for seed in seeds[::_EVERY_DENSE]:
        taken += _compare(seed, _Dense)

    assert taken[True] > len(seeds[::_EVERY_DENSE]), "the short way was hardly ever taken: nothing was compared"


def _compare(seed: int, history: type[Simulation]) -> Counter[bool]:
    """How often the short way was taken, and how often not."""
    short, long = _sessions(seed, history, _Noted), _sessions(seed, history, _LongWay)

    assert [each.given for each in long] == [each.given for each in short], f"seed {seed}"
    return sum((each.glided for each in short), Counter())


def _sessions(seed: int, history: type[Simulation], kind: type[_Noted]) -> list[_Noted]:
    made: list[_Noted] = []

    def make(**arguments: object) -> _Noted:
        made.append(kind(**arguments))  # type: ignore[arg-type]
        return made[-1]

    history(seed, session=make).run()  # type: ignore[arg-type]
    return made
