"""The agent with a store that fails as TIVO_TEST_FAULTS says. Run as `python -m tests.integration.faulty_agent`.

`raise_share`: so often a write raises what a fault of ours would, before or after it was done ·
`away_file`: while this file is there the store is away · `poison`: values with this text cannot be stored ·
`mutant`: pages are written whatever the frontier, nothing is rewound, and the fifth write of this topic raises.
"""

import asyncio
import json
import logging
import os
import random
from pathlib import Path
from typing import Any

import msgspec

from streams import app
from streams.places import Places
from tivo import config
from tivo.model.errors import RecordError, StoreError
from tivo.model.event import Loss, Page
from tivo.store.base import Store, Written
from tivo.store.open import open_store


class FaultyStore:
    """A store behind a door that fails."""

    def __init__(self, store: Store, faults: dict[str, Any]) -> None:
        self._store = store
        self._raise_share = faults.get("raise_share", 0.0)
        self._away_file = faults.get("away_file")
        self._poison = faults.get("poison", "").encode()
        self._mutant = faults.get("mutant", "")
        self._writes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def frontier(self, topic_id: bytes) -> dict[int, int]:
        self._check_away()
        return await self._store.frontier(topic_id)

    async def write(self, page: Page) -> Written:
        (written,) = await self.write_all([page])
        return written

    async def write_all(self, pages: list[Page]) -> list[Written]:
        self._check_away()
        for page in pages:
            for event in page.events:
                if self._poison and self._poison in (event.value or b""):
                    raise RecordError(f"offset {event.offset} cannot be stored")
        if any(page.topic == self._mutant for page in pages):
            self._writes += 1
            assert self._writes != 5, "injected before the fifth write"
        assert random.random() >= self._raise_share, "injected before the write"
        written = await self._store.write_all([await self._unchecked(page) for page in pages])
        assert random.random() >= self._raise_share, "injected after the write"
        return written

    async def quarantine(self, page: Page, loss: Loss, why: str) -> None:
        self._check_away()
        await self._store.quarantine(page, loss, why)

    def _check_away(self) -> None:
        if self._away_file and Path(self._away_file).exists():
            raise StoreError("the store is away")

    async def _unchecked(self, page: Page) -> Page:
        if not self._mutant:
            return page
        at = (await self._store.frontier(page.topic_id)).get(page.partition, page.base)
        return msgspec.structs.replace(page, base=min(at, page.base))


def main() -> None:
    faults = json.loads(os.environ["TIVO_TEST_FAULTS"])
    if faults.get("mutant"):
        setattr(Places, "rewind_all", lambda _: None)  # noqa: B010 - the mutation
        setattr(Places, "rewind", lambda *_: None)  # noqa: B010 - the mutation
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings = config.load()
    access = app.access_to(settings)
    store = open_store(settings.store_url, bucket_us=config.duration_us(settings.store.bucket))
    raise SystemExit(asyncio.run(app.serve(settings, access, FaultyStore(store, faults))))


if __name__ == "__main__":
    main()
