"""Plays the session's scenario files: what is said and what happens, and when which notice has to come.

A scenario has `topics` (names to partitions), `plays` (what the socket asks for), `records` that are
stored when it begins, and `steps` in order of time (`at_us`, from its beginning). A step is one of

- `do`: what the viewer says, an object or a text; its id is the number of the `do`
- `fact`: what happens in the world, see `_Stage.happens`
- `hear`: the notices that come then, all of them, in order
- `viewer`: what a viewer has come to by then; only its position is known here

`scenarios/notices.json` says what a notice says where a scenario does not. Neither the text of a
cursor or a message counts, nor the id of an event. JavaScript plays the same files from the other
side, in tests/console/scenarios.test.js.
"""

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from tests.unit.tivo.playback.events import WALL_US, event, topic
from tests.unit.tivo.playback.player import Player
from tivo.model.event import Event, Lost
from tivo.playback.effects import Effect
from tivo.playback.encoding import encode
from tivo.playback.facts import Answered, OutboxDrained, OutboxFull, ReadFailed, Source, TopicRef
from tivo.playback.protocol import decode

Json = dict[str, Any]

_FILES = files("tests.conformance.playback") / "scenarios"
_DEFAULTS: Json = json.loads((_FILES / "notices.json").read_text(encoding="utf-8"))
_NOT_COMPARED = {"cursor", "message", "id"}
_MORE_MAY_COME = {"hello", "ack", "error", "state", "clock"}
"""Notices that grow by addition; of the others every field counts."""


def read() -> Iterator[tuple[str, Json]]:
    """Every scenario, by the name of its file and its own."""
    for path in sorted(_FILES.iterdir(), key=lambda path: path.name):
        if path.name != "notices.json":
            for name, scenario in json.loads(path.read_text(encoding="utf-8"))["scenarios"].items():
                yield f"{path.name.removesuffix('.json')}: {name}", scenario


def play(scenario: Json) -> list[tuple[int, Json]]:
    """What came, and when."""
    return _Stage(scenario).play()


def expected(scenario: Json) -> list[tuple[int, Json]]:
    """What has to come, and when, with all that goes without saying."""
    records = {record["is"]: _record(record) for record in _records(scenario)}
    return [(step["at_us"], _whole(written, records)) for step in scenario["steps"] for written in step.get("hear", [])]


def differ(wanted: Json, came: Json) -> bool:
    """Whether a notice says anything else than it has to."""
    if came["type"] in _MORE_MAY_COME:
        came = {name: value for name, value in came.items() if name in wanted}
        if isinstance(wanted.get("state"), dict):
            came["state"] = {name: value for name, value in came["state"].items() if name in wanted["state"]}
    return wanted != came


def heard(notice: Json) -> Json:
    """A notice less what does not count; of a frame's cursor, that it is there."""
    told = {name: value for name, value in notice.items() if name not in _NOT_COMPARED}
    if notice["type"] in ("ack", "error"):
        told["id"] = notice["id"]
    if notice["type"] == "events":
        told["events"] = [heard_event(found) for found in notice["events"]]
        if "cursor" in notice:
            told["cursor"] = True
    if notice["type"] == "ack":
        told["state"] = {name: value for name, value in notice["state"].items() if name not in _NOT_COMPARED}
    return told


def heard_event(found: Json) -> Json:
    return {name: value for name, value in found.items() if name != "id"}


class _Stage(Player):
    """The world of a scenario; notices are kept with the time at which they were told."""

    def __init__(self, scenario: Json) -> None:
        self.stamps: list[int] = []
        self._steps = scenario["steps"]
        self._said = 0
        super().__init__(*_topics(scenario["topics"]), patterns=tuple(scenario["plays"]))
        self.has(map(_event, scenario["records"]))

    def _perform(self, effects: list[Effect]) -> None:
        super()._perform(effects)
        self.stamps += [self.steady_us] * (len(self.told) - len(self.stamps))

    def play(self) -> list[tuple[int, Json]]:
        for step in self._steps:
            self.run(step["at_us"] - self.steady_us)
            if "do" in step:
                self._say(step["do"])
            elif "fact" in step:
                self.happens(step["fact"])
            elif "viewer" in step:
                self._stands(step["viewer"])
        return [(at_us, heard(json.loads(encode(told)))) for at_us, told in zip(self.stamps, self.told, strict=True)]

    def _say(self, said: Json | str) -> None:
        if isinstance(said, str):
            self.do(decode(said))
            return
        if said["action"] != "ack":
            self._said += 1
            said = {"id": str(self._said), **said}
        if said["action"] == "resume":
            after = said.get("after")
            said = {**said, "cursor": self.cursor, "after": after and _timed(after)}
        self.do(decode(json.dumps(said)))

    def _stands(self, viewer: Json) -> None:
        """A viewer's idea of the position is the session's."""
        position_us = self.session.describe(self.now).pos_us
        if "position_us" in viewer and not viewer.get("estimates"):
            assert position_us is not None
            wanted_us = viewer["position_us"] + WALL_US
            assert abs(wanted_us - position_us) <= 1, f"a viewer is at {wanted_us}, the session at {position_us}"

    def happens(self, fact: Json) -> None:
        match fact:
            case {"records": records}:
                self.has(map(_event, records), stored=fact.get("stored", False))
            case {"trim": start, "topic": name}:
                self.trim(name, start)
            case {"topics": topics}:
                self.change(*_topics(topics))
            case {"set_aside": [base, following]}:
                self.lost = [Lost(0, base, following, "quarantine")]
            case {"away": away}:
                self.away = set(map(Source, away))
            case {"reads": "held"}:
                self.answers = False
            case {"reads": "answered"}:
                self.answers = True
                self.answer()
            case {"ring": "short"}:
                self.behind = True
            case {"ring": "long"}:
                self.behind = False
            case {"outbox": state}:
                self.receive(OutboxFull() if state == "full" else OutboxDrained())
            case {"answer": result}:
                self.receive(Answered(self.asked.pop(0).read, result))
            case {"fails": message}:
                self.receive(ReadFailed(self.asked.pop(0).read, Source.STORE, message))
            case {"socket": "lost"}:
                self.lose()
            case {"socket": "opened"}:
                self.connect()
            case _:
                raise AssertionError(f"nothing like this happens in any world: {fact}")


# ---------------------------------------------------------------- what is written, made whole


def _records(scenario: Json) -> Iterator[Json]:
    yield from scenario["records"]
    for step in scenario["steps"]:
        yield from step.get("fact", {}).get("records", [])


def _timed(written: Json) -> Json:
    return {
        name: value + WALL_US if name.endswith("_us") and name != "late_us" and value is not None else value
        for name, value in written.items()
    }


def _record(written: Json) -> Json:
    name, partition, offset = written["is"].rsplit("/", 2)
    given = {field: value for field, value in written.items() if field != "is"}
    return {
        "topic": name,
        "partition": int(partition),
        "offset": int(offset),
        **_timed({**_DEFAULTS["record"], **given}),
    }


def _event(written: Json) -> Event:
    record = _record(written)
    return event(
        record["time_us"],
        topic=record["topic"],
        partition=record["partition"],
        offset=record["offset"],
        key=None if record["key"] is None else record["key"].encode(),
        value=json.dumps(record["value"]).encode(),
    )


def _topics(written: Json) -> list[TopicRef]:
    return [
        topic(name, **(given if isinstance(given, dict) else {"partitions": given})) for name, given in written.items()
    ]


def _whole(written: Json, records: dict[str, Json]) -> Json:
    notice = _timed({**_DEFAULTS["notices"][written["type"]], **written})
    if notice["type"] == "ack":
        notice["state"] = _timed({**_DEFAULTS["notices"]["state"], **notice["state"]})
    if notice["type"] == "events":
        notice["events"] = [_shown(found, records) for found in notice["events"]]
    return notice


def _shown(written: Json | str, records: dict[str, Json]) -> Json:
    if isinstance(written, str):
        return records[written]
    return {**records[written["is"]], **{name: value for name, value in _timed(written).items() if name != "is"}}
