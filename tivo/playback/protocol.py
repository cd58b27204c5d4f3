"""JSON → commands: the contract with viewers, tolerant in what it takes, clear in what it refuses.

Nothing that a viewer sends raises: what is wrong comes back as `Refused`, naming the field and the
value, and the session answers it in its turn. Work is bounded by the size of the text.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from tivo.model.errors import CommandError
from tivo.model.event import Cursor
from tivo.playback import commands
from tivo.playback.commands import Command
from tivo.playback.fields import (
    LARGEST_OFFSET,
    Fields,
    read_change,
    read_count,
    read_milliseconds,
    read_optional_time,
    read_position,
    read_text,
    read_topics,
    refuse,
)

MOST_BYTES = 256 << 10
"""Longest text of a command: room for the cursor of a session on many topics."""

_MOST_IGNORED = 16
_MOST_OFFSETS = 10_000

NOT_OFFERED = frozenset({"step", "mark", "unmark", "marks", "open", "join", "close"})
"""Actions of the protocol that this server does not offer yet."""


def decode(text: str | bytes | bytearray) -> Command:
    """The command of a text frame. Never raises."""
    ident: str | None = None
    action: str | None = None
    try:
        fields = Fields(_object(text))
        ident = _ident(fields)
        action = read_text(fields, "action")
        command = _command(action, fields, ident)
    except CommandError as error:
        return commands.Refused(id=ident, named=action, code=error.code, field=error.field, message=str(error))
    return command


def _object(text: str | bytes | bytearray) -> Mapping[str, Any]:
    if len(text) > MOST_BYTES:
        raise CommandError(f"a command is at most {MOST_BYTES} bytes long, this one has {len(text)}", code="bad_json")
    try:
        found = json.loads(text, object_pairs_hook=_pairs, parse_constant=_constant)
    except RecursionError:
        raise CommandError("the command is nested too deeply", code="bad_json") from None
    except ValueError as error:
        raise CommandError(f"the command is not JSON: {error}", code="bad_json") from None
    if not isinstance(found, dict):
        raise CommandError("a command is a JSON object", code="bad_json")
    return found


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise CommandError(f"{twice[:64]!r} is named twice", code="bad_json", field=twice[:64])
    return found


def _constant(name: str) -> NoReturn:
    raise CommandError(f"{name} is not a JSON number", code="bad_json")


def _ident(fields: Fields) -> str | None:
    ident = fields.take("id")
    if ident is None or isinstance(ident, str):
        return ident
    if isinstance(ident, int) and not isinstance(ident, bool):
        return str(ident)
    refuse("id", ident, "a string")


def _command(action: str, fields: Fields, ident: str | None) -> Command:
    if action in NOT_OFFERED:
        raise CommandError(f"{action!r} is not offered by this server yet", code="not_offered", field="action")
    read = _READERS.get(action)
    if read is None:
        raise CommandError(f"there is no action {action[:64]!r}", code="unknown_action", field="action")
    named = read(fields)
    ignored = tuple(name[:64] for name in fields.left()[:_MOST_IGNORED])
    return named(ident, ignored)


_Made = Callable[[str | None, tuple[str, ...]], Command]


def _bare(kind: type[Command]) -> Callable[[Fields], _Made]:
    def read(fields: Fields) -> _Made:
        del fields
        return lambda ident, ignored: kind(id=ident, ignored=ignored)

    return read


def _play(fields: Fields) -> _Made:
    change = read_change(fields)
    return lambda ident, ignored: commands.Play(id=ident, ignored=ignored, change=change)


def _set(fields: Fields) -> _Made:
    change = read_change(fields)
    return lambda ident, ignored: commands.SetControls(id=ident, ignored=ignored, change=change)


def _seek(fields: Fields) -> _Made:
    to = read_position(fields, "pos")
    if to is None:
        raise CommandError("seek needs pos", code="bad_time", field="pos")
    return lambda ident, ignored: commands.Seek(id=ident, ignored=ignored, to=to)


def _tail(fields: Fields) -> _Made:
    delay_us = read_milliseconds(fields, "delay_ms")
    return lambda ident, ignored: commands.Tail(id=ident, ignored=ignored, delay_us=delay_us)


def _subscribe(fields: Fields) -> _Made:
    topics = read_topics(fields)
    return lambda ident, ignored: commands.Subscribe(id=ident, ignored=ignored, topics=topics)


def _unsubscribe(fields: Fields) -> _Made:
    topics = read_topics(fields)
    return lambda ident, ignored: commands.Unsubscribe(id=ident, ignored=ignored, topics=topics)


def _overview(fields: Fields) -> _Made:
    start, end = read_optional_time(fields, "start"), read_optional_time(fields, "end")
    buckets = read_count(fields, "buckets", default=500, least=1, most=2_000)
    return lambda ident, ignored: commands.AskOverview(id=ident, ignored=ignored, start=start, end=end, buckets=buckets)


def _ack(fields: Fields) -> _Made:
    n = read_count(fields, "n", default=None, least=0, most=LARGEST_OFFSET)
    return lambda ident, ignored: commands.Ack(id=ident, ignored=ignored, n=n)


def _resume(fields: Fields) -> _Made:
    cursor = read_text(fields, "cursor")
    after = _after(fields.take("after"))
    offsets = _offsets(fields.take("offsets"))
    change = read_change(fields)
    return lambda ident, ignored: commands.Resume(
        id=ident, ignored=ignored, cursor=cursor, after=after, offsets=offsets, change=change
    )


def _after(value: Any) -> Cursor | None:
    """The place and time of an event: an object with its first four fields, or a list of them."""
    if value is None:
        return None
    if isinstance(value, dict):
        value = [value.get(name) for name in ("time_us", "topic", "partition", "offset")]
    match value:
        case [int(time_us), str(topic), int(partition), int(offset)] if _whole(time_us, partition, offset):
            return Cursor(time_us, topic, partition, offset)
    refuse("after", value, "the time_us, topic, partition and offset of an event")


def _offsets(value: Any) -> Mapping[str, Mapping[int, int]]:
    """Per topic and partition an offset. JSON has no keys but strings."""
    if value is None:
        return {}
    found: dict[str, dict[int, int]] = {}
    if not isinstance(value, dict) or not all(isinstance(places, dict) for places in value.values()):
        refuse("offsets", value, "an object of topics, each an object of partitions")
    if sum(map(len, value.values())) > _MOST_OFFSETS:
        raise CommandError(f"offsets names more than {_MOST_OFFSETS} partitions", code="bad_value", field="offsets")
    for topic, places in value.items():
        for partition, offset in places.items():
            if not (partition.isascii() and partition.isdigit() and len(partition) < 10):
                refuse("offsets", partition, "a partition's number")
            if not _whole(offset) or offset < 0:
                refuse("offsets", offset, "an offset")
            found.setdefault(topic, {})[int(partition)] = offset
    return found


def _whole(*values: Any) -> bool:
    return all(type(value) is int and abs(value) <= LARGEST_OFFSET for value in values)


_READERS: dict[str, Callable[[Fields], _Made]] = {
    "play": _play,
    "pause": _bare(commands.Pause),
    "stop": _bare(commands.Stop),
    "seek": _seek,
    "set": _set,
    "tail": _tail,
    "subscribe": _subscribe,
    "unsubscribe": _unsubscribe,
    "state": _bare(commands.AskState),
    "overview": _overview,
    "topics": _bare(commands.AskTopics),
    "resume": _resume,
    "ack": _ack,
}
