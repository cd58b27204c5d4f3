"""The routes of the gateway and their order.

Hot routes (produce, read, tail, sockets) stand alone on Starlette; FastAPI, which doubles the price
of a request, checks and documents the slow ones behind them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import Mount
from starlette.types import ASGIApp

from tivo import version
from tivo.gateway import openapi, static, websocket
from tivo.gateway.admission import Admission
from tivo.gateway.api import health, image, login, overview, produce, read, tail, tickets, topics
from tivo.gateway.bodies import SmallBodies
from tivo.gateway.catalogue import Catalogue
from tivo.gateway.doors import Clock, Cluster, Producer
from tivo.gateway.gate import Gate
from tivo.gateway.guard import Guard
from tivo.gateway.problems import exception_handlers
from tivo.gateway.sessions import Sessions
from tivo.gateway.sources import Sources
from tivo.gateway.stay import stay_of
from tivo.playback.topics import near

ABOUT = "tivo, the DVR for event streams: produce, read, tail; playback itself runs over WebSocket at /ws."


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """What the routes lean on."""

    sources: Sources
    cluster: Cluster
    producer: Producer
    sessions: Sessions
    sockets: ASGIApp
    unready: Callable[[], Mapping[str, str]]
    admission: Admission
    now: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may come, and where the files for browsers lie."""

    loopback_only: bool
    host: str = "localhost"
    allow_origins: tuple[str, ...]
    console: Path
    library: Path


def make_app(doors: Doors, access: Access) -> ASGIApp:
    """The gateway as an ASGI application."""
    hot = [
        produce.route(doors.producer, doors.sources.catalogue, doors.now),
        read.route(doors.sources, doors.now),
        image.route(doors.sources, doors.now),
        tail.route(doors.sources, doors.sessions, doors.now),
        *websocket.routes(doors.sockets),
        *login.routes(doors.admission),
        tickets.route(doors.admission),
        *health.routes(doors.unready),
    ]
    return Starlette(
        routes=[*hot, Mount("", SmallBodies(_documented(doors, access)))],
        middleware=[
            Middleware(Guard, loopback_only=access.loopback_only, host=access.host, allow_origins=access.allow_origins),
            Middleware(Gate, admission=doors.admission, allow_origins=access.allow_origins),
        ],
        exception_handlers=exception_handlers(_alike(doors.sources.catalogue)),
    )


def _documented(doors: Doors, access: Access) -> ASGIApp:
    app = _Documented(
        title="tivo",
        version=version(),
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        exception_handlers=exception_handlers(_alike(doors.sources.catalogue)),
    )
    app.include_router(topics.router(doors.sources.catalogue, doors.cluster))
    app.include_router(overview.router(doors.sources, doors.now))
    app.router.routes += static.routes(console=access.console, library=access.library)
    return app


def _alike(catalogue: Catalogue) -> Callable[[Request, str], str]:
    """Asks about a topic only of those that whoever sent the request may read."""
    return lambda request, name: near(name, stay_of(request.scope).readable(catalogue.known))


class _Documented(FastAPI):
    """FastAPI knows the slow routes; the document it makes of them is completed with the hot ones."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = openapi.completed(super().openapi())
        return self.openapi_schema
