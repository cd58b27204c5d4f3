import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tivo.model.event import Cursor
from tivo.playback import commands
from tivo.playback.commands import (
    Ack,
    AskOverview,
    At,
    Batches,
    Change,
    Command,
    EndAction,
    Fit,
    Frames,
    FromNow,
    FromPosition,
    Loop,
    OnSlow,
    Place,
    Play,
    Rate,
    Refused,
    Resume,
    Seek,
    SetControls,
    Speed,
    Step,
    StepBy,
    Subscribe,
    Tail,
    Unlimited,
    Unsubscribe,
)
from tivo.playback.protocol import MOST_BYTES, decode


def command(**fields: Any) -> Command:
    return decode(json.dumps(fields))


def refused(text: str | bytes) -> Refused:
    found = decode(text)
    assert isinstance(found, Refused), f"taken: {found}"
    return found


def test_the_message_of_the_first_day_works_unchanged() -> None:
    found = decode(
        '{"action":"play","start":"2016-01-15T14:32:24Z","end":"2016-01-15T14:33:24Z","speed":1,"loop":"False"}'
    )

    assert (
        Play(
            change=Change(
                start=At(1_452_868_344_000_000),
                end=At(1_452_868_404_000_000),
                pacing=Speed(Fraction(1)),
                loop=Loop(),
            )
        )
        == found
    )


def test_every_control_is_taken() -> None:
    found = command(
        action="set",
        start=None,
        end="-1h",
        pos="+10s",
        rate=5,
        max_gap="2s",
        min_gap="0.5s",
        max_rate="1000",
        loop={"count": 2},
        end_action="close",
        image=True,
        filter={"key": "a*", "where": "x > 1"},
        catch_up={"max_speed": 1.5},
        on_slow="drop",
        frames="coalesce",
        clock_hz=10,
    )

    assert (
        Change(
            start=Place.UNBOUNDED,
            end=FromNow(-3_600_000_000),
            pos=FromPosition(10_000_000),
            pacing=Rate(Fraction(5)),
            max_gap_us=2_000_000,
            min_gap_us=500_000,
            max_rate=Fraction(1000),
            loop=Loop(2),
            end_action=EndAction.CLOSE,
            image=True,
            keys=("a*",),
            where="x > 1",
            catch_up=Fraction(3, 2),
            on_slow=OnSlow.DROP,
            frames=Frames.COALESCE,
            clock_hz=Fraction(10),
        )
        == SetControls(change=found.change).change  # type: ignore[attr-defined]  # a SetControls, as the next test shows
    )


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"action": "pause"}, commands.Pause()),
        ({"action": "stop"}, commands.Stop()),
        ({"action": "state", "id": "7"}, commands.AskState(id="7")),
        ({"action": "topics", "id": 7}, commands.AskTopics(id="7")),
        ({"action": "set"}, SetControls()),
        ({"action": "seek", "pos": "beginning"}, Seek(to=Place.BEGINNING)),
        ({"action": "seek", "pos": "+100"}, Seek(to=Batches(100))),
        ({"action": "step"}, Step(n=1)),
        ({"action": "step", "n": "-128", "by": "batch"}, Step(n=-128, by=StepBy.BATCH)),
        ({"action": "tail"}, Tail()),
        ({"action": "tail", "delay_ms": 1.5}, Tail(delay_us=1_500)),
        ({"action": "subscribe", "topics": "a*"}, Subscribe(topics=("a*",))),
        ({"action": "unsubscribe", "topics": ["a", "b"]}, Unsubscribe(topics=("a", "b"))),
        ({"action": "overview"}, AskOverview()),
        (
            {"action": "overview", "start": 0, "end": None, "buckets": "20"},
            AskOverview(start=At(0), end=Place.UNBOUNDED, buckets=20),
        ),
        ({"action": "ack", "n": 5}, Ack(n=5)),
        ({"action": "play", "speed": "unlimited"}, Play(change=Change(pacing=Unlimited()))),
        ({"action": "play", "fit": "1m"}, Play(change=Change(pacing=Fit(60_000_000)))),
        (
            {"action": "play", "max_gap": None, "max_rate": None},
            Play(change=Change(max_gap_us=0, max_rate=Fraction(0))),
        ),
        (
            {"action": "play", "min_gap": 0, "catch_up": None, "image": None, "filter": None},
            Play(change=Change(min_gap_us=0, catch_up=Fraction(0), image=False, keys=(), where="")),
        ),
        ({"action": "play", "loop": None, "pos": -5}, Play(change=Change(pos=Batches(-5)))),
        ({"action": "pause", "x": 1, "y" * 99: 2}, commands.Pause(ignored=("x", "y" * 64))),
    ],
)
def test_what_a_viewer_writes_becomes_a_command(fields: dict[str, Any], found: Command) -> None:
    assert found == command(**fields)


@pytest.mark.parametrize(
    "after",
    [[5, "a", 0, 9], {"time_us": 5, "topic": "a", "partition": 0, "offset": 9, "id": "x"}],
)
def test_resume_takes_the_place_of_an_event(after: object) -> None:
    found = command(action="resume", cursor="token", after=after, offsets={"a": {"0": 7}}, speed=2)

    assert (
        Resume(
            cursor="token",
            after=Cursor(5, "a", 0, 9),
            offsets={"a": {0: 7}},
            change=Change(pacing=Speed(Fraction(2))),
        )
        == found
    )


def test_resume_needs_no_more_than_a_cursor() -> None:
    assert Resume(cursor="token") == command(action="resume", cursor="token")


@pytest.mark.parametrize(
    ("text", "code", "field"),
    [
        ("[", "bad_json", None),
        ("5", "bad_json", None),
        (b"\xff\xfe", "bad_json", None),
        ('{"action":"set","speed":NaN}', "bad_json", None),
        ('{"action":"set","speed":-Infinity}', "bad_json", None),
        ('{"action":"set","action":"play"}', "bad_json", "action"),
        ('{"action":"set","filter":{"key":1,"key":2}}', "bad_json", "key"),
        ("[" * 200_000, "bad_json", None),
        ('{"action":' + '{"a":' * 40_000, "bad_json", None),
        (" " * (MOST_BYTES + 1), "bad_json", None),
        ("{}", "unknown_action", "action"),
        ('{"action":5}', "unknown_action", "action"),
        ('{"action":"dance"}', "unknown_action", "action"),
        ('{"action":"' + "x" * 9_999 + '"}', "unknown_action", "action"),
        ('{"action":"mark"}', "unknown_action", "action"),
        ('{"action":"step","n":0}', "bad_value", "n"),
        ('{"action":"step","n":129}', "bad_value", "n"),
        ('{"action":"step","n":-129}', "bad_value", "n"),
        ('{"action":"step","n":1.5}', "bad_value", "n"),
        ('{"action":"step","by":"second"}', "bad_value", "by"),
        ('{"action":"play","image":"yes"}', "bad_value", "image"),
        ('{"action":"play","catch_up":1.5}', "bad_value", "catch_up"),
        ('{"action":"play","min_gap":-1}', "bad_value", "min_gap"),
        ('{"action":"play","min_gap":86401}', "bad_value", "min_gap"),
        ('{"action":"play","filter":{"where":5}}', "bad_filter", "filter.where"),
        ('{"action":"pause","id":[]}', "bad_value", "id"),
        ('{"action":"pause","id":true}', "bad_value", "id"),
        ('{"action":"play","speed":0}', "bad_speed", "speed"),
        ('{"action":"play","speed":-1}', "bad_speed", "speed"),
        ('{"action":"play","speed":1e308}', "bad_speed", "speed"),
        ('{"action":"play","speed":1,"fit":2}', "bad_speed", "fit"),
        ('{"action":"play","fit":0}', "bad_speed", "fit"),
        ('{"action":"play","rate":0}', "bad_speed", "rate"),
        ('{"action":"play","start":"yesterday"}', "bad_time", "start"),
        ('{"action":"play","loop":"maybe"}', "bad_loop", "loop"),
        ('{"action":"play","loop":{"mode":"pingpong"}}', "bad_loop", "loop.mode"),
        ('{"action":"play","max_rate":-1}', "bad_value", "max_rate"),
        ('{"action":"play","clock_hz":61}', "bad_value", "clock_hz"),
        ('{"action":"play","on_slow":"wait"}', "bad_value", "on_slow"),
        ('{"action":"seek"}', "bad_time", "pos"),
        ('{"action":"seek","pos":"+0"}', "bad_time", "pos"),
        ('{"action":"tail","delay_ms":-1}', "bad_value", "delay_ms"),
        ('{"action":"subscribe"}', "bad_glob", "topics"),
        ('{"action":"unsubscribe","topics":[5]}', "bad_glob", "topics"),
        ('{"action":"overview","buckets":2001}', "bad_value", "buckets"),
        ('{"action":"ack"}', "bad_value", "n"),
        ('{"action":"ack","n":"many"}', "bad_value", "n"),
        ('{"action":"resume"}', "bad_value", "cursor"),
        ('{"action":"resume","cursor":"x","after":5}', "bad_value", "after"),
        ('{"action":"resume","cursor":"x","after":[1,"a",0]}', "bad_value", "after"),
        ('{"action":"resume","cursor":"x","after":[99999999999999999999,"a",0,0]}', "bad_value", "after"),
        ('{"action":"resume","cursor":"x","after":{"time_us":1}}', "bad_value", "after"),
        ('{"action":"resume","cursor":"x","offsets":[]}', "bad_value", "offsets"),
        ('{"action":"resume","cursor":"x","offsets":{"a":5}}', "bad_value", "offsets"),
        ('{"action":"resume","cursor":"x","offsets":{"a":{"x":5}}}', "bad_value", "offsets"),
        ('{"action":"resume","cursor":"x","offsets":{"a":{"0":-1}}}', "bad_value", "offsets"),
    ],
)
def test_what_cannot_be_taken_is_refused_by_name(text: str | bytes, code: str, field: str | None) -> None:
    found = refused(text)

    assert (code, field) == (found.code, found.field)
    assert 0 < len(found.message) < 400


def test_a_refusal_says_what_was_asked_and_keeps_its_id() -> None:
    found = refused('{"id":"7","action":"play","speed":"fast"}')

    assert ("7", "play") == (found.id, found.named)
    assert "'fast'" in found.message


def test_a_million_keys_are_too_many() -> None:
    text = json.dumps({f"k{number}": 0 for number in range(1_000_000)})

    assert "bad_json" == refused(text).code


def test_many_unknown_keys_are_named_a_few_at_a_time() -> None:
    found = command(action="pause", **{f"k{number}": 0 for number in range(5_000)})

    assert 16 == len(found.ignored)


def test_offsets_are_bounded_in_number() -> None:
    found = refused(json.dumps({"action": "resume", "cursor": "x", "offsets": {"a": dict.fromkeys(range(10_001), 0)}}))

    assert ("bad_value", "offsets") == (found.code, found.field)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(
    [
        "id",
        "start",
        "end",
        "pos",
        "speed",
        "fit",
        "rate",
        "loop",
        "max_gap",
        "max_rate",
        "filter",
        "on_slow",
        "frames",
        "clock_hz",
        "end_action",
        "topics",
        "n",
        "cursor",
        "after",
        "offsets",
        "delay_ms",
        "buckets",
        "image",
        "by",
        "min_gap",
        "catch_up",
        "x",
    ]
)
ACTIONS = st.sampled_from(
    ["play", "set", "seek", "tail", "subscribe", "overview", "resume", "ack", "pause", "step", "?"]
)


@given(action=ACTIONS, fields=st.dictionaries(NAMES, JSON, max_size=5))
def test_nothing_that_a_viewer_sends_raises(action: str, fields: dict[str, Any]) -> None:
    assert isinstance(command(action=action, **fields), Command)


@given(st.binary(max_size=200))
def test_no_bytes_raise(data: bytes) -> None:
    assert isinstance(decode(data), Command)
