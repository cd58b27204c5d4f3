"""Waiting for Kafka: what is said, and when."""

import asyncio

from tivo.client.waiting import until_connected
from tivo.model.errors import BrokerError


class Cluster:
    """Answers once it is `there`."""

    def __init__(self) -> None:
        self.there = asyncio.Event()
        self.tried = asyncio.Semaphore(0)

    async def start(self) -> None:
        self.tried.release()
        if not self.there.is_set():
            raise BrokerError("refused")


async def test_a_cluster_that_answers_at_once_is_no_news() -> None:
    cluster, said = Cluster(), list[str]()
    cluster.there.set()

    await until_connected(cluster.start, "a:1", said.append, news_s=0)

    assert [] == said


async def test_one_that_is_away_is_told_once_with_the_reason_and_so_is_that_it_is_back() -> None:
    cluster, said, reasons = Cluster(), list[str](), list[str]()

    async def away(reason: str) -> None:
        reasons.append(reason)
        if len(reasons) == 3:
            cluster.there.set()

    await until_connected(cluster.start, "a:1", said.append, away=away, news_s=0, retry_s=0.001)

    assert ["waiting for Kafka at a:1: refused", "Kafka at a:1 answers"] == said
    assert ["refused"] * 3 == reasons


async def test_one_that_neither_answers_nor_refuses_is_told_too() -> None:
    never, told = asyncio.Event(), asyncio.Event()
    said: list[str] = []

    async def start() -> None:
        await never.wait()

    def tell(line: str) -> None:
        said.append(line)
        told.set()

    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(until_connected(start, "a:1", tell, news_s=0))
        await told.wait()
        waiting.cancel()

    assert ["waiting for Kafka at a:1: no answer yet"] == said
