"""Lines of input become records."""

from collections.abc import Iterator
from threading import Event

import pytest

from tivo.cli import produce
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
    assert [b"last"] == batches[-1]


def test_line_goes_out_when_the_input_pauses() -> None:
    more = Event()

    def source() -> Iterator[bytes]:
        yield b"first\n"
        more.wait()
        yield b"second\n"

    batches = produce._batches(source())
    first = next(batches)
    more.set()

    assert ([b"first"], [[b"second"]]) == (first, list(batches))


def test_record_that_was_not_taken_is_told_with_its_line() -> None:
    given = {"offsets": [{"partition": 0, "offset": 7}, {"error_code": "bad_record", "error": "time: no such time"}]}

    with pytest.raises(RequestError, match="line 12 was not taken, others were: time: no such time"):
        produce._check(given, 10)


def test_records_that_were_all_taken_are_no_error() -> None:
    produce._check({"offsets": [{"partition": 0, "offset": 7}]}, 0)
    produce._check(None, 0)
