import asyncio

import pytest

from tivo.client.ring import Ring
from tivo.client.tailed import Tailed
from tivo.model.errors import UnknownTopic
from tivo.playback.facts import TopicRef


def tailed() -> Tailed:
    return Tailed(TopicRef("t", b"i" * 16, (0,)))


def ring() -> Ring:
    return Ring(starts={0: 0}, max_bytes=1)


async def test_a_ring_is_waited_for_until_it_has_begun() -> None:
    topic, made = tailed(), ring()

    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(topic.joined())
        await asyncio.sleep(0)
        assert not waiting.done()
        topic.begin(made)

    assert made is waiting.result() is await topic.joined()


async def test_a_topic_that_ends_ends_those_who_wait_for_it() -> None:
    topic = tailed()

    with pytest.raises(ExceptionGroup) as raised:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(topic.joined())
            await asyncio.sleep(0)
            topic.end()

    assert raised.group_contains(UnknownTopic, match="'t'")


async def test_a_change_wakes_all_who_wait_and_one_that_was_missed_lets_nobody_wait() -> None:
    topic = tailed()
    seen = topic.changes

    async with asyncio.TaskGroup() as tasks:
        for _ in range(3):
            tasks.create_task(topic.changed_since(seen))
        gone = tasks.create_task(topic.changed_since(seen))
        await asyncio.sleep(0)
        gone.cancel()
        topic.change()

    await topic.changed_since(seen)
    assert seen + 1 == topic.changes
