"""JSON → commands: the contract with viewers, tolerant in what it takes, clear in what it refuses.

Nothing that a viewer sends raises: what is wrong comes back as `Refused`, naming the field and the
value, and the session answers it in its turn. Work is bounded by the size of the text.
"""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, NoReturn

from tivo.model.errors import CommandError
from tivo.model.event import Cursor
from tivo.model.timeline import DAY_US, MILLISECOND_US
from tivo.playback import commands, values
from tivo.playback.commands import Change, Command, EndAction, Fit, Frames, OnSlow, Pacing, Rate, StepBy

MOST_BYTES = 256 << 10
"""Longest text of a command: room for the cursor of a session on many topics."""

_MOST_IGNORED = 16
_MOST_OFFSETS = 10_000
_MOST_NAMED = 64
"""Topics and globs that one command may name."""
_LARGEST = (1 << 53) - 1
_MOST_STEPS = 128


def decode(text: str | bytes | bytearray) -> Command:
    """The command of a text frame. Never raises."""
    ident: str | None = None
    action: str | None = None
    try:
        fields = _Fields(_object(text))
        ident = _ident(fields)
        action = _action(fields)
        return _reader(action)(fields, ident)
    except CommandError as error:
        return commands.Refused(id=ident, named=action, code=error.code, field=error.field, message=str(error))


# ---------------------------------------------------------------- the object


class _Fields:
    """The fields of a command; what nobody has taken at the end was not understood."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = dict(fields)

    def take(self, name: str) -> Any:
        """A field's value, None where it is null or absent."""
        return self._fields.pop(name, None)

    def named(self, name: str) -> bool:
        """Whether a field is there, be it null."""
        return name in self._fields

    def answer(self, ident: str | None) -> dict[str, Any]:
        """What every command says about its answer."""
        return {"id": ident, "ignored": tuple(name[:64] for name in [*self._fields][:_MOST_IGNORED])}


def _object(text: str | bytes | bytearray) -> Mapping[str, Any]:
    if len(text) > MOST_BYTES:
        raise CommandError(f"a command is at most {MOST_BYTES} bytes long, this one has {len(text)}", code="bad_json")
    try:
        found = json.loads(text, object_pairs_hook=_pairs, parse_constant=_constant, parse_float=Decimal)
    except RecursionError:
        raise CommandError("the command is nested too deeply", code="bad_json") from None
    except ValueError as error:
        raise CommandError(f"the command is not JSON: {error}", code="bad_json") from None
    if not isinstance(found, dict):
        raise CommandError("a command is a JSON object", code="bad_json")
    return found


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise CommandError(f"{name[:64]!r} is named twice", code="bad_json", field=name[:64])
        found[name] = value
    return found


def _constant(name: str) -> NoReturn:
    raise CommandError(f"{name} is not a JSON number", code="bad_json")


def _ident(fields: _Fields) -> str | None:
    ident = fields.take("id")
    if isinstance(ident, bool) or not isinstance(ident, str | int | None):
        raise values.wrong("id", "a string", ident)
    return ident if ident is None else str(ident)


def _action(fields: _Fields) -> str:
    action = fields.take("action")
    if not isinstance(action, str):
        raise values.wrong("action", "the name of an action", action, code="unknown_action")
    return action[:64]


def _reader(action: str) -> Callable[[_Fields, str | None], Command]:
    if action not in _READERS:
        raise CommandError(f"there is no action {action!r}", code="unknown_action", field="action")
    return _READERS[action]


# ---------------------------------------------------------------- commands


def _bare(kind: type[Command]) -> Callable[[_Fields, str | None], Command]:
    return lambda fields, ident: kind(**fields.answer(ident))


def _play(fields: _Fields, ident: str | None) -> Command:
    change = _change(fields)
    return commands.Play(change=change, **fields.answer(ident))


def _set(fields: _Fields, ident: str | None) -> Command:
    change = _change(fields)
    return commands.SetControls(change=change, **fields.answer(ident))


def _seek(fields: _Fields, ident: str | None) -> Command:
    to = values.position(fields.take("pos"))
    return commands.Seek(to=to, **fields.answer(ident))


def _step(fields: _Fields, ident: str | None) -> Command:
    given, by = fields.take("n"), fields.take("by")
    n = 1 if given is None else values.whole(given, "n", least=-_MOST_STEPS, most=_MOST_STEPS)
    if n == 0:
        raise values.wrong("n", f"from 1 to {_MOST_STEPS}, or negative to step back", given)
    unit = StepBy.EVENT if by is None else values.choice(by, "by", StepBy)
    return commands.Step(n=n, by=unit, **fields.answer(ident))


def _tail(fields: _Fields, ident: str | None) -> Command:
    longest_ms = Fraction(DAY_US, MILLISECOND_US)
    delay_ms = values.number(fields.take("delay_ms") or 0, "delay_ms", least=Fraction(0), most=longest_ms)
    return commands.Tail(delay_us=round(delay_ms * MILLISECOND_US), **fields.answer(ident))


def _subscribe(fields: _Fields, ident: str | None) -> Command:
    topics = values.names(fields.take("topics"), "topics", most=_MOST_NAMED, code="bad_glob")
    return commands.Subscribe(topics=topics, **fields.answer(ident))


def _unsubscribe(fields: _Fields, ident: str | None) -> Command:
    topics = values.names(fields.take("topics"), "topics", most=_MOST_NAMED, code="bad_glob")
    return commands.Unsubscribe(topics=topics, **fields.answer(ident))


def _overview(fields: _Fields, ident: str | None) -> Command:
    start = values.time(fields.take("start"), "start") if fields.named("start") else None
    end = values.time(fields.take("end"), "end") if fields.named("end") else None
    buckets = fields.take("buckets")
    count = 500 if buckets is None else values.whole(buckets, "buckets", least=1, most=2_000)
    return commands.AskOverview(start=start, end=end, buckets=count, **fields.answer(ident))


def _ack(fields: _Fields, ident: str | None) -> Command:
    n = values.whole(fields.take("n"), "n", least=0, most=_LARGEST)
    return commands.Ack(n=n, **fields.answer(ident))


def _resume(fields: _Fields, ident: str | None) -> Command:
    cursor = fields.take("cursor")
    if not isinstance(cursor, str):
        raise values.wrong("cursor", "the last cursor received", cursor)
    after = _after(fields.take("after"))
    offsets = _offsets(fields.take("offsets"))
    change = _change(fields)
    return commands.Resume(cursor=cursor, after=after, offsets=offsets, change=change, **fields.answer(ident))


def _after(given: Any) -> Cursor | None:
    """The place and time of an event: an object with its first four fields, or a list of them."""
    if given is None:
        return None
    place = given
    if isinstance(given, dict):
        place = [given.get(name) for name in ("time_us", "topic", "partition", "offset")]
    match place:
        case [int(time_us), str(topic), int(partition), int(offset)]:
            if max(abs(time_us), abs(partition), abs(offset)) <= _LARGEST:
                return Cursor(time_us, topic, partition, offset)
    raise values.wrong("after", "the time_us, topic, partition and offset of an event", given)


def _offsets(given: Any) -> Mapping[str, Mapping[int, int]]:
    """Per topic and partition an offset; partitions are strings, as JSON has no other keys."""
    if given is None:
        return {}
    if not isinstance(given, dict) or not all(isinstance(places, dict) for places in given.values()):
        raise values.wrong("offsets", "an object of topics, each an object of partitions", given)
    if sum(map(len, given.values())) > _MOST_OFFSETS:
        raise CommandError(f"offsets names more than {_MOST_OFFSETS} partitions", code="bad_value", field="offsets")
    return {
        topic: {
            values.whole(partition, "offsets", least=0, most=1 << 31): values.whole(
                offset, "offsets", least=0, most=_LARGEST
            )
            for partition, offset in places.items()
        }
        for topic, places in given.items()
    }


_READERS: dict[str, Callable[[_Fields, str | None], Command]] = {
    "play": _play,
    "pause": _bare(commands.Pause),
    "stop": _bare(commands.Stop),
    "seek": _seek,
    "step": _step,
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


# ---------------------------------------------------------------- controls


def _change(fields: _Fields) -> Change:
    """The controls that a command names."""

    def read(name: str, reader: Callable[[Any], Any], *, null: bool = True) -> Any:
        """A control, None where it is not named; null switches off what can be off."""
        if not fields.named(name):
            return None
        given = fields.take(name)
        return None if given is None and not null else reader(given)

    keys, where = read("filter", values.event_filter) or (None, None)
    return Change(
        start=read("start", lambda given: values.time(given, "start")),
        end=read("end", lambda given: values.time(given, "end")),
        pos=read("pos", values.position, null=False),
        pacing=_pacing(fields),
        max_gap_us=read("max_gap", lambda given: values.off_or(lambda gap: values.duration_us(gap, "max_gap"), given)),
        min_gap_us=read("min_gap", lambda given: values.off_or(_min_gap, given)),
        max_rate=read("max_rate", lambda given: values.off_or(_most, given)),
        loop=read("loop", values.loop, null=False),
        end_action=read("end_action", lambda given: values.choice(given, "end_action", EndAction), null=False),
        image=read("image", lambda given: values.truth(given, "image")),
        keys=keys,
        where=where,
        catch_up=read("catch_up", lambda given: values.off_or(values.catch_up, given)),
        on_slow=read("on_slow", lambda given: values.choice(given, "on_slow", OnSlow), null=False),
        frames=read("frames", lambda given: values.choice(given, "frames", Frames), null=False),
        clock_hz=read("clock_hz", _clock_hz, null=False),
    )


def _pacing(fields: _Fields) -> Pacing | None:
    """At most one of speed, fit and rate."""
    given = {name: value for name in ("speed", "fit", "rate") if (value := fields.take(name)) is not None}
    if len(given) > 1:
        raise CommandError(f"only one of {' and '.join(given)} can set the pace", code="bad_speed", field=[*given][-1])
    for name, value in given.items():
        if name == "speed":
            return values.speed(value)
        if name == "fit":
            return Fit(values.duration_us(value, "fit", code="bad_speed", least_us=1))
        return Rate(values.number(value, "rate", least=values.SLOWEST, most=values.FASTEST, code="bad_speed"))
    return None


def _most(given: Any) -> Fraction:
    return values.number(given, "max_rate", least=Fraction(0), most=values.FASTEST)


def _min_gap(given: Any) -> int:
    return values.duration_us(given, "min_gap", most_us=DAY_US)


def _clock_hz(given: Any) -> Fraction:
    return values.number(given, "clock_hz", least=Fraction(0), most=Fraction(60))
