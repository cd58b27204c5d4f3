"""The table of routes and the scopes they need."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.routing import Mount, Route, WebSocketRoute

from tests.support.gateway_app import GatewayApp
from tivo.auth.needs import EVERY_TOPIC, SOME_TOPIC, Need
from tivo.gateway.bodies import SmallBodies
from tivo.gateway.scopes import RULES, SOCKET, rule_of
from tivo.gateway.websocket import _Nowhere

NEEDS = [
    ("GET", "/v1/topics", Need("read", SOME_TOPIC)),
    ("POST", "/v1/topics", Need("admin", SOME_TOPIC)),
    ("GET", "/v1/topics/t", Need("read", "t")),
    ("HEAD", "/v1/topics/t", Need("read", "t")),
    ("DELETE", "/v1/topics/t", Need("admin", "t")),
    ("POST", "/v1/topics/t/records", Need("write", "t")),
    ("GET", "/v1/topics/t/records", Need("read", "t")),
    ("GET", "/v1/topics/t/overview", Need("read", "t")),
    ("GET", "/v1/topics/t/image", Need("read", "t")),
    ("GET", "/v1/topics/t/tail", Need("read", "t")),
    (SOCKET, "/ws", Need("read", SOME_TOPIC)),
    (SOCKET, "/ws/t", Need("read", SOME_TOPIC)),
    ("GET", "/metrics", Need("read", EVERY_TOPIC)),
]


@pytest.mark.parametrize(("method", "path", "need"), NEEDS)
def test_what_each_route_needs(method: str, path: str, need: Need) -> None:
    rule, topic = rule_of(method, path)

    assert (need, False) == (rule.need(topic), rule.is_open)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/livez"),
        ("GET", "/readyz"),
        ("GET", "/v1/login"),
        ("POST", "/v1/login"),
        ("DELETE", "/v1/login"),
        ("GET", "/"),
        ("GET", "/lib/tivo.js"),
        ("GET", "/openapi.json"),
        ("GET", "/v1x"),
    ],
)
def test_what_is_open_to_everybody(method: str, path: str) -> None:
    assert rule_of(method, path)[0].is_open


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/tickets"),
        ("GET", "/v1"),
        ("GET", "/v1/"),
        ("GET", "/v1/topics/"),
        ("PUT", "/v1/topics/t"),
        ("GET", "/v1/what/is/made/tomorrow"),
        (SOCKET, "/elsewhere"),
    ],
)
def test_what_the_table_does_not_name_is_for_nobody_without_a_token(method: str, path: str) -> None:
    rule, topic = rule_of(method, path)

    assert (False, None) == (rule.is_open, rule.need(topic))


def test_a_topic_keeps_its_name() -> None:
    assert "a.b-c%" == rule_of("GET", "/v1/topics/a.b-c%/records")[1]


def routes(app: Any) -> Iterator[tuple[str, str]]:
    """Method and path of every route, files left out."""
    for each in app.routes:
        match each:
            case WebSocketRoute():
                if not isinstance(each.endpoint, _Nowhere):
                    yield SOCKET, each.path
            case Route():
                yield from ((method, each.path) for method in (each.methods or {}) if method != "HEAD")
            case Mount(app=SmallBodies(_app=documented)):
                yield from routes(documented)
            case _ if hasattr(each, "original_router"):  # of FastAPI's `include_router`
                yield from routes(each.original_router)


def test_the_table_has_a_line_for_every_route_and_no_other() -> None:
    open_pages = {("GET", "/openapi.json"), ("GET", "/docs")}

    assert {(rule.method, rule.path) for rule in RULES} == {*routes(GatewayApp().app)} - open_pages
