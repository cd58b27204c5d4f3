import asyncio
from typing import Any

import pytest

from tests.support.gateway_app import GatewayApp, json_lines
from tivo.client.producer import NewRecord
from tivo.gateway.api.read import MAX_SCANNED, PAGE
from tivo.model.errors import StoreError
from tivo.model.timeline import Window
from tivo.store.base import MAX_READ_BYTES, Found
from tivo.store.memory import MemoryStore

URL = "/v1/topics/t/records"
NDJSON = {"Accept": "application/x-ndjson"}


@pytest.fixture
async def gateway() -> GatewayApp:
    """Ten stored records `0` … `9`, a millisecond apart from 1970 on, in topic `t`."""
    made = GatewayApp()
    made.log.make("t")
    made.log.fill("t", 10)
    await made.log.store_all("t", made.store)
    return made


async def get(gateway: GatewayApp, query: str = "", **headers: str) -> tuple[int, Any]:
    async with gateway.client() as http:
        answer = await http.get(URL + query, headers=headers)
    return answer.status_code, answer.json()


def values(told: Any) -> list[int]:
    return [event["value"] for event in told["events"]]


async def test_a_window_holds_its_start_and_not_its_end(gateway: GatewayApp) -> None:
    status, told = await get(gateway, "?start=1970-01-01T00:00:00.002Z&end=1970-01-01T00:00:00.005Z")

    assert (200, [2, 3, 4], None) == (status, values(told), told["next"])


async def test_an_empty_window_holds_nothing(gateway: GatewayApp) -> None:
    assert [] == values((await get(gateway, "?start=5&end=5"))[1])


async def test_pages_follow_each_other_without_hole_or_repeat(gateway: GatewayApp) -> None:
    seen: list[int] = []
    async with gateway.client() as http:
        address: str | None = f"{URL}?limit=3"
        while address:
            answer = await http.get(address)
            seen += values(answer.json())
            assert answer.json()["next"] is None or f'<{answer.json()["next"]}>; rel="next"' == answer.headers["link"]
            address = answer.json()["next"]

    assert list(range(10)) == seen


async def test_a_passage_shows_one_state_whatever_is_stored_meanwhile(gateway: GatewayApp) -> None:
    _, first = await get(gateway, "?limit=5")
    gateway.log.append("t", NewRecord(value=b"99", time_us=9_500))
    await gateway.log.store_all("t", gateway.store)

    async with gateway.client() as http:
        rest = (await http.get(first["next"])).json()

    assert [5, 6, 7, 8, 9] == values(rest)


async def test_only_the_events_of_a_key_are_read(gateway: GatewayApp) -> None:
    for number in range(20):
        gateway.log.append("t", NewRecord(key=b"k%d" % (number % 2), value=b"%d" % (100 + number), time_us=number))
    await gateway.log.store_all("t", gateway.store)

    _, first = await get(gateway, "?key=k1&limit=4")
    async with gateway.client() as http:
        second = (await http.get(first["next"])).json()

    assert [101, 103, 105, 107] == values(first)
    assert [109, 111, 113, 115] == values(second)


async def test_only_the_events_of_keys_that_match_are_read(gateway: GatewayApp) -> None:
    for key in (b"sensor-1", b"gauge-1", b"sensor-2", b"gauge-2"):
        gateway.log.append("t", NewRecord(key=key, value=b'"%b"' % key, time_us=0))
    await gateway.log.store_all("t", gateway.store)

    assert ["sensor-1", "sensor-2"] == values((await get(gateway, "?key=sensor-*"))[1])
    assert ["sensor-1", "gauge-1", "gauge-2"] == values((await get(gateway, "?key=sensor-1&key=gauge-*"))[1])


async def with_numbers() -> GatewayApp:
    """Thirty stored records with `n` from 0 to 29, of keys `a` and `b` in turn."""
    gateway = GatewayApp()
    gateway.log.make("t")
    for number in range(30):
        gateway.log.append(
            "t", NewRecord(key=b"ab"[number % 2 : number % 2 + 1], value=b'{"n":%d}' % number, time_us=number)
        )
    await gateway.log.store_all("t", gateway.store)
    return gateway


@pytest.mark.parametrize("by", ["start=0", "offset=0"])
@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ("where=value.n>=10+and+value.n<14", [10, 11, 12, 13]),
        ("where=value.n>=10+and+value.n<16&key=a", [10, 12, 14]),
        ("where=value.n+%25+10+=+9", [9, 19, 29]),
        ("where=false", []),
        ("where=value.gone+is+absent&key=b&key=c*", list(range(1, 30, 2))),
    ],
)
async def test_only_the_events_of_which_an_expression_holds_are_read(by: str, wanted: str, numbers: list[int]) -> None:
    gateway = await with_numbers()

    seen: list[int] = []
    async with gateway.client() as http:
        address: str | None = f"{URL}?{by}&{wanted}&limit=2"
        while address:
            told = (await http.get(address)).json()
            assert len(told["events"]) <= 2
            seen += [value["n"] for value in values(told)]
            address = told["next"]
        streamed = await http.get(f"{URL}?{by}&{wanted}", headers=NDJSON)

    assert numbers == seen
    assert numbers == [event["value"]["n"] for event in json_lines(streamed.content)]


async def test_a_limit_counts_what_is_wanted() -> None:
    gateway = await with_numbers()

    for by in ("", "offset=0&"):
        async with gateway.client() as http:
            streamed = await http.get(f"{URL}?{by}key=b&limit=3", headers=NDJSON)

        assert [1, 3, 5] == [event["value"]["n"] for event in json_lines(streamed.content)]


async def test_an_expression_that_says_nothing_is_refused_with_its_place(gateway: GatewayApp) -> None:
    for by in ("", "offset=0&"):
        status, told = await get(gateway, f"?{by}where=value.n%20%3E%20null")

        assert (422, "bad_query", 1, 11) == (status, told["code"], told["line"], told["column"])
        assert "nothing equals null" in told["detail"]


async def test_what_could_have_stood_there_is_told(gateway: GatewayApp) -> None:
    _, told = await get(gateway, "?where=value.n%20is")

    assert ["`not`", "`null`", "`absent`"] == told["expected"]


async def test_a_page_of_a_rare_key_goes_out_before_everything_was_looked_through() -> None:
    gateway = GatewayApp()
    gateway.log.make("t")
    gateway.log.fill("t", MAX_SCANNED + 5)
    gateway.log.append("t", NewRecord(key=b"rare", value=b"1", time_us=10**12))
    await gateway.log.store_all("t", gateway.store)

    for query in ("?key=rare", "?where=key%20=%20'rare'", "?offset=0&key=rare"):
        _, first = await get(gateway, query)
        async with gateway.client() as http:
            second = (await http.get(first["next"])).json()

        assert ([], [1]) == (values(first), values(second))


async def test_offsets_are_read_in_their_own_order() -> None:
    gateway = GatewayApp()
    gateway.log.make("t")
    for number in range(6):
        gateway.log.append("t", NewRecord(value=b"%d" % number, time_us=1_000_000 - number * 1_000))
    await gateway.log.store_all("t", gateway.store)

    _, first = await get(gateway, "?partition=0&offset=1&limit=3")
    async with gateway.client() as http:
        rest = (await http.get(first["next"])).json()

    assert ([1, 2, 3], 4) == (values(first), first["next_offset"])
    assert ([4, 5], 6, None) == (values(rest), rest["next_offset"], rest["next"])


async def test_the_offset_behind_the_last_is_an_empty_page(gateway: GatewayApp) -> None:
    status, told = await get(gateway, "?offset=10")

    assert (200, [], 10) == (status, values(told), told["next_offset"])


async def test_an_offset_out_of_range_tells_which_there_are(gateway: GatewayApp) -> None:
    status, told = await get(gateway, "?offset=11")

    assert (416, "offset_out_of_range", 0, 10) == (status, told["code"], told["earliest"], told["latest"])


async def test_what_the_log_no_longer_has_is_still_read_from_the_store(gateway: GatewayApp) -> None:
    gateway.log.trim("t", 0, 8)

    assert [2, 3] == values((await get(gateway, "?offset=2&limit=2"))[1])


async def test_what_neither_log_nor_store_have_is_out_of_range() -> None:
    gateway = GatewayApp()
    gateway.log.make("t")
    gateway.log.fill("t", 10)
    gateway.log.trim("t", 0, 8)

    assert 416 == (await get(gateway, "?offset=2"))[0]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("?start=never", "bad_time"),
        ("?start=6&end=5", "bad_window"),
        ("?limit=0", "bad_request"),
        ("?limit=10001", "bad_request"),
        ("?partition=7&offset=0", "bad_request"),
        ("?offset=-1", "bad_request"),
        ("?cursor=nonsense", "bad_cursor"),
        ("?cursor=%00", "bad_cursor"),
        ("?cursor=", "bad_cursor"),
        ("?cursor=é", "bad_cursor"),
    ],
)
async def test_a_wrong_parameter_is_named(gateway: GatewayApp, query: str, code: str) -> None:
    status, told = await get(gateway, query)

    assert (400, code) == (status, told["code"])


async def test_a_cursor_of_a_topic_made_anew_is_refused(gateway: GatewayApp) -> None:
    _, first = await get(gateway, "?limit=5")
    await gateway.log.delete_topic("t")
    gateway.log.make("t")
    gateway.clock.forward(2_000_000)

    async with gateway.client() as http:
        answer = await http.get(first["next"])

    assert (409, "topic_made_anew") == (answer.status_code, answer.json()["code"])


async def test_the_store_is_complete_to_now_when_it_holds_all_of_the_log(gateway: GatewayApp) -> None:
    assert gateway.clock.wall_us == (await get(gateway))[1]["complete_to_us"]


async def test_a_store_that_is_behind_is_complete_to_the_last_it_wrote(gateway: GatewayApp) -> None:
    gateway.log.fill("t", 1, start_us=50_000)

    assert 9_000 == (await get(gateway))[1]["complete_to_us"]


async def test_with_the_log_away_nobody_knows_what_the_store_lacks(gateway: GatewayApp) -> None:
    await get(gateway)
    gateway.log.away = True
    gateway.clock.forward(60_000_000)

    status, told = await get(gateway)

    assert (200, None, 10) == (status, told["complete_to_us"], len(values(told)))


async def test_an_export_is_a_line_per_event(gateway: GatewayApp) -> None:
    async with gateway.client() as http:
        answer = await http.get(f"{URL}?start=0&limit=4", headers=NDJSON)

    assert "application/x-ndjson" == answer.headers["content-type"]
    assert [0, 1, 2, 3] == [event["value"] for event in json_lines(answer.content)]


async def test_an_export_by_offset_goes_to_the_frontier() -> None:
    gateway = GatewayApp()
    gateway.log.make("t")
    gateway.log.fill("t", 2 * PAGE + 5)
    await gateway.log.store_all("t", gateway.store)

    async with gateway.client() as http:
        answer = await http.get(f"{URL}?offset=5", headers=NDJSON)

    assert list(range(5, 2 * PAGE + 5)) == [event["value"] for event in json_lines(answer.content)]


async def test_a_value_with_line_breaks_stays_on_its_line(gateway: GatewayApp) -> None:
    gateway.log.append("t", NewRecord(value=b'{\r\n"a": "x"\n}', time_us=0))
    gateway.log.append("t", NewRecord(value=b"two\nlines", time_us=0))
    gateway.log.append("t", NewRecord(value=b"\xff", time_us=0))
    await gateway.log.store_all("t", gateway.store)

    async with gateway.client() as http:
        answer = await http.get(f"{URL}?offset=10", headers=NDJSON)

    assert [{"a": "x"}, "two\nlines", {"base64": "/w=="}] == [each["value"] for each in json_lines(answer.content)]


class Endless(MemoryStore):
    """A store whose every page is followed by another; counts the pages it was asked for."""

    pages = 0

    async def read(self, topic_id: bytes, window: Window, *, limit: int, **bounds: Any) -> Found:  # type: ignore[override]
        self.pages += 1
        found = await super().read(topic_id, Window(), limit=limit)
        return Found(found.events, False)


async def endless() -> tuple[GatewayApp, Endless]:
    store = Endless()
    gateway = GatewayApp(store=store)
    gateway.log.make("t")
    gateway.log.fill("t", PAGE)
    await gateway.log.store_all("t", store)
    return gateway, store


async def test_an_export_reads_no_faster_than_the_client_takes_it() -> None:
    gateway, store = await endless()

    async with gateway.stream(URL, headers=NDJSON) as stream:
        for _ in range(100):
            await stream.piece()
        stream.hold()
        await stream.piece()
        asked = store.pages
        for _ in range(100):
            await asyncio.sleep(0)

        assert store.pages <= asked + 1


async def test_an_export_stops_when_the_client_goes_away() -> None:
    gateway, store = await endless()

    async with gateway.stream(URL, headers=NDJSON) as stream:
        await stream.piece()
        stream.leave()
    asked = store.pages
    for _ in range(20):
        await asyncio.sleep(0)

    assert asked == store.pages


class Broken(MemoryStore):
    """A store that fails from a page on."""

    left = 0

    async def read(self, topic_id: bytes, window: Window, **bounds: Any) -> Found:  # type: ignore[override]
        if not self.left:
            raise StoreError("the disk is gone")
        self.left -= 1
        return await super().read(topic_id, window, **bounds)


@pytest.mark.parametrize("headers", [{}, NDJSON])
async def test_a_store_that_is_away_is_told_as_retryable(headers: dict[str, str]) -> None:
    gateway = GatewayApp(store=Broken())
    gateway.log.make("t")

    status, told = await get(gateway, **headers)

    assert (503, "store_unavailable", True) == (status, told["code"], told["retryable"])


async def test_an_export_that_breaks_off_does_not_look_complete() -> None:
    store = Broken()
    gateway = GatewayApp(store=store)
    gateway.log.make("t")
    gateway.log.fill("t", 2 * PAGE)
    await gateway.log.store_all("t", store)
    store.left = 1

    with pytest.raises(ExceptionGroup) as raised:
        async with gateway.stream(URL, headers=NDJSON) as stream:
            assert 200 == await stream.status()
            await asyncio.Event().wait()

    assert raised.group_contains(StoreError)
    assert not stream.ended


@pytest.mark.parametrize("query", ["?limit=100", "?offset=0&limit=100"])
async def test_a_page_ends_at_the_bytes_of_a_read_and_the_next_goes_on(query: str) -> None:
    gateway = GatewayApp()
    gateway.log.make("t")
    for number in range(12):
        gateway.log.append("t", NewRecord(value=b'"%d%b"' % (number, b" " * 900_000), time_us=1_000 * (number % 5)))
    await gateway.log.store_all("t", gateway.store)

    seen: list[int] = []
    sizes: list[int] = []
    async with gateway.client() as http:
        address: str | None = URL + query
        while address:
            answer = await http.get(address)
            seen += [event["offset"] for event in answer.json()["events"]]
            sizes.append(len(answer.content))
            address = answer.json()["next"]

    assert list(range(12)) == sorted(seen)
    assert 2 * MAX_READ_BYTES > max(sizes)
