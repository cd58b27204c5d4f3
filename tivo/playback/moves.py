"""The moves that take a while: steps, and positions counted in batches. One is under way, the others wait behind it.

Each is answered when it is over. A command that moves the position otherwise ends them all: what was
shown by then was shown.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from tivo.model.errors import CommandError
from tivo.model.event import Cursor
from tivo.model.timeline import Now, Window
from tivo.playback.answers import Answer
from tivo.playback.commands import At, Batches, Command, Play, Seek, SetControls, Step, StepBy
from tivo.playback.controls import Controls
from tivo.playback.effects import Cancel
from tivo.playback.facts import NearRead, ReadFailed
from tivo.playback.merge import FIRST, behind
from tivo.playback.playback import AWAY, Playback
from tivo.playback.search import Search
from tivo.playback.steps import Steps

_MOST = 64


def batches(command: Command) -> int | None:
    """How many batches on or back a command wants to be; None where it does not count them."""
    match command:
        case Seek(to=Batches(number)):
            return number
        case Play(change=change) | SetControls(change=change):
            return change.pos.number if isinstance(change.pos, Batches) else None
        case _:
            return None


@dataclass(slots=True)
class Move:
    """A command that is not over, with the place of its answer. `then` is what it comes to, once that is known."""

    place: Answer
    command: Command
    then: Command | None = None
    error: CommandError | None = None


class Moves:
    """The moves in their order. `finish` answers one that is over."""

    def __init__(self, playback: Playback, finish: Callable[[Move, Now], None]) -> None:
        self._playback = playback
        self._finish = finish
        self._line: deque[Move] = deque()
        self._search: Search | None = None

    def step(self, place: Answer, command: Step, now: Now) -> None:
        """Step on or back, behind the moves before. Raises CommandError where too many wait."""
        if len(self._line) >= _MOST:
            raise CommandError(f"{_MOST} steps are waiting already", code="rate_limited")
        self._line.append(Move(place, command))
        if len(self._line) == 1:
            self._begin(command, now)

    def count(self, place: Answer, command: Command, number: int, controls: Controls, now: Now) -> None:
        """Look for the batch that a command wants to be at, under these controls, in place of the moves before."""
        self.drop(now)
        self._line.append(Move(place, command))
        self._look(abs(number), StepBy.BATCH, number < 0, controls, now)

    def drop(self, now: Now) -> None:
        """End them all: something else moves the position."""
        if self._search is not None and self._search.waiting:
            self._playback.effects.append(Cancel(self._search.waiting))
        self._search = None
        self._playback.rest()
        dropped = list(self._line)
        self._line.clear()
        for move in dropped:
            self._finish(move, now)

    def take(self, fact: NearRead) -> None:
        """What was read for a search; an answer to one that was given up changes nothing."""
        if self._search is not None:
            self._search.take(fact)

    def fails(self, fact: ReadFailed) -> bool:
        """Whether a read that failed was one of a search, which ends with it."""
        if self._search is None or fact.read not in self._search.waiting:
            return False
        self._line[0].error = _away(fact)
        return True

    def go_on(self, now: Now) -> bool:
        """Ask for what is needed, end what is over; whether the playback has to be looked at anew."""
        if not self._line:
            return False
        move, search = self._line[0], self._search
        if search is not None and move.error is None:
            units = search.found
            if units is None:
                self._playback.effects += search.reads(self._playback.ids)
                return False
            self._search = None
            if units:
                self._found(move, units, search, now)
        steps = self._playback.steps
        if steps is not None and steps.failed is not None:
            move.error = _away(steps.failed)
        if move.error is None and steps is not None and not steps.done:
            return search is not None
        self._end(now)
        return True

    # ------------------------------------------------------------ one of them

    def _begin(self, command: Step, now: Now) -> None:
        if command.n > 0:
            self._playback.step(Steps(command.n, command.by), now)
        else:
            self._playback.pause(now)
            self._look(2 * -command.n - 1, command.by, True, self._playback.controls, now)

    def _look(self, wanted: int, by: StepBy, reverse: bool, controls: Controls, now: Now) -> None:
        """Search from the unit shown last, which is left out; where none was, from the position."""
        epoch, beside = self._playback.epoch, FIRST
        at_us = self._playback.position(now)
        if epoch is not None and epoch.cursor > FIRST:
            beside, at_us = epoch.cursor, epoch.cursor.time_us
        if at_us is not None and (beside == FIRST or by is StepBy.BATCH):
            beside = behind(at_us - 1 if reverse else at_us)
        ahead_us, end_us = now.wall_us + 1, controls.window.end_us
        self._search = Search(
            {} if reverse and beside == FIRST else self._playback.epochs.topics,
            Window(controls.window.start_us, ahead_us if end_us is None else min(end_us, ahead_us)),
            controls.passes,
            beside=beside,
            wanted=wanted,
            by=by,
            reverse=reverse,
        )

    def _found(self, move: Move, units: list[Cursor], search: Search, now: Now) -> None:
        """Step back: begin at the unit furthest away that is to be shown. Else: be at the batch furthest away."""
        command, last = move.command, units[-1]
        if isinstance(command, Step):
            steps = Steps(max(1, len(units) + command.n + 1), command.by)
            self._playback.step_from(last, search.frontiers, steps, now)
        else:
            move.then = _at(command, last.time_us)

    def _end(self, now: Now) -> None:
        """The first is over: the next one's turn."""
        if self._search is not None and self._search.waiting:
            self._playback.effects.append(Cancel(self._search.waiting))
        self._search = None
        self._playback.rest()
        self._finish(self._line.popleft(), now)
        if self._line:
            command = self._line[0].command
            assert isinstance(command, Step), "only steps wait"
            self._begin(command, now)


def _at(command: Command, time_us: int) -> Command:
    """The command with the time that its position came to."""
    if isinstance(command, Seek):
        return replace(command, to=At(time_us))
    assert isinstance(command, Play | SetControls), f"{command.action} counts no batches"
    return replace(command, change=replace(command.change, pos=At(time_us)))


def _away(fact: ReadFailed) -> CommandError:
    return CommandError(fact.message, code=AWAY[fact.source])
