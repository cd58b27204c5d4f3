"""A token in, a cookie out."""

import pytest

from tests.support.gateway_app import GatewayApp
from tests.support.tokens import users


@pytest.fixture
def gateway() -> GatewayApp:
    return GatewayApp(users=users(ada=("read", "write:a.")))


async def test_a_token_is_given_for_a_cookie_that_lets_in(gateway: GatewayApp) -> None:
    async with gateway.client() as http:
        before = await http.get("/v1/login")
        answer = await http.post("/v1/login", json={"token": "ada"})
        after, topics = await http.get("/v1/login"), await http.get("/v1/topics")

    ada = {"asks": True, "user": "ada", "scopes": ["read", "write:a."]}
    assert {"asks": True, "user": None, "scopes": []} == before.json()
    assert ada == answer.json() == after.json()
    assert 200 == topics.status_code
    assert "tivo=YWRh; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict" == answer.headers["set-cookie"]
    assert 3 * ["no-store"] == [each.headers["cache-control"] for each in (before, answer, after)]


async def test_to_log_out_takes_the_cookie_away(gateway: GatewayApp) -> None:
    async with gateway.client() as http:
        await http.post("/v1/login", json={"token": "ada"})
        out = await http.delete("/v1/login")
        topics = await http.get("/v1/topics")

    assert (204, 401) == (out.status_code, topics.status_code)
    assert "Max-Age=0" in out.headers["set-cookie"]


@pytest.mark.parametrize("path", ["/v1/login", "/v1/topics"])
async def test_a_cookie_that_is_worth_nothing_any_more_is_forgotten(gateway: GatewayApp, path: str) -> None:
    async with gateway.client() as http:
        await http.post("/v1/login", json={"token": "ada"})
        gateway.become(users())
        first, second = await http.get(path), await http.get("/v1/login")

    assert (401, True) == (first.status_code, "Max-Age=0" in first.headers["set-cookie"])
    assert (200, None) == (second.status_code, second.json()["user"])


async def test_a_page_that_came_by_tls_gets_a_cookie_for_tls(gateway: GatewayApp) -> None:
    async with gateway.client() as http:
        answer = await http.post("/v1/login", json={"token": "ada"}, headers={"Origin": "https://localhost"})

    assert answer.headers["set-cookie"].endswith("; Secure")


async def test_a_wrong_token_gets_no_cookie_and_waits(gateway: GatewayApp) -> None:
    async with gateway.client() as http:
        answer = await http.post("/v1/login", json={"token": "a-secret-guess"})

    assert (401, "unauthorized") == (answer.status_code, answer.json()["code"])
    assert "set-cookie" not in answer.headers and "a-secret-guess" not in answer.text
    assert [0.1] == gateway.waited_s


@pytest.mark.parametrize(
    "body", [b"", b"a-secret", b'{"password":"a-secret"}', b'{"token":["a-secret"]}', b'{"token":"\xff a-secret"}']
)
async def test_what_is_no_login_is_refused_and_not_told_back(gateway: GatewayApp, body: bytes) -> None:
    async with gateway.client() as http:
        answer = await http.post("/v1/login", content=body)

    assert (400, "bad_json") == (answer.status_code, answer.json()["code"])
    assert "a-secret" not in answer.text


async def test_a_body_that_is_no_token_for_its_size_is_refused(gateway: GatewayApp) -> None:
    async with gateway.client() as http:
        assert 413 == (await http.post("/v1/login", content=b"x" * 5_000)).status_code


async def test_a_page_of_another_origin_logs_nobody_in(gateway: GatewayApp) -> None:
    async with gateway.client() as http:
        answer = await http.post("/v1/login", json={"token": "ada"}, headers={"Origin": "http://localhost:5173"})

    assert (403, "forbidden_origin") == (answer.status_code, answer.json()["code"])
    assert "set-cookie" not in answer.headers


async def test_where_nobody_is_asked_there_is_nothing_to_log_in_to() -> None:
    async with GatewayApp().client() as http:
        shown, refused = await http.get("/v1/login"), await http.post("/v1/login", json={"token": "x"})

    assert {"asks": False, "user": None, "scopes": []} == shown.json()
    assert (409, "no_login") == (refused.status_code, refused.json()["code"])
