"""`POST /v1/tickets`: lets whoever is in open one socket or event stream by its address alone, within seconds."""

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tivo.gateway.admission import Admission
from tivo.gateway.stay import stay_of


def route(admission: Admission) -> Route:
    """The route of tickets."""

    async def issue(request: Request) -> Response:
        ticket, until_us = admission.ticket(stay_of(request.scope))
        body = orjson.dumps({"ticket": ticket, "until_us": until_us})
        return Response(body, 201, {"Cache-Control": "no-store"}, media_type="application/json")

    return Route("/v1/tickets", issue, methods=["POST"])
