"""A parameter that a route does not have changes no answer in silence: it is refused."""

import pytest

from tests.support.gateway_app import GatewayApp


@pytest.mark.parametrize(
    ("method", "address", "near"),
    [
        ("GET", "?mach=a", "match"),
        ("POST", "?name=a", None),
        ("GET", "/a?limit=1", None),
        ("DELETE", "/a?confrm=a", "confirm"),
        ("GET", "/a/overview?bucket=1", "buckets"),
        ("GET", "/a/records?strat=-1h", "start"),
        ("GET", "/a/tail?form=now", "from"),
        ("POST", "/a/records?ack=0", "acks"),
    ],
)
async def test_every_route_of_v1_names_it(method: str, address: str, near: str | None) -> None:
    gateway = GatewayApp()
    gateway.log.make("a")
    async with gateway.client() as http:
        answer = await http.request(method, f"/v1/topics{address}", json={"name": "b"} if method == "POST" else None)

    assert (400, "bad_request") == (answer.status_code, answer.json()["code"])
    assert "is no parameter of this address" in answer.json()["detail"]
    assert near is None or f"did you mean {near!r}?" in answer.json()["detail"]


async def test_a_ticket_is_no_parameter_of_a_route() -> None:
    gateway = GatewayApp()
    gateway.log.make("a")
    async with gateway.client() as http:
        assert 200 == (await http.get("/v1/topics/a?ticket=x")).status_code
        assert 200 == (await http.get("/v1/topics/a/records?ticket=x")).status_code
