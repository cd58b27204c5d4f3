"""The playback session: takes what a viewer asks and what the world reports, gives what is to be done.

| command | paused | playing, tailing | ended |
|---|---|---|---|
| play | playing | controls change, still running | playing, new epoch at the start |
| play with start, end, loop, pos or filter | new epoch, playing | new epoch, playing | new epoch, playing |
| pause | – | paused | – |
| seek | new epoch | new epoch, playing | new epoch, paused |
| set with start, end, pos or filter | new epoch | new epoch, still running | – |
| step on | the next units are shown | paused, and the same | – |
| step back | new epoch | new epoch, paused | new epoch, paused |
| tail | new epoch, playing until nothing is unsent, then tailing | the same | the same |
| stop | ended | ended | – |
| subscribe, unsubscribe | new epoch | new epoch, still running | – |
| resume | the epoch and the status of the token | the same | the same |

Where images are on, each new epoch begins with its own, whether the position moves or not.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from tivo.model.errors import CommandError
from tivo.model.timeline import Now
from tivo.playback import commands, offered
from tivo.playback.answers import Answer, Answers, failed
from tivo.playback.commands import Change, Command, Place, Position
from tivo.playback.controls import Controls, Moment, apply, target
from tivo.playback.cursor import from_token
from tivo.playback.effects import Effect, Tell
from tivo.playback.facts import Answered, Catalogue, Fact, NearRead, ReadFailed, Woke
from tivo.playback.moves import Move, Moves, batches
from tivo.playback.notices import Acked, Failed, Hello, State, Status
from tivo.playback.playback import AWAY, Playback
from tivo.playback.progress import Bounds
from tivo.playback.questions import Questions
from tivo.playback.topics import absences, missing, near
from tivo.playback.values import MOST_TOPICS
from tivo.playback.where import CompileWhere, Where, no_expressions

PROTOCOL = "tivo.v1"


class Session:
    """One playback with its own clock, for one viewer. It never waits and never reads a clock."""

    def __init__(  # noqa: PLR0913  each is something that a gateway gives it
        self,
        *,
        sid: str,
        server: str,
        topics: tuple[str, ...],
        catalogue: Catalogue,
        limits: Mapping[str, Any] | None = None,
        bounds: Bounds | None = None,
        compile_where: CompileWhere = no_expressions,
    ) -> None:
        self._sid = sid
        self._server = server
        self._limits = limits or {}
        self._compile_where = compile_where
        self._playback = Playback(topics, catalogue, bounds or Bounds())
        self._answers = Answers()
        self._questions = Questions(self._playback)
        self._moves = Moves(self._playback, self._finish)

    def open(self, now: Now) -> list[Effect]:
        """Greet the viewer; call it once, before anything is received."""
        playback = self._playback
        hello = Hello(
            protocol=PROTOCOL,
            server=self._server,
            sid=self._sid,
            now_us=now.wall_us,
            limits=self._limits,
            topics=list(playback.epochs.topics),
        )
        playback.tell(hello)
        for message in absences(playback.epochs.patterns, playback.epochs.catalogue):
            playback.tell(Failed(code="unknown_topic", field="topics", message=message))
        return self._done(now)

    def describe(self, now: Now) -> State:
        """Where the session stands."""
        self._playback.land()
        return self._playback.state(now)

    def receive(self, given: Command | Fact, now: Now) -> list[Effect]:
        """Take a command or a fact; what is to be done about it, in order."""
        playback = self._playback
        if playback.closed:
            return []
        if isinstance(given, Woke) and playback.glide(now):
            return self._told()
        playback.land()
        match given:
            case commands.Ack(n=n):
                playback.credit.acked(n, now.steady_us)
            case Command():
                self._command(given, now)
            case Answered() | NearRead() | ReadFailed():
                self._take(given, now)
            case _:
                playback.receive(given, now)
        return self._done(now)

    def _take(self, fact: Answered | NearRead | ReadFailed, now: Now) -> None:
        """An answer that something of the session's own may be waiting for."""
        asked = self._questions.close(fact.read)
        if asked is not None:
            self._answer(*asked, fact, now)
        elif isinstance(fact, NearRead):
            self._moves.take(fact)
        elif isinstance(fact, ReadFailed) and not self._moves.fails(fact):
            self._playback.receive(fact, now)

    def _done(self, now: Now) -> list[Effect]:
        self._playback.advance(now)
        while self._moves.go_on(now):
            self._playback.effects += map(Tell, self._answers.ready())
            self._playback.advance(now)
        return self._told()

    def _told(self) -> list[Effect]:
        effects, self._playback.effects = self._playback.effects, []
        return effects

    # ------------------------------------------------------------ answers

    def _command(self, command: Command, now: Now) -> None:
        """Do a command and answer it, before what it leads to and behind the answers of those before it."""
        place = self._answers.place()
        self._carry_out(command, place, now, lambda: self._do(command, place, now))

    def _carry_out(self, command: Command, place: Answer, now: Now, do: Callable[[], bool]) -> None:
        before, self._playback.effects = self._playback.effects, []
        try:
            answered = do()
        except CommandError as error:
            place.notice = failed(command, error)
        else:
            if answered:
                place.notice = self._acked(command, now, None)
        after, self._playback.effects = self._playback.effects, before
        self._playback.effects += [*map(Tell, self._answers.ready()), *after]

    def _acked(self, command: Command, now: Now, result: Mapping[str, Any] | None) -> Acked:
        return Acked(
            id=command.id,
            action=command.action,
            state=self._playback.state(now),
            result=result,
            ignored=command.ignored,
        )

    def _answer(self, place: Answer, command: Command, fact: Answered | NearRead | ReadFailed, now: Now) -> None:
        """What a viewer asked for is known, or why it is not."""
        if isinstance(fact, ReadFailed):
            place.notice = failed(command, CommandError(fact.message, code=AWAY[fact.source]))
        else:
            assert isinstance(fact, Answered), "a question is answered, or has failed"
            place.notice = self._acked(command, now, fact.result)
        self._playback.effects += map(Tell, self._answers.ready())

    def _finish(self, move: Move, now: Now) -> None:
        """A move is over, and comes to nothing more than its answer or to another command."""
        then = move.then
        if then is not None:
            self._carry_out(then, move.place, now, lambda: self._apply(then, now))
        elif move.error is not None:
            move.place.notice = failed(move.command, move.error)
        else:
            move.place.notice = self._acked(move.command, now, None)

    # ------------------------------------------------------------ commands

    def _do(self, command: Command, place: Answer, now: Now) -> bool:
        """Do a command; whether it can be answered at once. Raises CommandError where nothing was done."""
        offered.check(command)
        match command:
            case commands.Refused():
                raise CommandError(command.message, code=command.code, field=command.field)
            case commands.AskOverview() | commands.AskTopics():
                self._questions.ask(command, place, now)
                return False
            case commands.AskState():
                pass
            case commands.Step():
                self._playback.cause = "client"
                self._moves.step(place, command, now)
                return False
            case _ if (number := batches(command)) is not None:
                self._count(command, number, place, now)
                return False
            case _:
                self._apply(command, now)
                self._moves.drop(now)
        return True

    def _apply(self, command: Command, now: Now) -> bool:
        """The commands that move the position or change how it moves. Raises CommandError where nothing was done."""
        match command:
            case commands.Play(change=change):
                self._play(change, now)
            case commands.SetControls(change=change):
                self._set(change, now)
            case commands.Seek(to=to):
                self._seek(to, now)
            case commands.Resume():
                self._resume(command, now)
            case _:
                self._move(command, now)
        self._playback.cause = "client"
        return True

    def _move(self, command: Command, now: Now) -> None:
        """The commands that are one step of the playback."""
        playback = self._playback
        match command:
            case commands.Pause():
                playback.pause(now)
            case commands.Stop():
                playback.stop()
            case commands.Tail(delay_us=delay_us):
                playback.tail(now, why="seek", delay_us=delay_us or None)
            case commands.Subscribe(topics=topics):
                self._subscribe(topics, now)
            case _:
                assert isinstance(command, commands.Unsubscribe), f"{command.action} has no rule"
                self._unsubscribe(command.topics, now)

    def _count(self, command: Command, number: int, place: Answer, now: Now) -> None:
        """Look for a position that is counted in batches, in the window that the command asks for."""
        controls = self._playback.controls
        if isinstance(command, commands.Play | commands.SetControls):
            controls = self._steered(command.change, controls, now)
        self._moves.count(place, command, number, controls, now)

    def _play(self, change: Change, now: Now) -> None:
        playback = self._playback
        controls = self._steered(change, playback.controls, now)
        renewed = change.window or change.loop is not None or change.keys is not None or change.pos is not None
        fresh = playback.epoch is None or playback.status is Status.ENDED
        at_us = controls.window.start_us
        if change.pos is not None:
            at_us = target(change.pos, controls, self._moment(now))
        playback.steer(controls, now)
        if renewed or fresh or not playback.running:
            playback.run()
        if renewed or fresh:
            playback.begin("play", now, from_us=at_us)

    def _set(self, change: Change, now: Now) -> None:
        playback = self._playback
        controls = self._steered(change, playback.controls, now)
        if change.pos is not None:
            target(change.pos, controls, self._moment(now))
        before, position_us = playback.controls, playback.position(now)
        playback.steer(controls, now)
        if change.pos is not None:
            self._seek(change.pos, now)
        elif position_us is not None and position_us not in controls.window and playback.epoch is not None:
            playback.begin("window", now, from_us=controls.window.start_us, iteration=playback.iteration)
        elif (controls.window, controls.keys, controls.where) != (before.window, before.keys, before.where):
            playback.renew("window", now)

    def _seek(self, to: Position, now: Now) -> None:
        playback = self._playback
        if to is Place.END and playback.controls.window.end_us is None and playback.running:
            playback.tail(now, why="seek", delay_us=None)
            return
        at_us = target(to, playback.controls, self._moment(now))
        playback.status = Status.PLAYING if playback.running else Status.PAUSED
        playback.begin("seek", now, from_us=at_us, iteration=playback.iteration)

    def _steered(self, change: Change, controls: Controls, now: Now) -> Controls:
        """The next controls, the expression compiled. Raises CommandError; then nothing has changed."""
        steered = apply(change, controls, self._moment(now))
        if change.where is None:
            return steered
        return replace(steered, where=Where.of(change.where, self._compile_where))

    def _moment(self, now: Now) -> Moment:
        return Moment(now, self._playback.position(now))

    def _subscribe(self, topics: tuple[str, ...], now: Now) -> None:
        playback = self._playback
        unknown = missing(topics, playback.epochs.catalogue)
        if unknown:
            message = f"there is no topic named {unknown[0]!r}{near(unknown[0], playback.epochs.catalogue)}"
            raise CommandError(message, code="unknown_topic", field="topics")
        patterns = tuple(dict.fromkeys(playback.epochs.patterns + topics))
        if len(patterns) > MOST_TOPICS:
            raise CommandError(
                f"a session takes at most {MOST_TOPICS} topics and globs", code="bad_glob", field="topics"
            )
        playback.subscribe(patterns, now)

    def _unsubscribe(self, topics: tuple[str, ...], now: Now) -> None:
        playback = self._playback
        unknown = [topic for topic in topics if topic not in playback.epochs.patterns]
        if unknown:
            raise CommandError(f"{unknown[0]!r} is not subscribed to", code="unknown_topic", field="topics")
        playback.subscribe(tuple(pattern for pattern in playback.epochs.patterns if pattern not in topics), now)

    def _resume(self, command: commands.Resume, now: Now) -> None:
        playback = self._playback
        standing = from_token(command.cursor)
        controls = self._steered(command.change, playback.controls.within(standing.window), now)
        playback.steer(controls, now)
        playback.resume(standing, command.after, command.offsets, now)
        if controls.window != standing.window:
            playback.renew("window", now)
