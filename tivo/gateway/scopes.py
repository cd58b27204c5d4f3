"""Which scope every route of the gateway needs: one table, and nothing beside it lets anybody through.

What is not in it and lies under `/v1` or `/ws` is refused to whoever has no token at all, so that a
route that is added without a line here is no hole. Everything else is a file, and files hold no events.
"""

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from starlette.routing import compile_path

from tivo.auth.needs import EVERY_TOPIC, SOME_TOPIC, Need
from tivo.auth.users import Permit


class Where(Enum):
    """In which topic the scope is needed."""

    THIS_TOPIC = "the one in the path"
    SOME_TOPIC = "any; what is shown or done further is asked for by the handler"
    EVERY_TOPIC = "all of them"


class Rule(NamedTuple):
    """What a route needs. Without a permit: any token (`SOME_TOPIC`), or nothing at all (no `where`)."""

    method: str
    path: str
    permit: Permit | None = None
    where: Where | None = None
    takes_ticket: bool = False
    gives_cookie: bool = False

    def need(self, topic: str) -> Need | None:
        match self.permit, self.where:
            case None, _:
                return None
            case permit, Where.THIS_TOPIC:
                return Need(permit, topic)
            case permit, Where.EVERY_TOPIC:
                return Need(permit, EVERY_TOPIC)
            case permit, _:
                return Need(permit, SOME_TOPIC)

    @property
    def is_open(self) -> bool:
        return self.where is None


SOCKET = "SOCKET"

RULES = (
    Rule("GET", "/v1/topics", "read", Where.SOME_TOPIC),
    Rule("POST", "/v1/topics", "admin", Where.SOME_TOPIC),
    Rule("GET", "/v1/topics/{topic}", "read", Where.THIS_TOPIC),
    Rule("DELETE", "/v1/topics/{topic}", "admin", Where.THIS_TOPIC),
    Rule("POST", "/v1/topics/{topic}/records", "write", Where.THIS_TOPIC),
    Rule("GET", "/v1/topics/{topic}/records", "read", Where.THIS_TOPIC),
    Rule("GET", "/v1/topics/{topic}/overview", "read", Where.THIS_TOPIC),
    Rule("GET", "/v1/topics/{topic}/image", "read", Where.THIS_TOPIC),
    Rule("GET", "/v1/topics/{topic}/tail", "read", Where.THIS_TOPIC, takes_ticket=True),
    Rule("POST", "/v1/tickets", None, Where.SOME_TOPIC),
    Rule("GET", "/v1/login"),
    Rule("POST", "/v1/login", gives_cookie=True),
    Rule("DELETE", "/v1/login", gives_cookie=True),
    Rule(SOCKET, "/ws", "read", Where.SOME_TOPIC, takes_ticket=True),
    Rule(SOCKET, "/ws/{topic}", "read", Where.SOME_TOPIC, takes_ticket=True),
    Rule("GET", "/ws"),
    Rule("GET", "/ws/{topic}"),
    Rule("GET", "/livez"),
    Rule("GET", "/readyz"),
    Rule("GET", "/metrics", "read", Where.EVERY_TOPIC),
)

_ANY_TOKEN = Rule("", "", None, Where.SOME_TOPIC)
_A_FILE = Rule("", "")
_PATHS = [(rule, compile_path(rule.path)[0]) for rule in RULES]


def rule_of(method: str, path: str) -> tuple[Rule, str]:
    """What a request needs, and the topic in its path. A socket's method is SOCKET."""
    asked = "GET" if method == "HEAD" else method
    for rule, pattern in _PATHS:
        found = pattern.match(path) if rule.method == asked else None
        if found is not None:
            return rule, found.groupdict().get("topic", "")
    return _ANY_TOKEN if path == "/v1" or path.startswith("/v1/") or asked == SOCKET else _A_FILE, ""


def of_operations() -> Iterator[tuple[str, str, Rule]]:
    """Path, method and rule of everything that the OpenAPI document has."""
    return ((rule.path, rule.method.lower(), rule) for rule in RULES if not rule.path.startswith("/ws"))


def scope_text(rule: Rule) -> str:
    """The scope that a rule asks for, for people."""
    match rule.permit, rule.where:
        case None, _:
            return "any token"
        case permit, Where.THIS_TOPIC:
            return f"{permit}:{{topic}}"
        case permit, Where.EVERY_TOPIC:
            return str(permit)
        case permit, _:
            return f"{permit} in some topic"
