"""Every route behind the gate, with and without the right token."""

import pytest
from starlette.types import Receive, Scope, Send

from tests.support.gateway_app import GatewayApp, Stream
from tests.support.tokens import users
from tivo.client.producer import NewRecord
from tivo.gateway.credentials import cookie
from tivo.gateway.gate import Gate
from tivo.gateway.stay import stay_of

BATCH = '{"records":[{"value":1}]}'


@pytest.fixture
async def gateway() -> GatewayApp:
    """Topics `a.x` and `b`, an event in each. Ada reads and Ben writes what begins with `a.`; Cleo may everything."""
    made = GatewayApp(users=users(ada=("read:a.",), ben=("write:a.",), cleo=("admin",), dan=("admin:a.",), eve=()))
    for topic in ("a.x", "b"):
        made.log.make(topic)
        made.log.append(topic, NewRecord(value=b"1", time_us=1))
        await made.log.store_all(topic, made.store)
    return made


OPEN = ["/livez", "/readyz", "/", "/docs", "/openapi.json", "/lib/tivo.js", "/v1/login"]
ASKED = [
    "/metrics",
    "/v1/topics",
    "/v1/topics/a.x",
    "/v1/topics/a.x/records",
    "/v1/topics/a.x/overview",
    "/v1/topics/a.x/image",
    "/v1/topics/a.x/tail",
    "/v1/nothing",
]


@pytest.mark.parametrize("path", OPEN)
async def test_probes_and_files_are_for_everybody(gateway: GatewayApp, path: str) -> None:
    async with gateway.client() as http:
        assert (await http.get(path)).status_code in {200, 404}


@pytest.mark.parametrize("path", ASKED)
async def test_without_a_token_everything_else_is_refused(gateway: GatewayApp, path: str) -> None:
    async with gateway.client() as http:
        answer = await http.get(path)

    assert (401, "unauthorized", path) == (answer.status_code, answer.json()["code"], answer.json()["instance"])
    assert "application/problem+json" == answer.headers["content-type"]
    assert 'Bearer realm="tivo"' == answer.headers["www-authenticate"]


async def test_without_a_token_a_topic_that_is_not_there_looks_like_one_that_is(gateway: GatewayApp) -> None:
    async with gateway.client() as http:
        there, not_there = await http.get("/v1/topics/b"), await http.get("/v1/topics/c")

    assert {**there.json(), "instance": ""} == {**not_there.json(), "instance": ""}


@pytest.mark.parametrize(
    ("who", "method", "path", "status"),
    [
        ("ada", "GET", "/v1/topics/a.x", 200),
        ("ada", "GET", "/v1/topics/a.x/records", 200),
        ("ada", "GET", "/v1/topics/a.x/overview", 200),
        ("ada", "HEAD", "/v1/topics/a.x/records", 200),
        ("ada", "GET", "/v1/topics/a.new", 404),
        ("ada", "GET", "/v1/topics/b", 403),
        ("ada", "GET", "/v1/topics/b/records", 403),
        ("ada", "GET", "/v1/topics/b/overview", 403),
        ("ada", "GET", "/v1/topics/b/tail", 403),
        ("ada", "GET", "/v1/topics/c", 403),
        ("ada", "POST", "/v1/topics/a.x/records", 403),
        ("ada", "DELETE", "/v1/topics/a.x?confirm=a.x", 403),
        ("ada", "POST", "/v1/topics", 403),
        ("ada", "GET", "/metrics", 403),
        ("ben", "GET", "/v1/topics/a.x", 403),
        ("ben", "GET", "/v1/topics", 403),
        ("dan", "DELETE", "/v1/topics/a.x?confirm=a.x", 204),
        ("dan", "DELETE", "/v1/topics/b?confirm=b", 403),
        ("dan", "GET", "/metrics", 403),
        ("cleo", "GET", "/metrics", 200),
        ("cleo", "DELETE", "/v1/topics/b?confirm=b", 204),
        ("eve", "GET", "/v1/topics", 403),
        ("eve", "POST", "/v1/tickets", 201),
    ],
)
async def test_each_route_needs_its_scope(gateway: GatewayApp, who: str, method: str, path: str, status: int) -> None:
    async with gateway.client(who) as http:
        assert status == (await http.request(method, path)).status_code


async def test_a_list_shows_what_may_be_read(gateway: GatewayApp) -> None:
    async with gateway.client("ada") as ada, gateway.client("cleo") as cleo:
        mine, every = (await ada.get("/v1/topics")).json(), (await cleo.get("/v1/topics")).json()

    assert (["a.x"], ["a.x", "b"]) == tuple([each["name"] for each in told["topics"]] for told in (mine, every))


async def test_a_topic_is_made_within_the_prefix_only(gateway: GatewayApp) -> None:
    async with gateway.client("dan") as http:
        made = await http.post("/v1/topics", json={"name": "a.new"})
        refused = await http.post("/v1/topics", json={"name": "c"})

    assert (201, 403, "admin:c") == (made.status_code, refused.status_code, refused.json()["scope"])


async def test_who_may_write_writes_and_makes_no_topic_by_it(gateway: GatewayApp) -> None:
    json = {"Content-Type": "application/json"}
    async with gateway.client("ben") as http:
        held = await http.post("/v1/topics/a.x/records", content=BATCH, headers=json)
        new = await http.post("/v1/topics/a.new/records", content=BATCH, headers=json)
        elsewhere = await http.post("/v1/topics/b/records", content=BATCH, headers=json)

    assert (200, 403, 403) == (held.status_code, new.status_code, elsewhere.status_code)
    assert ("admin:a.new", "write:b") == (new.json()["scope"], elsewhere.json()["scope"])
    assert "a.new" not in await gateway.log.topics()


async def test_who_may_make_topics_leaves_it_to_the_log_whether_the_first_record_makes_one(gateway: GatewayApp) -> None:
    async with gateway.client("dan") as http:
        told = await http.post("/v1/topics/a.new/records", json={"records": [{"value": 1}]})

    assert (404, "unknown_topic") == (told.status_code, told.json()["code"])


@pytest.mark.parametrize("authorization", ["Bearer ", "Bearer nobody", "Bearer ada ", "bearer ADA", "Bearer ada,ada"])
async def test_only_the_token_itself_will_do(gateway: GatewayApp, authorization: str) -> None:
    async with gateway.client() as http:
        answer = await http.get("/v1/topics", headers={"Authorization": authorization})

    assert (200 if authorization == "Bearer ada " else 401) == answer.status_code


async def test_a_token_in_the_address_is_none(gateway: GatewayApp) -> None:
    async with gateway.client() as http:
        answers = [await http.get(f"/v1/topics?{name}=ada") for name in ("token", "access_token", "ticket")]

    assert [401, 401, 401] == [answer.status_code for answer in answers]


def with_cookie(origin: str | None, token: str = "ada") -> dict[str, str]:
    sent = {"Cookie": cookie("localhost", token, secure=False).partition(";")[0]}
    return sent if origin is None else {**sent, "Origin": origin}


@pytest.mark.parametrize(
    ("method", "path", "origin", "status"),
    [
        ("GET", "/v1/topics", None, 200),
        ("GET", "/v1/topics", "http://localhost", 200),
        ("GET", "/v1/topics", "http://localhost:5173", 403),
        ("GET", "/v1/topics", "http://127.0.0.1", 403),
        ("POST", "/v1/tickets", "http://localhost", 201),
        ("POST", "/v1/tickets", None, 403),
        ("POST", "/v1/tickets", "http://localhost:5173", 403),
        ("DELETE", "/v1/login", "http://localhost:5173", 403),
    ],
)
async def test_the_cookie_serves_the_gateways_own_page_alone(
    gateway: GatewayApp, method: str, path: str, origin: str | None, status: int
) -> None:
    async with gateway.client() as http:
        answer = await http.request(method, path, headers=with_cookie(origin))

    assert status == answer.status_code
    assert status != 403 or "forbidden_origin" == answer.json()["code"]


async def test_a_page_elsewhere_on_this_machine_may_come_with_a_token_of_its_own(gateway: GatewayApp) -> None:
    async with gateway.client("ada") as http:
        answer = await http.get("/v1/topics", headers={"Origin": "http://localhost:5173"})
        refused = await http.get("/v1/topics/b", headers={"Origin": "http://localhost:5173"})

    assert (200, 403) == (answer.status_code, refused.status_code)
    assert "http://localhost:5173" == refused.headers["access-control-allow-origin"]


async def test_a_wrong_token_waits_and_a_right_one_does_not(gateway: GatewayApp) -> None:
    async with gateway.client("ada") as ada, gateway.client("guess") as guess:
        await ada.get("/v1/topics")
        assert [] == gateway.waited_s
        answers = [(await guess.get("/v1/topics")).status_code for _ in range(10)]

    assert (401, 429, 0.1) == (answers[0], answers[-1], gateway.waited_s[0])
    assert sorted(gateway.waited_s) == gateway.waited_s


async def test_where_nobody_is_asked_a_token_is_neither_needed_nor_looked_at() -> None:
    async with GatewayApp().client("guess") as http:
        assert 200 == (await http.get("/v1/topics")).status_code


@pytest.mark.parametrize(("asks", "may"), [(True, False), (False, True)])
async def test_a_route_that_asks_nobody_lends_nobody_a_right_where_others_are_asked(asks: bool, may: bool) -> None:
    seen: list[bool] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(stay_of(scope).may("read", "t"))

    gateway = GatewayApp(users=users(ada=("read",)) if asks else None)
    gate = Gate(app, admission=gateway.admission)
    stream = Stream("/livez", "", {})

    await gate(stream.scope, stream.receive, stream.send)

    assert [may] == seen
