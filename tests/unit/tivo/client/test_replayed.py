"""A played event as a record: what stays as it was, and what tells of its origin."""

from typing import Any

import pytest

from tivo.client.replayed import headers_of, to_bytes
from tivo.client.viewer_session import ShownEvent
from tivo.model.event import RECEIVED_HEADER, TIME_HEADER

ORIGIN = (
    ("tivo-origin-topic", b"quakes"),
    ("tivo-origin-partition", b"3"),
    ("tivo-origin-offset", b"7"),
    ("tivo-origin-time-us", b"1000001"),
)


def event(**headers: Any) -> ShownEvent:
    return ShownEvent(
        topic="quakes", partition=3, offset=7, time_us=1_000_001, received_us=5, id="i", headers=headers, value=None
    )


@pytest.mark.parametrize(
    ("told", "stored"),
    [(None, None), ("", b""), ("é", "é".encode()), ({"base64": "/wA="}, b"\xff\x00"), ({"base64": ""}, b"")],
)
def test_bytes_are_what_they_were(told: Any, stored: bytes | None) -> None:
    assert stored == to_bytes(told)


def test_headers_stay_and_the_origin_stands_behind_them() -> None:
    found = headers_of(event(a="1", b=None, c={"base64": "/w=="}, d=["x", None, "y"]), keep_time=False)

    assert (("a", b"1"), ("b", None), ("c", b"\xff"), ("d", b"x"), ("d", None), ("d", b"y"), *ORIGIN) == found


def test_an_origin_before_gives_way() -> None:
    assert ORIGIN == headers_of(event(**{"tivo-origin-topic": "older", "tivo-origin-offset": "1"}), keep_time=False)


def test_what_tells_of_times_in_its_own_log_stays_behind() -> None:
    told = {TIME_HEADER: "1000001", RECEIVED_HEADER: "5"}

    assert ORIGIN == headers_of(event(**told), keep_time=False)
    assert ((TIME_HEADER, b"1000001"), *ORIGIN) == headers_of(event(**told), keep_time=True)
