import orjson

from tivo.gateway.event_json import event_json
from tivo.model.record import Record, to_event


def test_an_event_is_one_line_whatever_its_value() -> None:
    event = to_event(Record("t", 0, 3, 5, b"k", b'{\r\n "a": "x\\n"\n}', (("h", b"1"),)), received_us=7)

    told = event_json(event, bytes(16))

    assert b"\n" not in told
    assert b"\r" not in told
    assert ({"a": "x\n"}, "k", 3, 5_000, 7) == tuple(
        orjson.loads(told)[name] for name in ("value", "key", "offset", "time_us", "received_us")
    )


def test_bytes_that_are_no_text_are_told_as_base64() -> None:
    event = to_event(Record("t", 0, 0, 0, b"\xff", b"\xfe", ()), received_us=0)

    told = orjson.loads(event_json(event, bytes(16)))

    assert ({"base64": "/w=="}, {"base64": "/g=="}) == (told["key"], told["value"])
