"""The page of the HTTP API names every route, parameter and error code of the gateway, and nothing else."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.docs.markdown import DOCS, rows, ticked
from tests.support.gateway_app import GatewayApp
from tivo.gateway import problems
from tivo.model.errors import BrokerError, RecordError, StoreError

PAGE = DOCS / "reference" / "http-api.md"
GATEWAY = Path(problems.__file__).parent
PROTOCOL_ERRORS = {("bad_time", 400)}
"""What a parameter's reader, shared with the playback protocol, raises."""


def routes_on_page() -> dict[str, set[str]]:
    """`GET /path` → names of its parameters; of several tables under a heading only the one of parameters counts."""
    headings = re.findall(r"^### `((?:GET|POST|DELETE|PATCH|PUT) \S+)`$", PAGE.read_text(), re.MULTILINE)
    return {heading: set(parameters(heading)) for heading in headings}


def parameters(heading: str) -> Iterator[str]:
    """The names in the table whose head says `parameter`."""
    section = PAGE.read_text().split(f"### `{heading}`\n")[1].split("\n#")[0]
    tables = re.findall(r"^\| parameter \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", section, re.MULTILINE)
    for row in "".join(tables).splitlines():
        yield ticked(row)[0]


async def document() -> dict[str, Any]:
    async with GatewayApp().client() as client:
        told: dict[str, Any] = (await client.get("/openapi.json")).json()
    return told


async def test_every_route_and_its_parameters_are_on_the_page() -> None:
    known = {
        f"{method.upper()} {path}": {each["name"] for each in operation.get("parameters", [])} - {"topic"}
        for path, operations in (await document())["paths"].items()
        for method, operation in operations.items()
    }

    assert known == routes_on_page()


async def test_fields_of_a_new_topic_are_on_the_page() -> None:
    schema = (await document())["components"]["schemas"]["NewTopic"]

    assert schema["properties"].keys() == {name for name, _ in rows(PAGE, "`POST /v1/topics`") for name in ticked(name)}


async def test_fields_of_a_record_are_on_the_page() -> None:
    schema = (await document())["components"]["schemas"]["Record"]
    section = PAGE.read_text().split("A record has these fields")[1].split("| parameter |")[0]

    assert schema["properties"].keys() == set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))


def test_every_error_code_and_its_status_is_on_the_page() -> None:
    told = {(ticked(code)[0], int(status)) for code, status, _ in rows(PAGE, "Errors") if status.isdigit()}

    assert PROTOCOL_ERRORS | {pair for path in GATEWAY.rglob("*.py") for pair in said_in(path)} == told


def said_in(path: Path) -> Iterator[tuple[str, int]]:
    """Code and status of every problem that a file makes."""
    neighbours = {problems.error_code(error("")) for error in (StoreError, BrokerError)}
    assert "bad_record" == problems.error_code(RecordError(""))
    for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
        match call:
            case ast.Call(
                func=ast.Name(id="Problem"), args=[ast.Constant(value=int(status)), ast.Constant(value=str(code)), *_]
            ):
                yield code, status
            case ast.Call(func=ast.Name(id="Problem"), args=[ast.Constant(value=503), *_]):
                yield from ((code, 503) for code in neighbours)
            case ast.Call(func=ast.Name(id="bad"), args=[ast.Constant(value=str(code)), *_]):
                yield code, 400
    if path.name == "problems.py":
        yield from ((code, status) for status, code in problems._CODES.items())
