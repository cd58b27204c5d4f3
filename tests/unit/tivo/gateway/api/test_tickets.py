"""The route of tickets."""

from tests.support.gateway_app import GatewayApp
from tests.support.tokens import users


async def test_a_ticket_is_new_each_time_and_good_for_half_a_minute() -> None:
    gateway = GatewayApp(users=users(ada=("read",)))
    async with gateway.client("ada") as http:
        first, second = await http.post("/v1/tickets"), await http.post("/v1/tickets")

    assert (201, "no-store") == (first.status_code, first.headers["cache-control"])
    assert 30_000_000 == first.json()["until_us"] - gateway.clock.wall_us
    assert first.json()["ticket"] != second.json()["ticket"]
    assert 32 <= len(first.json()["ticket"])


async def test_where_nobody_is_asked_there_are_tickets_too() -> None:
    async with GatewayApp().client() as http:
        assert 201 == (await http.post("/v1/tickets")).status_code
