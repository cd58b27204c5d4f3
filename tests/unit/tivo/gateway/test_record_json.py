import pytest

from tivo.client.producer import NewRecord
from tivo.gateway.record_json import bare_record, listed_record, raw_record, split_batch
from tivo.model.errors import RecordError
from tivo.model.timeline import HOUR_US

NOW_US = 1_700_000_000_123_456
RECEIVED = ("tivo-received-us", b"1700000000123456")


def listed(text: str) -> NewRecord:
    return listed_record(text.encode(), received_us=NOW_US)


def bare(text: str) -> NewRecord:
    return bare_record(text.encode(), received_us=NOW_US)


def test_a_value_keeps_the_bytes_that_were_sent() -> None:
    text = '{"b": 1.10,\n "a" : "\\u00e9"}'

    assert text.encode() == listed(f'{{"value":{text}}}').value


def test_null_deletes_a_key() -> None:
    assert NewRecord(key=b"k", value=None, headers=(RECEIVED,), time_us=NOW_US) == listed('{"key":"k","value":null}')


@pytest.mark.parametrize(
    ("key", "expected"), [('"kä"', "kä".encode()), ("null", None), ("12", b"12"), ('{"a":1}', b'{"a":1}')]
)
def test_a_key_is_its_characters_or_its_json(key: str, expected: bytes | None) -> None:
    assert expected == listed(f'{{"key":{key},"value":1}}').key


def test_headers_come_as_object_or_as_pairs() -> None:
    assert (("a", b"1"), ("b", None), RECEIVED) == listed('{"value":1,"headers":{"a":"1","b":null}}').headers
    assert (("a", b"1"), ("a", b"2"), RECEIVED) == listed('{"value":1,"headers":[["a","1"],["a","2"]]}').headers


def test_the_headers_of_tivo_are_written_by_tivo_alone() -> None:
    assert (RECEIVED,) == listed('{"value":1,"headers":{"tivo-received-us":"1","tivo-time-us":"2"}}').headers


def test_a_time_finer_than_a_millisecond_keeps_its_precision() -> None:
    record = listed('{"value":1,"time":"2016-01-15T14:32:24.123456Z"}')

    assert 1_452_868_344_123_456 == record.time_us
    assert (("tivo-time-us", b"1452868344123456"), RECEIVED) == record.headers


def test_a_time_in_milliseconds_needs_no_header() -> None:
    assert (RECEIVED,) == listed('{"value":1,"time":1452868344123}').headers


@pytest.mark.parametrize(
    ("time", "expected_us"),
    [
        ("1452868344", 1_452_868_344_000_000),
        ('"1452868344.5"', 1_452_868_344_500_000),
        ('"now"', NOW_US),
        ('"-1h"', NOW_US - HOUR_US),
    ],
)
def test_a_time_is_read_as_people_write_it(time: str, expected_us: int) -> None:
    assert expected_us == listed(f'{{"value":1,"time":{time}}}').time_us


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"value":1,"time":"soon"}', "time must be a time .* got 'soon'"),
        ('{"value":1,"time":-5}', "before 1970"),
        ('{"value":1,"time":"+2h"}', "more than an hour ahead"),
        ('{"value":1,"time":1e300}', "time must be"),
        ('{"value":1,"time":"pos+1s"}', "stands by itself"),
        ('{"value":1,"time":"beginning"}', "stands by itself"),
        ('{"value":1,"time":true}', "not a record"),
        ('{"value":1,"partition":-1}', "partition must be"),
        ('{"value":1,"partition":"0"}', "not a record"),
        ('{"value":1,"headers":{"a":1}}', "not a record"),
        ('{"key":"a"}', 'needs a "value"'),
        ('{"value":1,"valeu":2}', "valeu"),
        ('{"value":NaN}', "not a record"),
        ("[1]", "not a record"),
        ('{"value":' + "[" * 5_000 + "]" * 5_000 + "}", "not a record"),
    ],
)
def test_a_record_that_cannot_be_taken_says_why(text: str, why: str) -> None:
    with pytest.raises(RecordError, match=why):
        listed(text)


def test_a_text_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(RecordError, match="not UTF-8"):
        listed_record(b'{"value":"\xff"}', received_us=NOW_US)
    with pytest.raises(RecordError, match="not UTF-8"):
        listed_record(b'{"key":"\xff","value":1}', received_us=NOW_US)


def test_a_bare_object_with_the_fields_of_a_record_is_one() -> None:
    assert NewRecord(key=b"k", value=b"3", headers=(RECEIVED,), time_us=NOW_US) == bare('{"key":"k","value":3}')


@pytest.mark.parametrize("text", ['{"temp": 3}', '{"value":3,"unit":"C"}', '{"key":"k"}', "[1, 2]", "3", '"x"'])
def test_anything_else_is_itself_the_value(text: str) -> None:
    assert NewRecord(value=text.encode(), headers=(RECEIVED,), time_us=NOW_US) == bare(f" {text}\r")


@pytest.mark.parametrize("text", ["{", "", '{"a":1}}', "nope", '{"value":1,"time":"x"}'])
def test_a_bare_text_that_is_not_json_or_a_wrong_record_is_refused(text: str) -> None:
    with pytest.raises(RecordError):
        bare(text)


def test_a_batch_is_split_into_its_records() -> None:
    assert [b'{"value":1}', b"2"] == split_batch(b'{"records":[{"value":1}, 2]}')
    assert [] == split_batch(b'{"records":[]}')
    assert None is split_batch(b'{"value":1}')


@pytest.mark.parametrize("body", [b"", b"[]", b"3", b"{", b'{"records":1}', b'{"records":[1],"topic":"t"}', b"\xff"])
def test_a_body_that_is_no_batch_and_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(RecordError):
        split_batch(body)


def test_a_raw_value_takes_the_rest_from_the_query() -> None:
    record = raw_record(b"\xff\x00", {"key": "k", "time": "1452868344", "partition": "2"}, received_us=NOW_US)

    expected = NewRecord(key=b"k", value=b"\xff\x00", headers=(RECEIVED,), time_us=1_452_868_344_000_000, partition=2)
    assert expected == record


@pytest.mark.parametrize("partition", ["-1", "x", "", "9" * 30])
def test_a_raw_value_with_a_wrong_partition_is_refused(partition: str) -> None:
    with pytest.raises(RecordError, match="partition must be"):
        raw_record(b"", {"partition": partition}, received_us=NOW_US)
