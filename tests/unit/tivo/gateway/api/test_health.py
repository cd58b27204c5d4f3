from tests.support.gateway_app import GatewayApp


async def test_a_gateway_that_runs_is_alive_and_ready() -> None:
    async with GatewayApp().client() as http:
        alive, ready = await http.get("/livez"), await http.get("/readyz")

    assert (200, {"ok": True, "reasons": {}}) == (alive.status_code, alive.json())
    assert (200, True) == (ready.status_code, ready.json()["ok"])


async def test_it_is_not_ready_while_a_neighbour_is_away_and_says_which() -> None:
    gateway = GatewayApp()
    gateway.unready["log"] = "no broker answers"

    async with gateway.client() as http:
        alive, ready = await http.get("/livez"), await http.get("/readyz")

    assert 200 == alive.status_code
    assert (503, {"log": "no broker answers"}) == (ready.status_code, ready.json()["reasons"])


async def test_metrics_are_those_of_prometheus() -> None:
    async with GatewayApp().client() as http:
        answer = await http.get("/metrics")

    assert answer.headers["content-type"].startswith("text/plain")
    assert "tivo_gateway_sessions" in answer.text
