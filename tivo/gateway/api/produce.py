"""`POST /v1/topics/{topic}/records`: records into the log, as JSON, NDJSON or one raw value.

A record that cannot be taken never stops the others: each has its own answer. All held: 200, some
failed: 207, none held: 422, or 503 where the log is away. `acks=0` asks for no answer: 202.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tivo.client.producer import NewRecord, Produced
from tivo.gateway.bodies import StreamedResponse, lines, read_body
from tivo.gateway.catalogue import Catalogue
from tivo.gateway.doors import Clock, Producer, Sent
from tivo.gateway.parameters import bad, check_known
from tivo.gateway.problems import Problem, error_code
from tivo.gateway.record_json import bare_record, listed_record, raw_record, split_batch
from tivo.gateway.stay import Stay, stay_of
from tivo.metrics import GATEWAY_PRODUCED
from tivo.model.errors import BrokerError, NeighbourError, RecordError, TivoError, UnknownTopic
from tivo.model.topic_name import is_legal_name, no_name

MAX_BODY = 16 * 2**20
MAX_LINE = 2**20
ANSWER_SECONDS = 15
MAX_SENT = 200
"""Records that are read and given to the log in one go: about 5 ms of work."""

NDJSON = "application/x-ndjson"
RAW = "application/octet-stream"
JSON_TYPES = frozenset({"application/json", "application/vnd.kafka.json.v2+json", "application/vnd.kafka.v2+json"})
ACCEPTED = [*sorted(JSON_TYPES), NDJSON, RAW]
PARAMETERS = ("acks", "key", "time", "partition")

_ACKS = {"0": 0, "1": 1, "all": -1, "-1": -1}


def route(producer: Producer, catalogue: Catalogue, now: Clock) -> Route:
    """The way into the log."""

    async def produce(request: Request) -> Response:
        posted = _Posted(request, producer, now)
        await _check_made(request.path_params["topic"], stay_of(request.scope), catalogue)
        return await posted.answer()

    return Route("/v1/topics/{topic}/records", produce, methods=["POST"])


async def _check_made(topic: str, stay: Stay, catalogue: Catalogue) -> None:
    """The first record may make its topic, which is not for those who may only write. Raises Problem 403."""
    if stay.may("admin", topic):
        return
    try:
        await catalogue.find(topic)
    except UnknownTopic:
        stay.require("admin", topic)


class _Posted:
    """One request that brings records."""

    def __init__(self, request: Request, producer: Producer, now: Clock) -> None:
        self._request = request
        self._stay = stay_of(request.scope)
        self._producer = producer
        self._now = now
        self._topic: str = request.path_params["topic"]
        check_known(request.query_params, PARAMETERS)
        acks = request.query_params.get("acks", "all")
        if acks not in _ACKS:
            raise bad("bad_request", "acks", f"acks must be 0, 1 or all, got {acks!r}")
        self._acks = _ACKS[acks]
        if not is_legal_name(self._topic):
            raise Problem(422, "bad_topic", no_name(self._topic), topic=self._topic)

    async def answer(self) -> Response:
        media_type = self._request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type == NDJSON:
            return StreamedResponse(self._reports(), media_type=NDJSON, watch=False)
        body = await read_body(self._request, at_most=MAX_BODY)
        if media_type in JSON_TYPES:
            try:
                texts = split_batch(body)
            except RecordError as error:
                raise Problem(400, "bad_json", str(error)) from None
            if texts is None:
                return self._told(await self._send([body], bare_record))
            return self._told(await self._send(texts, listed_record))
        if media_type == RAW:
            return self._told(await self._send([body], self._raw))
        raise Problem(415, "unsupported_media_type", _unsupported(media_type), accepted=ACCEPTED)

    def _raw(self, value: bytes, *, received_us: int) -> NewRecord:
        return raw_record(value, self._request.query_params, received_us=received_us)

    async def _send(self, texts: Sequence[bytes], read: Callable[..., NewRecord]) -> list[Sent]:
        """Send those that can be read; one answer for each text, in order. Few at a time: sessions have deadlines."""
        answers: list[Sent] = []
        for start in range(0, len(texts), MAX_SENT):
            answers += await self._send_some(texts[start : start + MAX_SENT], read)
            await asyncio.sleep(0)
        return answers

    async def _send_some(self, texts: Sequence[bytes], read: Callable[..., NewRecord]) -> list[Sent]:
        received_us = self._now().wall_us
        refused: dict[int, Sent] = {}
        records: list[NewRecord] = []
        for index, text in enumerate(texts):
            try:
                records.append(read(text, received_us=received_us))
            except RecordError as error:
                refused[index] = error
        sent = iter(await self._sent(records) if records else ())
        answers = [refused[index] if index in refused else next(sent) for index in range(len(texts))]
        for answer in answers:
            GATEWAY_PRODUCED.labels("held" if isinstance(answer, Produced) else error_code(answer)).inc()
        return answers

    async def _sent(self, records: Sequence[NewRecord]) -> Sequence[Sent]:
        """A log that is away fails each of these records: those before them may be held."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._producer.send(self._topic, records, acks=self._acks)
        except TimeoutError:
            late = f"the log did not answer within {ANSWER_SECONDS} s; the record may or may not be in it"
            return [BrokerError(late)] * len(records)
        except BrokerError as error:
            return [error] * len(records)

    def _told(self, answers: Sequence[Sent]) -> Response:
        failed = [(index, each) for index, each in enumerate(answers) if isinstance(each, TivoError)]
        if failed and len(failed) == len(answers):
            raise _all_failed(failed)
        if self._acks == 0 and not failed:
            return _json({"accepted": len(answers)}, 202)
        return _json({"offsets": [_report(each) for each in answers]}, 207 if failed else 200)

    async def _reports(self) -> AsyncGenerator[bytes, None]:
        """A line of answer for each line of the body that is not blank, in order."""
        number = 0
        try:
            async for arrived in lines(self._request, at_most=MAX_LINE):
                for start in range(0, len(arrived), MAX_SENT):
                    self._stay.check()
                    numbered = [(number + i, text) for i, text in enumerate(arrived[start : start + MAX_SENT], 1)]
                    number += len(numbered)
                    told = [each for each in numbered if each[1].strip()]
                    answers = await self._send([text for _, text in told], bare_record)
                    yield b"".join(_line({"line": n, **_report(a)}) for (n, _), a in zip(told, answers, strict=True))
                    _stop_where_away(answers)
        except (Problem, TivoError) as error:
            yield _line({"line": number + 1, "error_code": _code(error), "error": str(error), "fatal": True})


def _stop_where_away(answers: Sequence[Sent]) -> None:
    """Raises the error of a log that is away: a stream ends there, it is for the client to begin again."""
    for answer in answers:
        if isinstance(answer, BrokerError):
            raise answer


def _report(answer: Sent) -> dict[str, Any]:
    """Confluent's shape of a delivery: where the record lies, or why it does not."""
    if isinstance(answer, Produced):
        return {"partition": answer.partition, "offset": answer.offset, "time_us": answer.time_us}
    return {"error_code": error_code(answer), "error": str(answer), "retryable": isinstance(answer, NeighbourError)}


def _all_failed(failed: Sequence[tuple[int, TivoError]]) -> Problem:
    retryable = all(isinstance(error, NeighbourError) for _, error in failed)
    detail = str(failed[0][1]) if len(failed) == 1 else f"none of {len(failed)} records was taken: {failed[0][1]}"
    return Problem(
        503 if retryable else 422,
        error_code(failed[0][1]) if retryable else "bad_record",
        detail,
        errors=[{"index": index, "code": error_code(error), "detail": str(error)} for index, error in failed],
    )


def _code(error: Problem | TivoError) -> str:
    if isinstance(error, Problem):
        return error.code
    return "unknown_topic" if isinstance(error, UnknownTopic) else error_code(error)


def _unsupported(media_type: str) -> str:
    detail = f"records come as {', '.join(ACCEPTED)}, not as {media_type or 'nothing'}"
    if media_type == "application/x-www-form-urlencoded":
        detail += " (what curl says by itself: add -H 'Content-Type: application/json')"
    return detail


def _json(body: dict[str, Any], status: int) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")


def _line(report: dict[str, Any]) -> bytes:
    return orjson.dumps(report, option=orjson.OPT_APPEND_NEWLINE)
