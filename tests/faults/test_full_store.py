"""A disk that is really full while a store is written to: nothing that it held is lost, and it goes on by itself."""

import random
from pathlib import Path

import pytest

from tests.conformance.store.stores import TOPIC_ID, event, everything, page
from tests.faults.conftest import mount
from tivo.model.errors import StoreError
from tivo.model.event import Page
from tivo.store.base import Store
from tivo.store.sqlite import SqliteStore

MOST = 500


def page_at(number: int) -> Page:
    """One event that does not pack well."""
    return page(event(number, number * 1_000_000, value=random.Random(number).randbytes(8_000)))


async def filled(store: Store, first: int) -> int:
    """Write until the store refuses: how far it says that it holds everything."""
    for number in range(first, MOST):
        try:
            await store.write(page_at(number))
        except StoreError:
            return number
    raise AssertionError("the disk never was full")


async def test_a_store_on_a_full_disk_keeps_what_it_took_and_goes_on_when_there_is_space(small_disk: Path) -> None:
    async with SqliteStore(small_disk / "store.db") as store:
        held = await filled(store, 0)
        assert held > 10
        with pytest.raises(StoreError, match="full"):
            await store.write(page_at(held))

        assert {0: held} == await store.frontier(TOPIC_ID), "reads go on"
        assert list(range(held)) == [each.offset for each in await everything(store)]
        assert 0 == mount("-o", "remount,size=4m", str(small_disk))
        more = await filled(store, held)

        assert more > held + 10
        assert [page_at(number).events[0] for number in range(more)] == await everything(store)
    async with SqliteStore(small_disk / "store.db", read_only=True) as again:
        assert {0: more} == await again.frontier(TOPIC_ID)


async def test_a_store_opened_on_a_disk_that_is_full_still_is_read(small_disk: Path) -> None:
    async with SqliteStore(small_disk / "store.db") as store:
        held = await filled(store, 0)

    async with SqliteStore(small_disk / "store.db", read_only=True) as again:
        assert list(range(held)) == [each.offset for each in await everything(again)]
