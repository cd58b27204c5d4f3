import json
from base64 import b64encode
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.tivo.playback.events import WALL_US, event
from tivo.model.event import Event, ValueKind, event_id, value_kind
from tivo.playback.encoding import encode
from tivo.playback.notices import Acked, CaughtUp, Clock, Events, Failed, Image, Shown, State, Status

TOPIC_ID = b"t" * 16

STATE = State(
    status=Status.PLAYING,
    cause="client",
    start_us=None,
    end_us=5,
    pos_us=3,
    speed=Fraction(73, 10),
    iteration=1,
    epoch=2,
    cursor="token",
    controls={"speed": 7.3, "loop": False, "max_gap": None},
)


def frame(*shown: Shown, cursor: str | None = None, thinned: int = 0) -> Events:
    return Events(
        epoch=1, n=7, due_us=WALL_US, late_us=3, iteration=2, live=True, thinned=thinned, cursor=cursor, events=shown
    )


def told(found: Event, *, raw: bool = False) -> dict[str, Any]:
    text = encode(frame(Shown(found, TOPIC_ID, WALL_US)), raw=raw)
    only: dict[str, Any] = json.loads(text)["events"][0]
    return only


def test_a_frame_says_what_it_is() -> None:
    assert {
        "type": "events",
        "epoch": 1,
        "n": 7,
        "due_us": WALL_US,
        "late_us": 3,
        "iteration": 2,
        "live": True,
        "thinned": 4,
        "cursor": "token",
        "events": [],
    } == json.loads(encode(frame(cursor="token", thinned=4)))


def test_a_cursor_is_told_only_where_it_changed() -> None:
    assert "cursor" not in json.loads(encode(frame()))


def test_an_event_has_the_fields_of_the_protocol() -> None:
    found = event(5, topic='quo"te', partition=2, offset=9, key=b"k")

    assert {
        "topic": 'quo"te',
        "partition": 2,
        "offset": 9,
        "time_us": 5,
        "received_us": WALL_US,
        "id": event_id(found, TOPIC_ID),
        "key": "k",
        "value": 1,
        "headers": {},
    } == told(found)
    assert 7 == UUID(told(found)["id"]).version


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b'{"a": [1, 2]}', {"a": [1, 2]}),
        (b"null", None),
        (b"not json", "not json"),
        ('gr\u00fcn \u2028 "'.encode(), 'gr\u00fcn \u2028 "'),
        (b"\xff\x00", {"base64": b64encode(b"\xff\x00").decode()}),
        (None, None),
        (b"", ""),
    ],
)
def test_a_value_is_json_text_or_base64(value: bytes | None, shown: object) -> None:
    assert shown == told(event(1, value=value, kind=value_kind(value)))["value"]


@pytest.mark.parametrize("value", [b"1", b"text", b"\xff"])
def test_raw_values_are_base64_always(value: bytes) -> None:
    found = event(1, value=value, kind=value_kind(value))

    assert {"base64": b64encode(value).decode()} == told(found, raw=True)["value"]


def test_a_raw_value_may_be_missing() -> None:
    assert told(event(1, value=None, kind=ValueKind.NULL), raw=True)["value"] is None


def test_keys_are_text_or_base64_or_missing() -> None:
    assert ["\u00fc", {"base64": "/w=="}, None] == [
        told(event(1, key=key))["key"] for key in ("\u00fc".encode(), b"\xff", None)
    ]


def test_headers_that_repeat_are_lists() -> None:
    headers = (("a", b"1"), ("b", None), ("a", b"\xff"))

    assert {"a": ["1", {"base64": "/w=="}], "b": None} == told(event(1, headers=headers))["headers"]


def test_an_event_tells_its_own_time_and_mark_where_they_differ() -> None:
    events = [
        Shown(event(1), TOPIC_ID, WALL_US),
        Shown(event(2, offset=1), TOPIC_ID, WALL_US + 5, "late"),
        Shown(event(3, offset=2), TOPIC_ID, WALL_US, "early"),
    ]

    found = json.loads(encode(frame(*events)))["events"]

    assert [None, WALL_US + 5, None] == [one.get("due_us") for one in found]
    assert [None, True, None] == [one.get("late") for one in found]
    assert [None, None, True] == [one.get("early") for one in found]


@given(value=st.one_of(st.none(), st.binary(), st.text().map(str.encode), st.sampled_from([b"1", b'"x"', b" [ ] "])))
def test_every_frame_is_json(value: bytes | None) -> None:
    found = told(event(1, value=value, key=value, kind=value_kind(value)))

    assert {"value", "key", "id"} <= found.keys()


def test_a_state_tells_its_controls_beside_its_own_fields() -> None:
    assert {
        "type": "state",
        "status": "playing",
        "cause": "client",
        "start_us": None,
        "end_us": 5,
        "pos_us": 3,
        "speed": 7.3,
        "iteration": 1,
        "epoch": 2,
        "cursor": "token",
        "loop": False,
        "max_gap": None,
    } == json.loads(encode(STATE))


def test_an_ack_carries_the_state() -> None:
    found = json.loads(encode(Acked(id="1", action="play", state=STATE, ignored=("x",))))

    assert ("ack", "1", "play", ["x"], None) == (
        found["type"],
        found["id"],
        found["action"],
        found["ignored"],
        found["result"],
    )
    assert "playing" == found["state"]["status"]
    assert "controls" not in found["state"]


def test_partitions_are_named_by_strings() -> None:
    assert {"a": {"0": 5}} == json.loads(encode(CaughtUp(time_us=1, offsets={"a": {0: 5}})))["offsets"]


def test_an_error_names_its_code_and_field() -> None:
    found = json.loads(encode(Failed(code="bad_speed", field="speed", message="no")))

    assert ("error", "bad_speed", "speed", False) == (found["type"], found["code"], found["field"], found["fatal"])


def test_an_unlimited_clock_has_no_speed() -> None:
    clock = Clock(pos_us=1, wall_us=2, speed=None, slip_ms=0, lag_ms=None, fraction=None, eta_ms=None)

    assert json.loads(encode(clock))["speed"] is None


def test_an_image_is_told_with_its_events_as_frames_tell_them() -> None:
    found = Event(7, "a", 0, 1, b"k", None, (), 7, ValueKind.NULL)
    image = Image(epoch=2, pos_us=9, events=[Shown(found, bytes(16), 0)], part=1, last=False)
    empty = Image(epoch=2, pos_us=None, events=[], part=2, last=True)

    told = json.loads(encode(image))

    assert ("image", 2, 9, 1, False) == tuple(told[name] for name in ("type", "epoch", "pos_us", "part", "last"))
    assert [("k", None)] == [(each["key"], each["value"]) for each in told["events"]]
    assert "due_us" not in told["events"][0]
    assert {"type": "image", "epoch": 2, "pos_us": None, "part": 2, "last": True, "events": []} == json.loads(
        encode(empty)
    )
