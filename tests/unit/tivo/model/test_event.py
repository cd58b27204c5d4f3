"""Events: their order, their kind, their id."""

import uuid

import pytest

from tivo.model.event import Cursor, Event, Headers, Lost, ValueKind, event_id, header, lost_between, value_kind

TOPIC_ID = bytes(range(16))


def event(time_us: int = 0, *, partition: int = 0, offset: int = 0, headers: Headers = ()) -> Event:
    return Event(time_us, "quakes", partition, offset, b"k", b"{}", headers, 0, ValueKind.JSON)


def test_events_sort_by_time_then_place() -> None:
    ordered = [event(1, partition=1, offset=9), event(2, partition=0, offset=7), event(2, partition=1, offset=3)]

    assert ordered == sorted([ordered[1], ordered[2], ordered[0]])


def test_cursor_is_the_order_key() -> None:
    assert Cursor(5, "quakes", 2, 7) == event(5, partition=2, offset=7).cursor


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, ValueKind.NULL),
        (b'{"a": [1, 2.5e3, "\xc3\xa9"]}', ValueKind.JSON),
        (b"17", ValueKind.JSON),
        (b"", ValueKind.TEXT),
        (b"plain", ValueKind.TEXT),
        (b'{"a": NaN}', ValueKind.TEXT),
        (b'"\\ud800"', ValueKind.TEXT),
        (b"[" * 5_000 + b"]" * 5_000, ValueKind.TEXT),
        (b'{"a": "\xff"}', ValueKind.BINARY),
        (b"\x00\xff", ValueKind.BINARY),
    ],
)
def test_value_kinds(value: bytes | None, kind: ValueKind) -> None:
    assert kind is value_kind(value)


def test_id_is_a_version_7_uuid_of_the_event_time() -> None:
    found = uuid.UUID(event_id(event(1_452_868_344_123_456), TOPIC_ID))

    assert 7 == found.version
    assert uuid.RFC_4122 == found.variant
    assert 1_452_868_344_123 == found.int >> 80


def test_id_is_the_same_wherever_the_record_is_read() -> None:
    assert event_id(event(5, offset=1), TOPIC_ID) == event_id(event(5, offset=1), TOPIC_ID)


def test_id_differs_by_place_and_by_topic_made_anew() -> None:
    ids = {
        event_id(event(5, offset=1), TOPIC_ID),
        event_id(event(5, offset=2), TOPIC_ID),
        event_id(event(5, partition=1, offset=1), TOPIC_ID),
        event_id(event(5, offset=1), bytes(16)),
    }

    assert 4 == len(ids)


def test_id_of_a_time_before_1970_stands_at_1970() -> None:
    assert 0 == uuid.UUID(event_id(event(-1), TOPIC_ID)).int >> 80


@pytest.mark.parametrize("name", ["tivo-id", "ce_id"])
def test_producer_may_name_the_id(name: str) -> None:
    assert "mine" == event_id(event(headers=((name, b"mine"),)), TOPIC_ID)


def test_other_headers_and_an_empty_id_name_none() -> None:
    assert event_id(event(), TOPIC_ID) == event_id(event(headers=(("trace", b"1"), ("tivo-id", b""))), TOPIC_ID)


def test_last_header_of_a_name_counts() -> None:
    assert b"2" == header((("a", b"1"), ("a", b"2")), "a")
    assert header((), "a") is None


def test_of_losses_that_counts_which_lies_between() -> None:
    lost = [Lost(0, 0, 2, "quarantine"), Lost(0, 4, 6, "retention"), Lost(0, 8, 9, "quarantine")]

    assert lost == lost_between(lost, 0, 9)
    assert [Lost(0, 1, 2, "quarantine"), Lost(0, 4, 5, "retention")] == lost_between(lost, 1, 5)
    assert [] == lost_between(lost, 2, 4)
    assert [] == lost_between(lost, 5, 5)
