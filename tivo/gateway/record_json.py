"""JSON that clients post, as records for the log. Values keep the very bytes that were sent."""

from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from tivo.client.producer import NewRecord
from tivo.model.errors import CommandError, RecordError
from tivo.model.event import RECEIVED_HEADER, TIME_HEADER, Headers
from tivo.model.record import MAX_FUTURE_US
from tivo.model.timeline import MILLISECOND_US
from tivo.playback import values
from tivo.playback.commands import At, FromNow

_NULL = b"null"
_QUOTE = ord('"')


class _Fields(msgspec.Struct, forbid_unknown_fields=True):
    value: Raw | UnsetType = UNSET
    key: Raw = Raw(_NULL)
    headers: dict[str, str | None] | list[tuple[str, str | None]] | None = None
    time: str | int | float | None = None
    partition: int | None = None


_Fields_decoder = msgspec.json.Decoder(_Fields)
_batch_decoder = msgspec.json.Decoder(dict[str, Raw])
_list_decoder = msgspec.json.Decoder(list[Raw])
_any_decoder = msgspec.json.Decoder(Raw)
_text_decoder = msgspec.json.Decoder(str)


def split_batch(body: bytes) -> list[bytes] | None:
    """The records of `{"records": […]}`, each as it was sent; None where the body is one bare object.

    Raises RecordError where the body is no JSON object, or `records` stands beside other fields or is no list.
    """
    try:
        fields = _batch_decoder.decode(body)
        if "records" not in fields:
            return None
        records = [bytes(each) for each in _list_decoder.decode(fields.pop("records"))]
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise RecordError(f'the body must be a JSON object, or {{"records": […]}}: {error}') from None
    if fields:
        raise RecordError(f'nothing may stand beside "records", got {", ".join(sorted(fields))}')
    return records


def listed_record(text: bytes, *, received_us: int) -> NewRecord:
    """A record out of a list. Raises RecordError where it is none or has a field that no record has."""
    try:
        fields = _Fields_decoder.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise RecordError(f"not a record: {error}") from None
    if fields.value is UNSET:
        raise RecordError('a record needs a "value"; null deletes its key')
    return _record(fields, received_us=received_us)


def bare_record(text: bytes, *, received_us: int) -> NewRecord:
    """A bare object: a record where it has the fields of one, "value" among them; else it is itself the value.

    Raises RecordError where the text is not JSON, or a field of the record is wrong.
    """
    try:
        _any_decoder.decode(text)
        names = _batch_decoder.decode(text).keys() if text.lstrip()[:1] == b"{" else ()
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise RecordError(f"not JSON: {error}") from None
    if "value" in names and set(names) <= set(_Fields.__struct_fields__):
        return listed_record(text, received_us=received_us)
    return _record(_Fields(value=Raw(text.strip())), received_us=received_us)


def raw_record(value: bytes, query: Any, *, received_us: int) -> NewRecord:
    """One value as it is; key, time and partition stand in the query string. Raises RecordError."""
    key, partition = query.get("key"), query.get("partition")
    if partition is not None and not (partition.isascii() and partition.isdigit() and len(partition) < 10):
        raise RecordError(f"partition must be a whole number, got {partition!r}")
    time_us = _time(query.get("time"), received_us=received_us)
    return NewRecord(
        key=None if key is None else key.encode(),
        value=value,
        headers=_headers((), time_us, received_us=received_us),
        time_us=received_us if time_us is None else time_us,
        partition=None if partition is None else int(partition),
    )


def _record(fields: _Fields, *, received_us: int) -> NewRecord:
    given = fields.headers or {}
    pairs = given.items() if isinstance(given, dict) else given
    time_us = _time(fields.time, received_us=received_us)
    if fields.partition is not None and not 0 <= fields.partition < 2**31:
        raise RecordError(f"partition must be a whole number, got {fields.partition}")
    assert not isinstance(fields.value, UnsetType)
    value = _checked(fields.value)
    return NewRecord(
        key=_key(fields.key),
        value=None if value == _NULL else value,
        headers=_headers(
            tuple((name, None if text is None else text.encode()) for name, text in pairs),
            time_us,
            received_us=received_us,
        ),
        time_us=received_us if time_us is None else time_us,
        partition=fields.partition,
    )


def _checked(raw: Raw) -> bytes:
    """The bytes of a text. msgspec skips over one without reading it as UTF-8, which JSON must be."""
    text = bytes(raw)
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise RecordError(f"not UTF-8: {error.reason} at byte {error.start}") from None
    return text


def _key(raw: Raw) -> bytes | None:
    """A string stands for its characters, null for no key, anything else for its JSON text."""
    text = _checked(raw)
    if text == _NULL:
        return None
    return _text_decoder.decode(text).encode() if text[0] == _QUOTE else text


def _headers(given: Headers, time_us: int | None, *, received_us: int) -> Headers:
    """The headers as given, less those that only tivo writes, and these."""
    kept = tuple(pair for pair in given if pair[0] not in {RECEIVED_HEADER, TIME_HEADER})
    if time_us is not None and time_us % MILLISECOND_US:
        kept += ((TIME_HEADER, b"%d" % time_us),)
    return (*kept, (RECEIVED_HEADER, b"%d" % received_us))


def _time(given: str | int | float | None, *, received_us: int) -> int | None:
    if given is None:
        return None
    time_us = _resolved(given, received_us=received_us)
    if time_us < 0:
        raise RecordError(f"time {given!r} lies before 1970, which the log cannot hold")
    if time_us > received_us + MAX_FUTURE_US:
        raise RecordError(f"time {given!r} lies more than an hour ahead")
    return time_us


def _resolved(given: str | int | float, *, received_us: int) -> int:
    try:
        match values.time(repr(given) if isinstance(given, float) else given, "time"):
            case At(time_us):
                return time_us
            case FromNow(offset_us):
                return received_us + offset_us
    except CommandError as error:
        raise RecordError(str(error)) from None
    raise RecordError(f"time must be one that stands by itself, got {given!r}")
