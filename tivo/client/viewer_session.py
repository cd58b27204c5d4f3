"""One playback as a Python viewer sees it: what it is sent, and how to go on after a lost connection. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import msgspec

REMEMBERED_PLACES = 8_192
"""Events since the last cursor that are told from their repeats; a gateway names a new cursor far more often."""

Notice: TypeAlias = dict[str, Any]
"""Anything that the gateway says, as JSON."""

Status: TypeAlias = Literal["paused", "playing", "tailing", "buffering", "ended"]

_PACINGS = frozenset({"speed", "fit", "rate"})
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

    `state` and `topics` are what holds now; `told` counts how often the gateway told the state.
    """

    def __init__(self, topics: Sequence[str]) -> None:
        self.state = State()
        self.topics = list(topics)
        self.told = 0
        self._controls: dict[str, object] = {}
        self._cursor: str | None = None
        self._after: dict[str, object] | None = None
        self._offsets: dict[str, dict[str, int]] = {}
        self._seen: dict[tuple[str, int, int], None] = {}
        self._resumed = False

    def keep(self, command: Mapping[str, Any]) -> None:
        """Remember a command that the gateway took: its controls and topics hold after a reconnect too.

        Window and position are in the cursor.
        """
        match command["action"]:
            case "play" | "set" | "tail":
                controls = {name: value for name, value in command.items() if name not in _NOT_KEPT}
                gone = _PACINGS if _PACINGS & controls.keys() else frozenset[str]()
                kept = {name: value for name, value in self._controls.items() if name not in gone}
                self._controls = {**kept, **controls}
            case "subscribe":
                self.topics += [topic for topic in command["topics"] if topic not in self.topics]
            case "unsubscribe":
                self.topics = [topic for topic in self.topics if topic not in command["topics"]]

    def resume(self) -> list[dict[str, object]]:
        """The commands that put a new connection right behind the last event received, running or paused as before.

        To be asked once per connection: from then on repeats of what is already here are dropped.
        """
        if self._cursor is None:
            return []
        self.state = msgspec.structs.replace(self.state, epoch=-1)
        self._resumed = True
        place = {"cursor": self._cursor, "after": self._after, "offsets": self._offsets}
        resume = {"action": "resume", **self._controls, **place}
        return [resume, {"action": "pause"}] if self.state.is_halted else [resume]

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
        if told or self.state.epoch > before:
            self._name_cursor(self.state.cursor, live=self.state.status == "tailing")

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
