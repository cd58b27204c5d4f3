"""The page of the playback protocol names everything that the code knows, and nothing else."""

import ast
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from msgspec.structs import fields

from tests.docs.markdown import DOCS, rows, ticked
from tivo.gateway import gate, stay, websocket
from tivo.model.errors import CommandError
from tivo.model.event import Event, ValueKind
from tivo.playback import commands, encoding, notices, offered, playback, protocol
from tivo.playback.controls import Controls
from tivo.playback.notices import Notice, Shown

PAGE = DOCS / "reference" / "playback-protocol.md"
PLAYBACK = Path(playback.__file__).parent

SAMPLES: dict[str, dict[str, Any]] = {
    "seek": {"pos": "now"},
    "step": {"n": 1},
    "subscribe": {"topics": "a"},
    "unsubscribe": {"topics": "a"},
    "resume": {"cursor": "c"},
    "ack": {"n": 1},
}
"""Fields without which an action is refused, and nothing can be seen of the others."""


def command_table() -> dict[str, list[str]]:
    return {name: ticked(fields) for action, fields, _ in rows(PAGE, "Commands") for name in ticked(action)}


def decode(**command: Any) -> commands.Command:
    return protocol.decode(json.dumps(command))


def code_of(**command: Any) -> str | None:
    """The code with which a session refuses a command; None where it does not."""
    try:
        offered.check(found := decode(**command))
    except CommandError as error:
        return error.code
    return getattr(found, "code", None)


def words_of_protocol() -> set[str]:
    """Every name that the decoder might look for in a command."""
    constants = (node for node in ast.walk(ast.parse(inspect.getsource(protocol))) if isinstance(node, ast.Constant))
    return {node.value for node in constants if isinstance(node.value, str) and re.fullmatch(r"[a-z_]+", node.value)}


def fields_known(action: str) -> set[str]:
    """The fields that an action takes: those that are not told as ignored, or are refused by name."""
    sample = SAMPLES.get(action, {})
    known = set(sample)
    for name in words_of_protocol() - known - {"action", "id"}:
        answer = decode(action=action, **sample, **{name: None})
        if name not in answer.ignored:
            known.add(name)
    return known


def controls_on_page() -> set[str]:
    return {name for control, *_ in rows(PAGE, "Controls") for name in ticked(control)}


def not_offered() -> Iterator[tuple[dict[str, Any], str]]:
    for command, code in rows(PAGE, "Not offered yet"):
        yield json.loads(ticked(command)[0]), ticked(code)[0]


def test_every_action_that_is_served_is_on_the_page() -> None:
    known = {kind.action for kind in commands.Command.__subclasses__()} - {commands.Refused.action}
    served = {
        action
        for action in known
        if code_of(action=action, **SAMPLES.get(action, {})) not in {"not_offered", "unknown_action"}
    }

    assert served == command_table().keys()


def test_every_field_of_a_command_is_on_the_page() -> None:
    withheld = {name for command, _ in not_offered() for name in command} - {"action", "loop", "filter", "pos"}
    for action, named in command_table().items():
        told = controls_on_page() | set(named) if action in {"play", "set", "resume"} else set(named)

        assert fields_known(action) - withheld == told, action


def test_what_is_not_offered_is_refused_as_the_page_says() -> None:
    told = [(command, code, code_of(**command)) for command, code in not_offered()]

    assert [] == [command for command, code, answered in told if code != answered]


def test_every_action_that_is_not_offered_is_on_the_page() -> None:
    words = words_of_protocol() | offered.ACTIONS
    refused = {word for word in words if code_of(action=word) == "not_offered"}

    assert refused == {command["action"] for command, _ in not_offered() if len(command) == 1}


def test_every_notice_and_its_fields_are_on_the_page() -> None:
    paced = {"fit", "rate"}
    known = {kind.type: {field.name for field in fields(kind)} for kind in Notice.__subclasses__()}
    known["state"] = known["state"] - {"controls"} | Controls().describe().keys() | paced

    assert known == {ticked(kind)[0]: set(ticked(named)) for kind, named, _ in rows(PAGE, "Notices")}


def test_every_word_that_a_notice_may_say_is_on_the_page() -> None:
    page = PAGE.read_text()
    unsaid = set(ticked(page[page.index("The `cause` `error`") :]))
    said = {ticked(field)[0]: set(ticked(values)) for field, values in rows(PAGE, "Words in notices")}

    assert {status.value for status in notices.Status} <= said["state.status"]
    assert set(get_args(notices.Cause)) - unsaid == said["state.cause"]
    assert set(get_args(notices.ResetWhy)) == said["reset.why"]
    assert set(get_args(notices.GapReason)) - unsaid == said["gap.reason"] - {"on_slow: drop"}


def test_every_field_of_an_event_is_on_the_page() -> None:
    event = Event(1, "topic", 0, 0, b"key", b"{}", (), 1, ValueKind.JSON)
    told: set[str] = set()
    for mark in ("late", "early"):
        (body,) = encoding.event_bodies([Shown(event, bytes(16), 2, mark)], 1)
        told |= json.loads(body).keys()

    assert told == {name for field, _ in rows(PAGE, "Events") for name in ticked(field)}


def test_every_error_code_is_on_the_page() -> None:
    source = "".join(path.read_text() for path in PLAYBACK.glob("*.py"))
    known = set(re.findall(r'\bcode(?:: str)? ?= ?"([a-z_]+)"', source)) | set(
        re.findall(r'"(\w+_unavailable)"', source)
    )
    refused = inspect.getsource(gate) + inspect.getsource(stay)
    known |= set(re.findall(r'Problem\(40[13], "(\w+)"', refused))

    assert known == {ticked(code)[0] for code, _ in rows(PAGE, "Error codes")}


def test_every_close_code_is_on_the_page() -> None:
    source = inspect.getsource(websocket) + inspect.getsource(playback)
    too_big = 1009  # said by the WebSocket library itself

    assert set(map(int, re.findall(r"\b(1\d{3}|44\d\d)\b", source))) - {websocket.GONE} | {too_big} == {
        int(code) for code, *_ in rows(PAGE, "Close codes")
    }
