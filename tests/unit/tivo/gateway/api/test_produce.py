from collections.abc import AsyncIterator, Sequence
from typing import Any

import orjson
import pytest

from tests.support.gateway_app import GatewayApp, json_lines
from tests.support.tokens import users
from tivo.client.producer import NewRecord, Produced
from tivo.gateway.api.produce import MAX_BODY, MAX_LINE, MAX_SENT
from tivo.model.errors import BrokerError

JSON = {"Content-Type": "application/json"}
NDJSON = {"Content-Type": "application/x-ndjson"}
RAW = {"Content-Type": "application/octet-stream"}
URL = "/v1/topics/t/records"


@pytest.fixture
def gateway() -> GatewayApp:
    made = GatewayApp()
    made.log.make("t", partitions=2)
    return made


def values(gateway: GatewayApp, partition: int = 0) -> list[bytes | None]:
    return [event.value for event in gateway.log.log("t", partition)]


async def post(gateway: GatewayApp, body: Any, headers: dict[str, str] = JSON, query: str = "") -> tuple[int, Any]:
    content = body if isinstance(body, bytes) or hasattr(body, "__aiter__") else orjson.dumps(body)
    async with gateway.client() as http:
        answer = await http.post(URL + query, content=content, headers=headers)
    if answer.headers["content-type"] == "application/x-ndjson":
        return answer.status_code, json_lines(answer.content)
    return answer.status_code, answer.json()


async def test_a_batch_is_held_and_each_record_told_its_place(gateway: GatewayApp) -> None:
    status, told = await post(gateway, {"records": [{"value": 1}, {"value": {"a": 2}, "partition": 1}]})

    assert 200 == status
    assert [(0, 0), (1, 0)] == [(each["partition"], each["offset"]) for each in told["offsets"]]
    assert [b"1"] == values(gateway)
    assert [b'{"a":2}'] == values(gateway, 1)


async def test_every_record_is_stamped_with_the_time_it_came(gateway: GatewayApp) -> None:
    await post(gateway, {"temp": 3})

    (event,) = gateway.log.log("t", 0)
    assert gateway.clock.wall_us == event.received_us
    assert (("tivo-received-us", b"%d" % gateway.clock.wall_us),) == event.headers


async def test_a_bare_object_is_one_value(gateway: GatewayApp) -> None:
    assert 200 == (await post(gateway, {"temp": 3}))[0]
    assert [b'{"temp":3}'] == values(gateway)


async def test_a_wrong_record_does_not_stop_the_others(gateway: GatewayApp) -> None:
    status, told = await post(
        gateway, {"records": [{"value": 1}, {"valeu": 2}, {"value": 3, "partition": 9}, {"value": 4}]}
    )

    first, misspelt, misplaced, last = told["offsets"]
    assert 207 == status
    assert [0, 1] == [first["offset"], last["offset"]]
    assert ["bad_record", "bad_record"] == [misspelt["error_code"], misplaced["error_code"]]
    assert "valeu" in misspelt["error"]
    assert [b"1", b"4"] == values(gateway)


async def test_where_no_record_is_taken_the_answer_is_a_problem_with_an_error_for_each(gateway: GatewayApp) -> None:
    status, told = await post(gateway, {"records": [{"value": 1, "time": "soon"}, 7]})

    assert (422, "bad_record", False) == (status, told["code"], told["retryable"])
    assert [0, 1] == [each["index"] for each in told["errors"]]


async def test_no_records_are_no_failure(gateway: GatewayApp) -> None:
    assert (200, {"offsets": []}) == await post(gateway, {"records": []})


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"NaN", b'{"records": {}}', b"\xff\xfe", b"[" * 100_000])
async def test_what_is_no_json_object_is_malformed(gateway: GatewayApp, body: bytes) -> None:
    status, told = await post(gateway, body)

    assert (400, "bad_json") == (status, told["code"])


async def test_with_acks_0_nobody_tells(gateway: GatewayApp) -> None:
    assert (202, {"accepted": 1}) == await post(gateway, {"a": 1}, query="?acks=0")


async def test_acks_must_be_one_of_kafkas(gateway: GatewayApp) -> None:
    status, told = await post(gateway, {"a": 1}, query="?acks=2")

    assert (400, "acks") == (status, told["errors"][0]["field"])


async def test_a_raw_value_is_taken_as_it_is(gateway: GatewayApp) -> None:
    status, _ = await post(gateway, b"\xff\x00", RAW, "?key=k&partition=1&time=1452868344")

    (event,) = gateway.log.log("t", 1)
    assert 200 == status
    assert (b"k", b"\xff\x00", 1_452_868_344_000_000) == (event.key, event.value, event.time_us)


async def test_a_form_is_no_record_and_curl_is_told_why(gateway: GatewayApp) -> None:
    status, told = await post(gateway, b"a=1", {"Content-Type": "application/x-www-form-urlencoded"})

    assert (415, "unsupported_media_type") == (status, told["code"])
    assert "add -H 'Content-Type: application/json'" in told["detail"]
    assert {"application/json", "application/x-ndjson", "application/octet-stream"} <= set(told["accepted"])
    assert all(each in told["detail"] for each in told["accepted"])


async def test_a_topic_that_is_not_there_is_unknown(gateway: GatewayApp) -> None:
    async with gateway.client() as http:
        answer = await http.post("/v1/topics/none/records", json={"a": 1})

    assert 404 == answer.status_code


@pytest.mark.parametrize("topic", ["__consumer_offsets", "a%20b", "%2E%2E"])
async def test_what_cannot_be_a_topic_of_people_is_told_with_the_rule(gateway: GatewayApp, topic: str) -> None:
    gateway.log.make("__consumer_offsets")
    async with gateway.client() as http:
        answer = await http.post(f"/v1/topics/{topic}/records", json={"a": 1})

    assert (422, "bad_topic") == (answer.status_code, answer.json()["code"])
    assert "1 to 249 letters, digits" in answer.json()["detail"]


async def test_a_body_beyond_the_bound_is_refused_before_it_is_read(gateway: GatewayApp) -> None:
    asked = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal asked
        while True:
            asked += 1
            yield bytes(2**20)

    declared, told = await post(gateway, b"", {**JSON, "Content-Length": str(MAX_BODY + 1)})
    streamed, _ = await post(gateway, endless())

    assert (413, 413, "too_large") == (declared, streamed, told["code"])
    assert MAX_BODY // 2**20 + 1 >= asked


class Choosy:
    """A producer whose broker holds the first record of each call and fails at the others."""

    async def send(self, topic: str, records: Sequence[NewRecord], *, acks: int = -1) -> list[Produced | BrokerError]:
        return [Produced(0, 0, 0), *(BrokerError("not enough replicas") for _ in records[1:])]


async def test_a_log_that_is_away_is_told_as_retryable(gateway: GatewayApp) -> None:
    gateway.log.away = True

    status, told = await post(gateway, {"a": 1})

    assert (503, "log_unavailable", True) == (status, told["code"], told["retryable"])


async def test_a_log_that_goes_away_within_a_batch_fails_only_what_was_not_held() -> None:
    class Failing(Choosy):
        calls = 0

        async def send(self, topic: str, records: Sequence[NewRecord], *, acks: int = -1) -> list[Any]:
            self.calls += 1
            if self.calls > 1:
                raise BrokerError("no broker answers")
            return [Produced(0, offset, 0) for offset in range(len(records))]

    status, told = await post(GatewayApp(producer=Failing()), {"records": [{"value": 1}] * (MAX_SENT + 2)})

    assert 207 == status
    assert MAX_SENT == sum("offset" in each for each in told["offsets"])
    assert 2 * ["log_unavailable"] == [each["error_code"] for each in told["offsets"][MAX_SENT:]]


async def test_a_stream_is_answered_line_by_line(gateway: GatewayApp) -> None:
    status, told = await post(gateway, b'{"a":1}\n\nnope\n{"value":2,"key":"k"}', NDJSON)

    assert 200 == status
    assert [1, 3, 4] == [each["line"] for each in told]
    assert [0, "bad_record", 1] == [each.get("offset", each.get("error_code")) for each in told]
    assert [b'{"a":1}', b"2"] == values(gateway)


async def test_lines_may_arrive_in_any_pieces(gateway: GatewayApp) -> None:
    text = b"".join(b'{"n":%d}\n' % number for number in range(200))

    async def drops() -> AsyncIterator[bytes]:
        for start in range(0, len(text), 7):
            yield text[start : start + 7]

    _, told = await post(gateway, drops(), NDJSON)

    assert list(range(1, 201)) == [each["line"] for each in told]
    assert text.split() == values(gateway)


async def test_a_line_that_never_ends_ends_the_stream_and_what_came_before_is_held(gateway: GatewayApp) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'{"a":1}\n'
        while True:
            yield b"x" * 2**16

    _, told = await post(gateway, endless(), NDJSON)

    assert [0, "too_large"] == [told[0]["offset"], told[1]["error_code"]]
    assert told[1]["fatal"]
    assert str(MAX_LINE) in told[1]["error"]
    assert [b'{"a":1}'] == values(gateway)


async def test_a_log_that_goes_away_ends_the_stream_with_a_word(gateway: GatewayApp) -> None:
    async def lines() -> AsyncIterator[bytes]:
        yield b'{"a":1}\n'
        gateway.log.away = True
        yield b'{"a":2}\n'

    _, told = await post(gateway, lines(), NDJSON)

    held, failed, end = told
    assert (0, "log_unavailable", True) == (held["offset"], failed["error_code"], failed["retryable"])
    assert (3, "log_unavailable", True) == (end["line"], end["error_code"], end["fatal"])


async def test_an_unknown_topic_is_told_in_a_stream_too(gateway: GatewayApp) -> None:
    await gateway.log.delete_topic("t")

    _, told = await post(gateway, b'{"a":1}\n', NDJSON)

    assert ["unknown_topic"] == [each["error_code"] for each in told]


async def test_partly_failing_sends_are_told_record_by_record() -> None:
    gateway = GatewayApp(producer=Choosy())

    status, told = await post(gateway, {"records": [{"value": 1}, {"value": 2}]})

    assert 207 == status
    assert ("log_unavailable", True) == (told["offsets"][1]["error_code"], told["offsets"][1]["retryable"])


async def test_a_stream_ends_with_its_token_and_no_record_after_it_is_taken() -> None:
    gateway = GatewayApp(users=users(ada=("write:t",)))
    gateway.log.make("t")

    async def body() -> AsyncIterator[bytes]:
        yield b"1\n"
        gateway.become(users())
        yield b"2\n"
        yield b"3\n"

    status, told = await post(gateway, body(), {**NDJSON, "Authorization": "Bearer ada"})

    assert (200, [b"1"]) == (status, values(gateway))
    assert ({"line": 2, "error_code": "unauthorized", "fatal": True}, 2) == (
        {name: told[-1][name] for name in ("line", "error_code", "fatal")},
        len(told),
    )
