"""`/livez`, `/readyz` and `/metrics`: the same as on the private port, for whoever sees only this one."""

from collections.abc import Callable, Mapping

import orjson
from prometheus_client import REGISTRY
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def routes(unready: Callable[[], Mapping[str, str]]) -> list[Route]:
    """The probes. `unready` gives the reasons why this gateway should get no work: name → what is the matter."""

    async def livez(request: Request) -> Response:
        return _answer({})

    async def readyz(request: Request) -> Response:
        return _answer(unready())

    async def metrics(request: Request) -> Response:
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    return [Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", metrics)]


def _answer(reasons: Mapping[str, str]) -> Response:
    body = orjson.dumps({"ok": not reasons, "reasons": dict(reasons)}, option=orjson.OPT_APPEND_NEWLINE)
    return Response(body, 503 if reasons else 200, media_type="application/json")
