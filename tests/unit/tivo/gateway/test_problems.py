import orjson
import pytest

from tests.support.gateway_app import GatewayApp
from tivo.gateway.problems import Problem, problem_of
from tivo.model.errors import (
    BrokerError,
    CommandError,
    LogError,
    QueryError,
    RecordError,
    RequestError,
    StoreError,
    TivoError,
    UnknownTopic,
    WireError,
)


@pytest.mark.parametrize(
    ("error", "status", "code", "retryable"),
    [
        (UnknownTopic("t"), 404, "unknown_topic", False),
        (CommandError("no", code="bad_speed", field="speed"), 400, "bad_speed", False),
        (RecordError("no"), 422, "bad_record", False),
        (QueryError("no", line=1, column=2), 422, "bad_query", False),
        (RequestError("no"), 400, "bad_request", False),
        (StoreError("away"), 503, "store_unavailable", True),
        (BrokerError("away"), 503, "log_unavailable", True),
        (LogError("full"), 503, "log_unavailable", True),
        (WireError("bytes"), 500, "internal", False),
    ],
)
def test_each_error_has_its_status_and_code(error: TivoError, status: int, code: str, retryable: bool) -> None:
    problem = problem_of(error)

    assert (status, code, retryable) == (problem.status, problem.code, problem.retryable)
    assert str(error) == str(problem)


def test_a_problem_is_told_as_rfc_9457_says() -> None:
    answer = Problem(416, "offset_out_of_range", "no such offset", errors=[{"field": "offset"}], latest=7).response(
        "/v1/x"
    )

    assert "application/problem+json" == answer.media_type
    assert {
        "type": "about:blank",
        "title": "Requested Range Not Satisfiable",
        "status": 416,
        "detail": "no such offset",
        "instance": "/v1/x",
        "code": "offset_out_of_range",
        "retryable": False,
        "latest": 7,
        "errors": [{"field": "offset"}],
    } == orjson.loads(bytes(answer.body))


async def test_a_neighbour_that_is_away_says_when_to_come_again() -> None:
    gateway = GatewayApp()
    gateway.log.away = True

    async with gateway.client() as http:
        assert "1" == (await http.get("/v1/topics")).headers["retry-after"]


class Faulty:
    async def send(self, topic: str, records: object, *, acks: int = -1) -> list[object]:
        raise AssertionError("secret detail")


async def test_a_fault_of_ours_is_500_and_keeps_its_secrets() -> None:
    gateway = GatewayApp(producer=Faulty())  # type: ignore[arg-type]  # it never answers
    gateway.log.make("t")

    async with gateway.client() as http:
        answer = await http.post("/v1/topics/t/records", json={"a": 1})

    assert (500, "internal") == (answer.status_code, answer.json()["code"])
    assert "secret" not in answer.text


async def test_a_method_that_a_path_does_not_know_is_told() -> None:
    async with GatewayApp().client() as http:
        answer = await http.put("/v1/topics/t/records")

    assert (405, "method_not_allowed") == (answer.status_code, answer.json()["code"])
