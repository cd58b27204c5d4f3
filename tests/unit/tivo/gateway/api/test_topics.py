from typing import Any

import pytest

from tests.support.gateway_app import GatewayApp
from tests.support.tokens import users
from tivo.client.producer import NewRecord
from tivo.model.errors import StoreError
from tivo.store.memory import MemoryStore


@pytest.fixture
async def gateway() -> GatewayApp:
    """Topic `a.b` with 3 stored events and one only in the log, an empty topic `c`, and an internal one."""
    made = GatewayApp()
    made.log.make("a.b")
    made.log.make("c", partitions=2)
    made.log.make("__consumer_offsets")
    made.log.fill("a.b", 3)
    await made.log.store_all("a.b", made.store)
    made.log.fill("a.b", 1)
    return made


async def ask(gateway: GatewayApp, method: str, path: str, **given: Any) -> tuple[int, Any]:
    async with gateway.client() as http:
        answer = await http.request(method, f"/v1/topics{path}", **given)
    return answer.status_code, answer.json() if answer.content else None


async def test_a_topic_tells_what_store_and_log_hold_together(gateway: GatewayApp) -> None:
    _, told = await ask(gateway, "GET", "/a.b")

    assert (4, 1, 3) == (told["events"], told["pending"], told["value_bytes"])
    assert (0, 2_000) == (told["first_us"], told["last_us"])


async def test_the_rate_is_that_of_the_last_minute(gateway: GatewayApp) -> None:
    for _ in range(30):
        gateway.log.append("c", NewRecord(value=b"1", time_us=gateway.clock.wall_us - 5))
    await gateway.log.store_all("c", gateway.store)

    assert 0.5 == (await ask(gateway, "GET", "/c"))[1]["rate"]


async def test_the_list_holds_what_people_may_see(gateway: GatewayApp) -> None:
    _, told = await ask(gateway, "GET", "")

    assert ["a.b", "c"] == [each["name"] for each in told["topics"]]
    assert (0, None) == (told["topics"][1]["events"], told["topics"][1]["first_us"])


async def test_the_list_may_be_cut_down_by_a_glob(gateway: GatewayApp) -> None:
    assert ["a.b"] == [each["name"] for each in (await ask(gateway, "GET", "?match=a.*"))[1]["topics"]]


async def test_a_topic_is_made(gateway: GatewayApp) -> None:
    status, told = await ask(gateway, "POST", "", json={"name": "new", "partitions": 3})

    assert (201, "new", 3) == (status, told["name"], told["partitions"])
    assert (0, 1, 2) == (await gateway.log.topics())["new"].partitions


async def test_a_topic_that_stands_is_not_made_again(gateway: GatewayApp) -> None:
    assert (409, "topic_exists") == code(await ask(gateway, "POST", "", json={"name": "c"}))


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a b", "ü", "x" * 250, "__offsets", "a\x00"])
async def test_a_name_that_kafka_would_not_take_is_refused(gateway: GatewayApp, name: str) -> None:
    assert (422, "bad_topic") == code(await ask(gateway, "POST", "", json={"name": name}))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"name":"x","partitions":0}',
        b'{"name":"x","partition":1}',
        b'{"name":"x","partitions":1001}',
    ],
)
async def test_a_wrong_body_names_the_field(gateway: GatewayApp, body: bytes) -> None:
    status, told = await ask(gateway, "POST", "", content=body, headers={"Content-Type": "application/json"})

    assert (400, "bad_request") == (status, told["code"])
    assert told["errors"]


async def test_a_body_must_be_short_and_say_so(gateway: GatewayApp) -> None:
    async def pieces():  # type: ignore[no-untyped-def]
        yield b"{}"

    long = await ask(gateway, "POST", "", content=bytes(2**17), headers={"Content-Type": "application/json"})
    unsaid = await ask(gateway, "POST", "", content=pieces())

    assert (413, "too_large") == code(long)
    assert (411, "length_required") == code(unsaid)


async def test_deleting_wants_the_name_once_more(gateway: GatewayApp) -> None:
    assert (400, "not_confirmed") == code(await ask(gateway, "DELETE", "/c"))
    assert (400, "not_confirmed") == code(await ask(gateway, "DELETE", "/c?confirm=a.b"))
    assert (204, None) == await ask(gateway, "DELETE", "/c?confirm=c")
    assert (404, "unknown_topic") == code(await ask(gateway, "GET", "/c"))


async def test_an_internal_topic_is_nobodys_business(gateway: GatewayApp) -> None:
    assert (404, "unknown_topic") == code(await ask(gateway, "GET", "/__consumer_offsets"))
    assert 404 == (await ask(gateway, "DELETE", "/__consumer_offsets?confirm=__consumer_offsets"))[0]


async def test_a_topic_made_elsewhere_is_found_at_once(gateway: GatewayApp) -> None:
    await ask(gateway, "GET", "")
    gateway.log.make("later")

    assert 200 == (await ask(gateway, "GET", "/later"))[0]


async def test_a_broker_that_is_away_is_told_as_retryable(gateway: GatewayApp) -> None:
    gateway.log.away = True

    assert (503, "log_unavailable") == code(await ask(gateway, "GET", ""))


async def test_a_neighbour_that_goes_away_meanwhile_is_told_as_retryable(gateway: GatewayApp) -> None:
    await ask(gateway, "GET", "")
    gateway.log.away = True
    log_away = await ask(gateway, "GET", "/a.b")
    gateway.log.away = False
    broken = GatewayApp(store=Broken())
    broken.log.make("t")
    broken.log.fill("t", 1)

    assert (503, "log_unavailable") == code(log_away)
    assert (503, "store_unavailable") == code(await ask(broken, "GET", ""))


class Broken(MemoryStore):
    async def frontier(self, topic_id: bytes) -> dict[int, int]:
        raise StoreError("the file is damaged")


def code(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1]["code"]


async def test_the_topic_most_alike_is_asked_about() -> None:
    gateway = GatewayApp()
    gateway.log.make("quakes")

    _, told = await ask(gateway, "GET", "/quake")

    assert "there is no topic named 'quake'; did you mean 'quakes'?" == told["detail"]


async def test_a_topic_that_may_not_be_read_is_not_asked_about() -> None:
    gateway = GatewayApp(users=users(ada=("read:own.",)))
    gateway.log.make("own-quakes")

    status, told = await ask(gateway, "GET", "/own.quakes", headers={"Authorization": "Bearer ada"})

    assert (404, "there is no topic named 'own.quakes'") == (status, told["detail"])
