"""Lines of input become records."""

from collections.abc import Iterator
from threading import Event

import httpx
import pytest
from click.testing import CliRunner

from tivo.cli import cli, produce
from tivo.model.errors import RequestError


def record(line: bytes, **fields: str) -> dict[str, object]:
    return produce._record(line, **{"key": None, "key_field": None, "time_field": None} | fields)


def test_json_line_is_json_and_any_other_is_text() -> None:
    assert {"value": {"a": 1}} == record(b'{"a": 1}')
    assert {"value": "plain words"} == record(b"plain words")


def test_key_and_time_may_come_from_fields() -> None:
    line = b'{"sensor": 7, "at": "2016-01-15T14:32:24Z"}'

    found = record(line, key_field="sensor", time_field="at")

    assert ("7", "2016-01-15T14:32:24Z") == (found["key"], found["time"])


def test_one_key_for_all() -> None:
    assert "kitchen" == record(b"21.5", key="kitchen")["key"]


@pytest.mark.parametrize("line", [b"plain", b'{"other": 1}', b"[1]"])
def test_line_without_the_field_is_named(line: bytes) -> None:
    with pytest.raises(RequestError, match="no field 'sensor' in the line"):
        record(line, key_field="sensor")


def test_lines_go_in_batches_and_empty_ones_not_at_all() -> None:
    batches = list(produce._batches([b"line\n"] * produce.BATCH + [b"\n", b"last\r\n"]))

    assert [produce.BATCH, 1] == [len(batch) for batch in batches]
    assert [(produce.BATCH + 2, b"last")] == batches[-1]


def test_line_goes_out_when_the_input_pauses() -> None:
    more = Event()

    def source() -> Iterator[bytes]:
        yield b"first\n"
        more.wait()
        yield b"second\n"

    batches = produce._batches(source())
    first = next(batches)
    more.set()

    assert ([(1, b"first")], [[(2, b"second")]]) == (first, list(batches))


def test_a_line_that_is_no_record_ends_it_and_those_before_are_sent() -> None:
    lines = [(1, b'{"id": 1}'), (3, b"plain"), (4, b'{"id": 2}')]

    records, wrong = produce._records(lines, key=None, key_field="id", time_field=None)

    assert ["1"] == [each["key"] for each in records]
    assert "line 3: there is no field 'id' in the line 'plain'" == wrong


def test_record_that_was_not_taken_is_told_with_its_line() -> None:
    taken, refused = {"partition": 0, "offset": 7}, {"error_code": "bad_record", "error": "time: no such time"}

    with pytest.raises(RequestError, match=r"^line 13 was not taken: time: no such time; wrote 11 events beside$"):
        produce._check({"offsets": [taken, refused]}, [11, 13], 10)
    with pytest.raises(RequestError, match="line 11 was not taken, nor 1 behind it"):
        produce._check({"offsets": [refused, taken, refused]}, [11, 13, 14], 10)


def test_records_that_were_all_taken_are_no_error() -> None:
    produce._check({"offsets": [{"partition": 0, "offset": 7}]}, [1], 0)
    produce._check(None, [1], 0)


def test_a_refusal_says_what_was_written_before() -> None:
    refusal = httpx.Response(422, json={"detail": "time: no such time"})

    with pytest.raises(RequestError, match=r"no such time \(422\); wrote 500 events before that"):
        produce._taken(refusal, 500)
    with pytest.raises(RequestError, match=r"no such time \(422\)$"):
        produce._taken(refusal, 0)


@pytest.mark.parametrize("name", ["", "a b", "__x"])
def test_what_cannot_be_a_topic_is_refused_before_any_line_is_read(name: str) -> None:
    with pytest.raises(RequestError, match="is no name for a topic"):
        CliRunner().invoke(cli, ["produce", "--url", "http://127.0.0.1:1", name], input="", catch_exceptions=False)
