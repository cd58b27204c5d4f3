"""Errors as the HTTP API tells them: RFC 9457 `application/problem+json` with a stable `code`."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from tivo.model.errors import (
    CommandError,
    NeighbourError,
    QueryError,
    RecordError,
    RequestError,
    StoreError,
    TivoError,
    UnknownTopic,
)

PROBLEM_TYPE = "application/problem+json"

_CODES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 415: "unsupported_media_type"}


class Problem(Exception):
    """An answer that is no success. `code` is stable, `detail` names the culprit and the evidence."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.errors = errors
        self.headers = headers
        self.members = members

    @property
    def retryable(self) -> bool:
        return self.status in {408, 429, 503}

    def response(self, path: str) -> Response:
        """The answer to a request for this path; extension members stand beside the standard ones."""
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": str(self),
            "instance": path,
            "code": self.code,
            "retryable": self.retryable,
            **self.members,
        }
        if self.errors:
            body["errors"] = self.errors
        return Response(orjson.dumps(body), self.status, self.headers, media_type=PROBLEM_TYPE)


def problem_of(error: TivoError) -> Problem:
    """One of our errors as an answer: the caller's fault is 4xx, a neighbour's is 503."""
    match error:
        case UnknownTopic():
            return Problem(404, "unknown_topic", str(error), topic=error.topic)
        case CommandError():
            return Problem(400, error.code, str(error), errors=[{"field": error.field, "detail": str(error)}])
        case RecordError():
            return Problem(422, "bad_record", str(error))
        case QueryError():
            return Problem(422, "bad_query", str(error), line=error.line, column=error.column, expected=error.expected)
        case RequestError():
            return Problem(400, "bad_request", str(error))
        case NeighbourError():
            return Problem(503, error_code(error), str(error), headers={"Retry-After": "1"})
        case _:
            return Problem(500, "internal", str(error))


def error_code(error: TivoError) -> str:
    """The stable code of an error that concerns one record."""
    match error:
        case RequestError():
            return "bad_record"
        case StoreError():
            return "store_unavailable"
        case _:
            return "log_unavailable"


def exception_handlers(alike: Callable[[Request, str], str]) -> dict[Any, Any]:
    """What turns whatever a handler raises into a problem; `alike` asks about the topic that may have been meant."""

    async def unknown_topic(request: Request, error: Exception) -> Response:
        assert isinstance(error, UnknownTopic)
        detail = f"{error}{alike(request, error.topic)}"
        return Problem(404, "unknown_topic", detail, topic=error.topic).response(request.url.path)

    return {
        Problem: _problem,
        UnknownTopic: unknown_topic,
        TivoError: _tivo_error,
        HTTPException: _http_exception,
        RequestValidationError: _validation_error,
        Exception: _fault,
    }


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.response(request.url.path)


async def _tivo_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, TivoError)
    return problem_of(error).response(request.url.path)


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _CODES.get(error.status_code, "refused")
    detail = f"{request.method} {request.url.path}: {error.detail}"
    return Problem(error.status_code, code, detail, headers=error.headers).response(request.url.path)


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [
        {"field": ".".join(str(part) for part in each["loc"][1:]), "detail": each["msg"]} for each in error.errors()
    ]
    detail = "; ".join(f"{each['field'] or 'body'}: {each['detail']}" for each in errors)
    return Problem(400, "bad_request", detail, errors=errors).response(request.url.path)


async def _fault(request: Request, error: Exception) -> Response:
    """A fault of ours: the client learns only that there was one; the server's log has the traceback."""
    return Problem(500, "internal", "the gateway failed at this request").response(request.url.path)
