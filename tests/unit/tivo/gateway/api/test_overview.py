from typing import Any

import pytest

from tests.support.gateway_app import GatewayApp


@pytest.fixture
async def gateway() -> GatewayApp:
    """Ten stored events, a millisecond apart from 1970 on."""
    made = GatewayApp()
    made.log.make("t")
    made.log.make("empty")
    made.log.fill("t", 10)
    await made.log.store_all("t", made.store)
    return made


async def get(gateway: GatewayApp, query: str, topic: str = "t") -> tuple[int, Any]:
    async with gateway.client() as http:
        answer = await http.get(f"/v1/topics/{topic}/overview{query}")
    return answer.status_code, answer.json()


async def test_without_bounds_it_covers_every_event(gateway: GatewayApp) -> None:
    _, told = await get(gateway, "?buckets=2")

    assert (0, 10) == (told["start_us"], sum(told["counts"]))
    assert told["start_us"] + told["width_us"] * len(told["counts"]) > 9_000


async def test_a_window_bounds_what_is_counted(gateway: GatewayApp) -> None:
    _, told = await get(gateway, "?start=1970-01-01T00:00:00.002Z&end=1970-01-01T00:00:00.004Z&buckets=2")

    assert (2_000, 1_000, [1, 1]) == (told["start_us"], told["width_us"], told["counts"])


async def test_an_empty_topic_and_an_empty_window_have_no_counts(gateway: GatewayApp) -> None:
    assert [] == (await get(gateway, "", "empty"))[1]["counts"]
    assert [] == (await get(gateway, "?start=5&end=5"))[1]["counts"]


async def test_it_tells_up_to_when_the_store_is_complete(gateway: GatewayApp) -> None:
    assert gateway.clock.wall_us == (await get(gateway, ""))[1]["complete_to_us"]
    gateway.log.fill("t", 1)
    assert 9_000 == (await get(gateway, ""))[1]["complete_to_us"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("?buckets=2001", "bad_request"),
        ("?buckets=0", "bad_request"),
        ("?start=x", "bad_time"),
        ("?start=6&end=5", "bad_window"),
    ],
)
async def test_a_wrong_parameter_is_refused(gateway: GatewayApp, query: str, code: str) -> None:
    status, told = await get(gateway, query)

    assert (400, code) == (status, told["code"])


async def test_an_unknown_topic_is_404(gateway: GatewayApp) -> None:
    assert 404 == (await get(gateway, "", "none"))[0]
