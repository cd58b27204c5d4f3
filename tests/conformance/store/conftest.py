from collections.abc import AsyncIterator

import pytest

from tests.conformance.store.stores import KINDS, fresh
from tivo.store.base import Store


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    async with fresh(request.param) as made:
        yield made
