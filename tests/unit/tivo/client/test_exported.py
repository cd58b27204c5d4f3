"""Exported events as lines."""

import csv
import io
import json
from typing import Any

import msgspec
import pytest

from tivo.client.exported import CSV_COLUMNS, csv_head, csv_lines, event_of, ndjson_lines, page_of, text_of


def told(**more: Any) -> bytes:
    place = {"topic": "quakes", "partition": 3, "offset": 7, "time_us": 1_500_000, "received_us": 2, "id": "i"}
    return json.dumps({**place, "key": "k", "value": {"a": [1, "x,y"]}, "headers": {}, **more}).encode()


def page(*events: bytes) -> bytes:
    return b'{"events":[%b],"complete_to_us":9,"next":"/v1/next"}' % b",".join(events)


def rows(*events: bytes) -> list[list[str]]:
    text = (csv_head() + csv_lines(page_of(page(*events)).events)).decode()
    return list(csv.reader(io.StringIO(text)))


def test_a_page_holds_its_events_as_they_were_written() -> None:
    found = page_of(page(b'{"spaces":  1.0}', b"2"))

    assert ([b'{"spaces":  1.0}', b"2"], "/v1/next", 9) == (
        [bytes(event) for event in found.events],
        found.next,
        found.complete_to_us,
    )
    assert b'{"spaces":  1.0}\n2\n' == ndjson_lines(found.events)
    assert page_of(b'{"events":[]}').next is None


@pytest.mark.parametrize("body", [b"", b"[]", b'{"events": 1}', b"<html>"])
def test_what_is_no_page_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        page_of(body)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (b"null", None),
        (b'""', ""),
        (b'"a \\"b\\" \\u00e9"', 'a "b" é'),
        (b"1.50", "1.50"),
        (b'{"a":  1}', '{"a":  1}'),
        (b'{"base64":"/w=="}', '{"base64":"/w=="}'),
    ],
)
def test_a_text_stands_without_quotes_and_other_json_as_it_is(written: bytes, text: str | None) -> None:
    assert text == text_of(msgspec.Raw(written))


def test_a_line_of_csv_has_a_cell_for_every_column() -> None:
    head, row = rows(told())

    assert [*CSV_COLUMNS] == head
    value = '{"a": [1, "x,y"]}'
    assert ["1970-01-01T00:00:01.500000Z", "quakes", "3", "7", "1500000", "2", "i", "k", value, "{}"] == row


@pytest.mark.parametrize("text", ["a,b", 'say "x"', "two\nlines", "back\r\n", "é", " ", "'"])
def test_what_csv_needs_quotes_for_comes_back(text: str) -> None:
    assert [text, text] == rows(told(key=text, value=text))[1][7:9]


def test_null_is_an_empty_cell_and_an_empty_text_is_quoted() -> None:
    line = csv_lines([msgspec.Raw(told(key=None, value=""))])

    assert line.endswith(b',i,,"",{}\n')


def test_an_event_is_read_from_its_line() -> None:
    assert ("quakes", 7) == (event_of(told()).topic, event_of(told()).offset)
