"""`GET /v1/topics/{topic}/image`."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.gateway_app import GatewayApp, json_lines
from tests.unit.tivo.store.sqlite_stores import become_third_schema, store_at
from tivo.model.event import Event, Page, ValueKind
from tivo.store.base import ImageHead

ALL = "/v1/topics/t/image"


def event(offset: int, time_us: int, key: bytes | None, value: bytes | None = b"1") -> Event:
    kind = ValueKind.NULL if value is None else ValueKind.JSON
    return Event(time_us, "t", 0, offset, key, value, (), 0, kind)


EVENTS = (
    event(0, 1_000, b"b", b'{"n": 1}'),
    event(1, 2_000, None),
    event(2, 3_000, b"a", None),
    event(3, 4_000, b"b", b'{"n": 2}'),
    event(4, 5_000, b"c"),
)


async def filled(*events: Event) -> GatewayApp:
    """A gateway over a topic whose events are all stored."""
    made = GatewayApp()
    made.log.make("t")
    topic = (await made.catalogue.topics())["t"]
    await made.store.write(
        Page(topic="t", topic_id=topic.topic_id, partition=0, base=0, next=len(events), events=events)
    )
    return made


@pytest.fixture
async def gateway() -> GatewayApp:
    return await filled(*EVENTS)


async def get(gateway: GatewayApp, path: str) -> tuple[int, Any]:
    async with gateway.client() as http:
        answer = await http.get(path)
    return answer.status_code, answer.json()


def offsets(told: Any) -> list[int]:
    return [each["offset"] for each in told["events"]]


async def test_it_is_the_last_event_of_every_key_before_now(gateway: GatewayApp) -> None:
    status, told = await get(gateway, ALL)

    assert (200, [1, 2, 3, 4], None) == (status, offsets(told), told["next"])
    assert gateway.clock.wall_us == told["at_us"]
    assert {"n": 2} == told["events"][2]["value"]


async def test_a_deleted_key_is_there_with_null_and_one_that_never_was_is_absent(gateway: GatewayApp) -> None:
    _, told = await get(gateway, ALL + "?at=1970-01-01T00:00:00.004Z")

    assert [(None, 1), ("a", None), ("b", {"n": 1})] == [(each["key"], each["value"]) for each in told["events"]]
    assert 4_000 == told["at_us"]


@pytest.mark.parametrize(("at", "found"), [("beginning", []), ("end", [1, 2, 3, 4]), ("1970-01-01", [])])
async def test_ends_of_what_there_is(gateway: GatewayApp, at: str, found: list[int]) -> None:
    assert found == offsets((await get(gateway, f"{ALL}?at={at}"))[1])


async def test_it_tells_up_to_when_the_store_is_complete(gateway: GatewayApp) -> None:
    gateway.log.fill("t", 6)

    assert 5_000 == (await get(gateway, ALL))[1]["complete_to_us"]


async def test_pages_follow_each_other_and_are_one_state(gateway: GatewayApp) -> None:
    found: list[int] = []
    path = f"{ALL}?limit=1"
    while path:
        async with gateway.client() as http:
            answer = await http.get(path)
        told = answer.json()
        found += offsets(told)
        path = told["next"]
        assert ("Link" in answer.headers) == (path is not None)
        topic = (await gateway.catalogue.topics())["t"]
        frontier = (await gateway.store.frontier(topic.topic_id))[0]
        await gateway.store.write(
            Page(
                topic="t",
                topic_id=topic.topic_id,
                partition=0,
                base=frontier,
                next=frontier + 1,
                events=(event(frontier, 4_500, b"b"),),
            )
        )

    assert [1, 2, 3, 4] == found


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ("key=b", [3]),
        ("key=x", []),
        ("key=[ac]", [2, 4]),
        ("key=b&key=c", [3, 4]),
        ("key=*", [1, 2, 3, 4]),
    ],
)
async def test_some_keys(gateway: GatewayApp, keys: str, found: list[int]) -> None:
    assert found == offsets((await get(gateway, f"{ALL}?{keys}"))[1])


async def test_pages_of_some_keys_leave_none_out(gateway: GatewayApp) -> None:
    found: list[int] = []
    path = f"{ALL}?key=[abc]&limit=1"
    while path:
        _, told = await get(gateway, path)
        found += offsets(told)
        path = told["next"]

    assert [2, 3, 4] == found


async def test_a_stream_has_all_of_it(gateway: GatewayApp) -> None:
    async with gateway.client() as http:
        accept = {"Accept": "application/x-ndjson"}
        whole = await http.get(ALL, headers=accept)
        part = await http.get(f"{ALL}?limit=2&key=*", headers=accept)

    assert [1, 2, 3, 4] == [each["offset"] for each in json_lines(whole.content)]
    assert [1, 2] == [each["offset"] for each in json_lines(part.content)]


async def test_an_image_is_what_is_read_where_there_is_one(gateway: GatewayApp) -> None:
    topic = (await gateway.catalogue.topics())["t"]

    async def imaged() -> AsyncIterator[Sequence[Event]]:
        yield [event(0, 1_000, b"b", b'"of the image"')]

    await gateway.store.move_images(topic.topic_id, 0, 5, version=0)
    assert isinstance(await gateway.store.put_image(topic.topic_id, 0, 2_000, imaged(), version=1), ImageHead)

    assert "of the image" == (await get(gateway, ALL + "?at=1970-01-01T00:00:00.003Z&key=b"))[1]["events"][0]["value"]


async def test_an_empty_topic_has_no_state() -> None:
    gateway = GatewayApp()
    gateway.log.make("t")

    assert [] == (await get(gateway, ALL))[1]["events"]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("?at=yesterday", 400, "bad_time"),
        ("?at=NaN", 400, "bad_time"),
        ("?at=1e308", 400, "bad_time"),
        ("?key=", 400, "bad_request"),
        ("?limit=0", 400, "bad_request"),
        ("?limit=10001", 400, "bad_request"),
        ("?cursor=nonsense", 400, "bad_cursor"),
        ("?when=now", 400, "bad_request"),
    ],
)
async def test_what_is_wrong_is_told(gateway: GatewayApp, query: str, status: int, code: str) -> None:
    answered, told = await get(gateway, ALL + query)

    assert (status, code) == (answered, told["code"])


async def test_a_topic_that_is_not_there() -> None:
    assert 404 == (await get(GatewayApp(), "/v1/topics/none/image"))[0]


async def test_a_cursor_is_of_one_topic(gateway: GatewayApp) -> None:
    cursor = (await get(gateway, f"{ALL}?limit=1"))[1]["next"].split("?")[1]
    gateway.log.make("other")

    assert 409 == (await get(gateway, f"/v1/topics/other/image?{cursor}"))[0]


async def test_more_keys_than_one_part_holds() -> None:
    gateway = await filled(*(event(at, at, b"%05d" % at) for at in range(5_000)))

    assert [*range(4_990, 5_000)] == offsets((await get(gateway, f"{ALL}?at=end&key=0499*"))[1])
    assert 5_000 == len((await get(gateway, f"{ALL}?at=end&limit=10000"))[1]["events"])


async def test_a_store_of_an_older_tivo_answers_as_well(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    gateway = GatewayApp(store=store_at(path, read_only=True))
    gateway.log.make("t")
    topic = (await gateway.catalogue.topics())["t"]
    async with store_at(path) as writing:
        await writing.write(
            Page(topic="t", topic_id=topic.topic_id, partition=0, base=0, next=len(EVENTS), events=EVENTS)
        )
    become_third_schema(path)

    async with gateway.store:
        assert [1, 2, 3, 4] == offsets((await get(gateway, ALL))[1])
