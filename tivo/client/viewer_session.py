"""One playback as a Python viewer sees it: what it is sent, and how to go on after a lost connection. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import msgspec

REMEMBERED_PLACES = 8_192
"""Events since the last cursor that are told from their repeats; a gateway names a new cursor far more often."""

Notice: TypeAlias = dict[str, Any]
"""Anything that the gateway says, as JSON."""

Status: TypeAlias = Literal["paused", "playing", "tailing", "buffering", "ended"]

RESUME = "resume"
"""The id of the command whose answer tells whether a new connection stands where the old one was."""

LAST_REFUSAL = 3
"""When `refused` is so high there is nothing less to ask for."""

_PACINGS = ("fit", "rate", "speed")
_NOT_KEPT = frozenset({"action", "id", "start", "end", "pos"})


class ShownEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An event as a viewer gets it. `key` and `value` are JSON, else text, else `{"base64": …}`."""

    topic: str
    partition: int
    offset: int
    time_us: int
    received_us: int
    id: str
    key: Any = None
    value: Any = None
    headers: dict[str, Any] = {}
    due_us: int | None = None
    late: bool = False
    early: bool = False


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """Events that fall due together; `n` counts the frames of one connection from 1."""

    epoch: int
    n: int
    iteration: int = 0
    live: bool = False
    thinned: int = 0
    cursor: str | None = None
    events: tuple[ShownEvent, ...]


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Where the session stands. A bound that is None is unbounded; speed is None where events are evenly spaced."""

    status: Status = "paused"
    start_us: int | None = None
    end_us: int | None = None
    pos_us: int | None = None
    speed: float | Literal["unlimited"] | None = 1
    loop: Any = False
    iteration: int = 0
    epoch: int = -1
    cursor: str | None = None
    cause: str | None = None

    @property
    def is_halted(self) -> bool:
        """Whether it holds until somebody says play."""
        return self.status in {"paused", "ended"}


class ViewerSession:
    """Takes notices in the order in which they come.

    `state` and `topics` are what holds now; `told` counts how often the gateway told the state,
    `refused` how often in turn it refused to go on.
    """

    def __init__(self, topics: Sequence[str]) -> None:
        self.state = State()
        self.topics = list(topics)
        self.told = 0
        self.refused = 0
        self._controls: dict[str, object] = {}
        self._cursor: str | None = None
        self._after: dict[str, Any] | None = None
        self._offsets: dict[str, dict[str, int]] = {}
        self._seen: dict[tuple[str, int, int], None] = {}
        self._resumed = False

    def keep(self, command: Mapping[str, Any]) -> None:
        """Remember a command that the gateway took: its controls and topics hold after a reconnect too.

        Window and position are in the cursor.
        """
        match command["action"]:
            case "play" | "set":
                self._keep({name: value for name, value in command.items() if name not in _NOT_KEPT})
            case "subscribe":
                self.topics += [topic for topic in command["topics"] if topic not in self.topics]
            case "unsubscribe":
                self.topics = [topic for topic in self.topics if topic not in command["topics"]]

    def resume(self) -> list[dict[str, object]]:
        """The commands that put a new connection right behind the last event received, running or paused as before.

        To be asked once per connection: from then on repeats of what is already here are dropped. Each
        time the gateway refuses the one with the id RESUME (count it in `refused`) it is asked for
        less: for the controls one by one, then to begin anew.
        """
        if self._cursor is None:
            return []
        self.state = msgspec.structs.replace(self.state, epoch=-1)
        self._resumed = True
        place = {"cursor": self._cursor, "after": self._after, "offsets": self._offsets}
        resume: dict[str, object] = {"action": "resume", "id": RESUME, **place}
        singly: list[dict[str, object]] = [{"action": "set", name: value} for name, value in self._controls.items()]
        pause: list[dict[str, object]] = [{"action": "pause"}] if self.state.is_halted else []
        match self.refused:
            case 0:
                return [{**resume, **self._controls}, *pause]
            case 1:
                return [resume, *singly, *pause]
            case _:
                return self._anew(singly)

    def _anew(self, singly: list[dict[str, object]]) -> list[dict[str, object]]:
        """The same window once more, from the time of the last event on."""
        state = self.state
        bounds = {"start": _seconds(state.start_us), "end": _seconds(state.end_us)}
        window: dict[str, object] = {"action": "set", **bounds}
        if state.status == "tailing" and state.end_us is None:
            return [window, *singly, {"action": "tail", "id": RESUME}]
        at_us = state.pos_us if self._after is None else self._after["time_us"]
        pos = None if state.status == "ended" else _seconds(at_us)
        return [window, *singly, {"action": "set" if state.is_halted else "play", "id": RESUME, "pos": pos}]

    def hear(self, notice: Notice) -> None:
        """Take a notice other than a frame."""
        match notice["type"]:
            case "state":
                self.told += 1
                self.become(notice, told=True)
            case "reset":
                self.state = msgspec.structs.replace(self.state, epoch=notice["epoch"])
                self._cursor = notice.get("cursor") or self._cursor
                self._forget(offsets=True)
                self._resumed = False
            case "caught_up":
                offsets = notice.get("offsets") or {}
                self._offsets = {topic: dict(following) for topic, following in offsets.items()}
            case "gap" if notice["reason"] == "deleted":  # made anew, a topic counts from 0 again
                self._offsets.pop(notice["topic"], None)

    def take(self, frame: Frame) -> list[ShownEvent]:
        """The events of a frame that are not here yet, in order; none where its epoch is over."""
        if frame.epoch < self.state.epoch:
            return []
        events = [event for event in frame.events if not (self._resumed and self._holds(event))]
        self._name_cursor(frame.cursor, live=frame.live)
        for event in events:
            self._note(event, live=frame.live)
        return events

    def become(self, state: Notice, *, told: bool = False) -> None:
        """Take a state, `told` in its turn or else come with an answer.

        An answer may overtake frames, so its cursor holds only where it opens an epoch.
        """
        before = self.state.epoch
        if state["epoch"] < before:
            return
        self.state = msgspec.convert({**msgspec.structs.asdict(self.state), **state}, State)
        # Whoever changed them: going live gives up what needs an end.
        told_controls = ("loop", *[name for name in _PACINGS if state.get(name) is not None][:1])
        self._keep({name: state[name] for name in told_controls if name in state})
        if told or self.state.epoch > before:
            self._name_cursor(self.state.cursor, live=self.state.status == "tailing")

    def _keep(self, controls: Mapping[str, object]) -> None:
        gone = _PACINGS if any(name in controls for name in _PACINGS) else ()
        self._controls = {name: value for name, value in self._controls.items() if name not in gone} | {**controls}

    def _name_cursor(self, cursor: str | None, *, live: bool) -> None:
        """The gateway names the place itself: what came before it does not come again."""
        if cursor is not None and cursor != self._cursor:
            self._cursor = cursor
            self._forget(offsets=not live)

    def _forget(self, *, offsets: bool) -> None:
        self._after = None
        self._seen.clear()
        if offsets:
            self._offsets = {}

    def _holds(self, event: ShownEvent) -> bool:
        following = self._offsets.get(event.topic, {}).get(str(event.partition), 0)
        return event.offset < following or (event.topic, event.partition, event.offset) in self._seen

    def _note(self, event: ShownEvent, *, live: bool) -> None:
        topic, partition, offset = event.topic, event.partition, event.offset
        if live:
            self._offsets.setdefault(topic, {})[str(partition)] = offset + 1
        elif not event.late and not event.early:
            self._after = {"time_us": event.time_us, "topic": topic, "partition": partition, "offset": offset}
        self._seen[topic, partition, offset] = None
        if len(self._seen) > REMEMBERED_PLACES:
            del self._seen[next(iter(self._seen))]


def _seconds(time_us: int | None) -> float | None:
    """A time as viewers write it; None is unbounded, or not known."""
    return None if time_us is None else time_us / 1_000_000
