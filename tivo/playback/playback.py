"""The playback of a session: one epoch after another over a window, and the turns between them.

| status | nothing is unsent | the window has been played |
|---|---|---|
| paused | – | – |
| playing | tailing, or ended where the end action says so | loop: next turn; else ended, tailing or closed |
| tailing | – | ended, tailing or closed |
| ended | – | – |

A playing session that has waited a quarter of a second for something to be read is told as
`buffering`.
"""

from collections.abc import Mapping
from fractions import Fraction
from itertools import count

from tivo.model.event import Cursor, Frontier
from tivo.model.timeline import MILLISECOND_US, SECOND_US, Now
from tivo.playback import telling
from tivo.playback.commands import EndAction, OnSlow
from tivo.playback.controls import Controls
from tivo.playback.credit import Credit
from tivo.playback.cursor import Standing, to_token
from tivo.playback.effects import Close, Discard, Effect, Send, Tell, WakeAt
from tivo.playback.epoch import Epoch
from tivo.playback.epochs import Epochs
from tivo.playback.facts import (
    Catalogue,
    ImageRead,
    OutboxDrained,
    OutboxFull,
    ReadAnswer,
    ReadFailed,
    Source,
    TopicsChanged,
    Woke,
)
from tivo.playback.glide import Glide
from tivo.playback.notices import (
    Bye,
    CaughtUp,
    Cause,
    Ended,
    Failed,
    FellBehind,
    Looped,
    Notice,
    Reset,
    ResetWhy,
    State,
    Status,
)
from tivo.playback.progress import Bounds, Progress, Start
from tivo.playback.pulse import Pulse
from tivo.playback.steps import Steps

_SHORTEST_TURN_US = 50_000
_LONGEST_GLIDE_US = 60 * SECOND_US
AWAY = {Source.STORE: "store_unavailable", Source.LOG: "log_unavailable"}
"""The code of the error that tells of a neighbour."""


class Playback:
    """Moves a position over topics. Its methods put what is to be done into `effects`, in order."""

    def __init__(self, patterns: tuple[str, ...], catalogue: Catalogue, bounds: Bounds) -> None:
        self.controls = Controls()
        self.status = Status.PAUSED
        self.cause: Cause = "client"
        self.effects: list[Effect] = []
        self.credit = Credit()
        self.epochs = Epochs(patterns, catalogue, bounds, self.credit)
        self.closed = False
        self.steps: Steps | None = None
        self.ids = count(1)
        self._edge_told = False
        self._away_told: set[Source] = set()
        self._pulse = Pulse()
        self._state_told: tuple[object, ...] = ()
        self._progress_told: Mapping[str, Progress] = {}
        self._wake_us: int | None = None
        self._glide: Glide | None = None

    # ------------------------------------------------------------ what stands

    @property
    def epoch(self) -> Epoch | None:
        """The present epoch; None before anything is played, and once it was stopped."""
        return self.epochs.current

    @property
    def running(self) -> bool:
        """Whether the position moves, or would if something were there."""
        return self.status in (Status.PLAYING, Status.TAILING)

    @property
    def iteration(self) -> int:
        """The turn that is played."""
        return 1 if self.epoch is None else self.epoch.iteration

    def position(self, now: Now) -> int | None:
        """Event time now showing; None while it is not known."""
        return self.controls.window.start_us if self.epoch is None else self.epoch.position(now)

    def tell(self, notice: Notice) -> None:
        """Put a notice into the effects."""
        self.effects.append(Tell(notice))

    def state(self, now: Now) -> State:
        """Where the playback stands."""
        shown = Status.BUFFERING if self._hungry(now) else self.status
        return telling.state(shown, self.cause, self.controls, self.epoch, self.standing(now))

    def standing(self, now: Now) -> Standing:
        """Everything that another session needs to go on behind what was sent."""
        return self.epochs.standing(self.status, self.controls, now)

    # ------------------------------------------------------------ epochs

    def begin(
        self,
        why: ResetWhy,
        now: Now,
        *,
        from_us: int | None,
        iteration: int = 1,
        delay_us: int | None = None,
        sent: Mapping[str, Progress] | None = None,
    ) -> None:
        """A new epoch where the viewer asked to be: what is still on its way to it is of no use any more.

        From a time on (None: from the first event), following the live edge where there is a delay, and
        behind what counts as sent.
        """
        self._discard()
        self._begin(why, now, from_us=from_us, iteration=iteration, delay_us=delay_us, sent=sent)

    def _discard(self) -> None:
        self.effects.append(Discard(self.epochs.number + 1))
        self.credit.forget()

    def _begin(  # noqa: PLR0913  each is where an epoch may differ
        self,
        why: ResetWhy,
        now: Now,
        *,
        from_us: int | None,
        iteration: int,
        goals: Mapping[str, Frontier] | None = None,
        delay_us: int | None = None,
        sent: Mapping[str, Progress] | None = None,
    ) -> None:
        if self.status is Status.TAILING and delay_us is None:
            self.status = Status.PLAYING
        self.effects += self.epochs.begin(
            self.controls, now, from_us=from_us, iteration=iteration, goals=goals, delay_us=delay_us, sent=sent
        )
        self._tell_reset(why, now)

    def begin_live(self, why: ResetWhy, now: Now, *, new: Start = Start.EDGE) -> None:
        """A new epoch at the live edge. Topics that were on their way there go on behind what was sent of them."""
        if not self.epochs.goes_on:
            self._discard()
        self.effects += self.epochs.begin_live(self.controls, now, new=new)
        self._tell_reset(why, now)

    def _tell_reset(self, why: ResetWhy, now: Now) -> None:
        self._forget()
        if self.controls.image:
            self.epochs.imagine(self.controls, now)
        standing = self.standing(now)
        self.tell(Reset(epoch=standing.epoch, pos_us=standing.at_us, why=why, cursor=to_token(standing)))

    def _forget(self) -> None:
        """What was told of the epoch before says nothing of this one."""
        self._edge_told = False
        self._progress_told = {}
        self._pulse.eat()

    def resume(self, standing: Standing, after: Cursor | None, offsets: Mapping[str, Frontier], now: Now) -> None:
        """Go on behind what another session sent, in the same epoch: nothing is to be cleared."""
        closed, gone = self.epochs.resume(standing, after, offsets, self.controls, now)
        self._forget()
        self.effects += [*closed, *map(Tell, gone)]
        if standing.owes_image(after, offsets):
            self.epochs.imagine(self.controls, now)
        self.status = Status(standing.mode)

    def subscribe(self, patterns: tuple[str, ...], now: Now) -> None:
        """Play what these patterns match, from the present position on."""
        if self.epochs.subscribe(patterns):
            self.renew("subscribe", now)

    def renew(self, why: ResetWhy, now: Now) -> None:
        """A new epoch at the present position, in the same turn: what is played has changed."""
        epoch = self.epoch
        if epoch is None:
            return
        if epoch.reading.live or epoch.hurry:
            self.begin_live(why, now, new=Start.HISTORY if why == "topics" else Start.EDGE)
        else:
            position_us = epoch.position(now)
            from_us = self.controls.window.start_us if position_us is None else position_us
            self._begin(why, now, from_us=from_us, iteration=epoch.iteration, delay_us=epoch.delay_us)

    @property
    def _epoch(self) -> Epoch:
        assert self.epoch is not None, "there is an epoch while something is played"
        return self.epoch

    # ------------------------------------------------------------ status

    def run(self) -> None:
        """Let the position move."""
        self.status = Status.PLAYING

    def pause(self, now: Now) -> None:
        """Hold the position."""
        if self.running:
            self.effects += self._epoch.hold(now)
            self.status = Status.PAUSED

    def step(self, steps: Steps, now: Now) -> None:
        """Hold the position, and show so many units more; of a window that was played there are none."""
        self.pause(now)
        if self.epoch is None:
            self.status = Status.PAUSED
            self.begin("seek", now, from_us=self.controls.window.start_us)
        if self.status is not Status.ENDED:
            self.steps = steps

    def step_from(self, unit: Cursor, frontiers: Mapping[str, Frontier], steps: Steps, now: Now) -> None:
        """A new epoch that begins with this unit, held, of which so many units are shown."""
        self.status = Status.PAUSED
        before = unit._replace(offset=unit.offset - 1)
        sent = {name: Progress(frontier=frontier, cursor=before) for name, frontier in frontiers.items()}
        self.begin("seek", now, from_us=unit.time_us, iteration=self.iteration, sent=sent)
        self.steps = steps

    def rest(self) -> None:
        """No more steps; what is known of the log ends becomes old."""
        if self.steps is not None and self.epoch is not None:
            self.effects += self.epoch.reading.doubt()
        self.steps = None

    def stop(self) -> None:
        """End the playback and free what it holds."""
        self.effects += self.epochs.free()
        self.status = Status.ENDED

    def steer(self, controls: Controls, now: Now) -> None:
        """Go on under other controls."""
        self.controls = controls
        if self.epoch is not None:
            self.epoch.steer(controls, now)

    def close(self, code: int, reason: str) -> None:
        """Say goodbye."""
        self.stop()
        self.closed = True
        self.tell(Bye(code=code, reason=reason))
        self.effects.append(Close(code, reason))

    # ------------------------------------------------------------ facts

    def receive(
        self, fact: TopicsChanged | ReadAnswer | ImageRead | Woke | OutboxFull | OutboxDrained, now: Now
    ) -> None:
        """Take what the world reports."""
        match fact:
            case Woke():
                self._wake_us = None
            case OutboxFull() | OutboxDrained():
                self.credit.outbox(full=isinstance(fact, OutboxFull), steady_us=now.steady_us)
            case TopicsChanged(catalogue):
                self._topics_changed(catalogue, now)
            case _:
                self._take(fact, now)

    def _take(self, fact: ReadAnswer | ImageRead, now: Now) -> None:
        """An answer to a read of this epoch; any other is stale."""
        epoch = self.epoch
        if epoch is None:
            return
        if not epoch.take(fact, now):
            return
        if isinstance(fact, ReadFailed) and self.steps is not None:
            self.steps.failed = fact
        elif isinstance(fact, ReadFailed) and fact.source not in self._away_told:
            self._away_told.add(fact.source)
            retry_ms = min(epoch.retries_us(now, reads=True), default=now.steady_us) - now.steady_us
            self.tell(Failed(code=AWAY[fact.source], message=fact.message, retry_ms=retry_ms // MILLISECOND_US))
        self._away_told &= epoch.away

    def _topics_changed(self, catalogue: Catalogue, now: Now) -> None:
        if self.epochs.topics_changed(catalogue):
            self._tell_gaps()
            self.renew("topics", now)
        else:
            self.epochs.join(self.controls)

    # ------------------------------------------------------------ moving on

    def glide(self, now: Now) -> bool:
        """A wake-up while nothing but time has changed: send what is due. Else False, and everything is to be done."""
        glide = self._glide
        if glide is None:
            return False
        epoch = self._epoch
        if self.credit.blocked(now.steady_us) or epoch.is_quiet(now):
            return False
        due = glide.due(now)
        if due is None:
            return False
        frame = epoch.glided(due, now) if due else None
        if frame is not None:
            self.effects.append(Send(frame))
        next_us = glide.next_us(now)
        if epoch.thinned or next_us is None:
            return False
        self._wake_us = min(epoch.gridded(next_us), glide.until_us, *self._credit_us(now))
        self.effects.append(WakeAt(self._wake_us))
        return True

    def land(self) -> None:
        """Something else than time may have changed: from here on everything is looked at."""
        glide, self._glide = self._glide, None
        if glide is not None:
            self._epoch.landed(glide.sent)
            self._epoch.reading.progress(self._epoch.cursor)  # each track notes how far it was sent

    def _take_off(self, now: Now, until_us: int | None) -> None:
        """See whether nothing but time stands between the next events and the viewer, until something else is due."""
        epoch = self.epoch
        if epoch is None or not self.running or self._pulse.is_starved:
            return
        ahead = epoch.ahead()
        if not ahead:
            return
        told = self._progress_told
        if all(progress.covers(told.get(name)) for name, progress in epoch.reading.progress(epoch.cursor).items()):
            self._glide = Glide(ahead, until_us=now.steady_us + _LONGEST_GLIDE_US if until_us is None else until_us)

    def advance(self, now: Now) -> None:
        """Send what is due, turn where a turn has come, ask for what is needed next."""
        if self._viewer_lost(now):
            return
        self._tell_state(now)
        if self.running:
            self._play(now)
        elif self.epoch is not None:
            self._show_image(self.epoch, now)
            if self.steps is not None:
                self._step(self.steps, now)
        if self.closed:
            return
        self._pulse.watch(starved=self.running and self._epoch.starved(now), now=now)
        self._tell_clock(now)
        self._tell_state(now)
        self._wake(now)

    def _play(self, now: Now) -> None:
        """Send what is due, turn where a turn has come, read on."""
        self._leave_live_where_lost(now)
        while self._begun(now):
            self._send(now)
            if not self._turn(now):
                break
        if self.running:
            self._tell_gaps()
            self.effects += self._epoch.cut_silence(now)
            self.effects += self._epoch.reading.reads(self.ids, now.steady_us)

    def _viewer_lost(self, now: Now) -> bool:
        lost_us = self.credit.lost_us
        if lost_us is not None and lost_us <= now.steady_us:
            self.close(1008, "slow: the viewer took nothing for 10 seconds")
        elif self.controls.on_slow is OnSlow.CLOSE and self.credit.slow(now.steady_us):
            self.close(1008, "on_slow: the viewer is more than a second behind")
        return self.closed

    def _leave_live_where_lost(self, now: Now) -> None:
        """Live is left where the viewer is slow, and where the ring or the log do not reach back to what is unsent."""
        epoch = self._epoch
        if not epoch.reading.live:
            return
        slow = self.credit.slow(now.steady_us) and self.controls.on_slow is OnSlow.STRETCH
        if not slow and not epoch.reading.behind:
            return
        self.effects += epoch.fall_behind(now, hurry=not slow)
        self.status, self.cause = Status.PLAYING if slow else Status.TAILING, "slow"
        self.tell(FellBehind(time_us=now.wall_us, offsets=epoch.reading.offsets))

    def _begun(self, now: Now) -> bool:
        """Whether the clock of the epoch runs, behind its image."""
        self._show_image(self._epoch, now)
        return self._epoch.start(now)

    def _show_image(self, epoch: Epoch, now: Now) -> None:
        """Tell the image as far as it was read, and read on, where the viewer takes more."""
        if epoch.image is None or self.credit.blocked(now.steady_us):
            return
        self.effects += epoch.image.advance(self.ids, now.steady_us)
        if epoch.image.done:
            epoch.image = None

    def _send(self, now: Now) -> None:
        """Send what is due; the last frame carries the cursor where what it says has changed."""
        self._tell_gaps()
        self._put(self._epoch.send_due(now), now)

    def _step(self, steps: Steps, now: Now) -> None:
        """Show what the steps still take, and read on for them."""
        epoch = self._epoch
        self._tell_gaps()
        if epoch.image is None:
            self._put(epoch.step(steps, now), now)
        if steps.done:
            self.tell(self.state(now))
        else:
            self.effects += epoch.reading.reads(self.ids, now.steady_us)

    def _put(self, effects: list[Effect], now: Now) -> None:
        epoch = self._epoch
        self.effects += effects
        frames = [effect.frame for effect in effects if isinstance(effect, Send)]
        if not frames or epoch.reading.live:
            return
        progress = epoch.reading.progress(epoch.cursor)
        known = self._progress_told
        late = any(shown.mark == "late" for frame in frames for shown in frame.events)
        if not late and all(told.covers(known.get(name)) for name, told in progress.items()):
            return
        self._progress_told = progress
        last = max(index for index, effect in enumerate(self.effects) if isinstance(effect, Send))
        self.effects[last] = Send(frames[-1].with_cursor(to_token(self.standing(now))))

    def _turn(self, now: Now) -> bool:
        """Whether the status or the epoch turned, so that more may be due."""
        epoch, end_us = self._epoch, self.controls.window.end_us
        ended = end_us is not None and end_us <= now.wall_us
        if ended:
            epoch.reading.want_goals()
            if epoch.reading.complete and (not epoch.timed or (epoch.position(now) or 0) >= (end_us or 0)):
                self.effects += epoch.flush(now)
                return self._end(now)
            return False
        if epoch.reading.live or not epoch.reading.exhausted:
            return False
        self.effects += epoch.flush(now)
        if epoch.delay_us is not None:
            return self._tell_edge(now)
        if end_us is None and self.controls.at_end is not EndAction.TAIL and not epoch.hurry:
            return self._end(now)
        self.effects += epoch.catch_up(now)
        self.status, self.cause = Status.TAILING, "catch_up"
        self.tell(CaughtUp(time_us=now.wall_us, offsets=epoch.reading.offsets))
        return False

    def _tell_edge(self, now: Now) -> bool:
        """Following at a distance: nothing nearer to the edge is unsent than that distance."""
        if not self._edge_told:
            self._edge_told = True
            self.cause = "catch_up"
            self.tell(CaughtUp(time_us=self._epoch.edge_us(now), offsets=self._epoch.reading.offsets))
        return False

    def _end(self, now: Now) -> bool:
        """The window has been played: the next turn, or what the end action says."""
        epoch, loop = self._epoch, self.controls.loop
        if loop.turns is None or epoch.iteration < loop.turns:
            self.cause = "loop"
            self.tell(Looped(iteration=epoch.iteration + 1, of=loop.turns))
            began_us = epoch.began_us
            self.status = Status.PLAYING
            self._begin(
                "loop",
                now,
                from_us=self.controls.window.start_us,
                iteration=epoch.iteration + 1,
                goals=epoch.reading.goals,
            )
            gap_us = max(loop.gap_us, self.controls.min_gap_us)
            earliest_us = max(now.steady_us + gap_us, began_us + _SHORTEST_TURN_US)
            self._epoch.not_before_us = earliest_us
            return True
        self.cause = "end"
        self.tell(Ended(iteration=epoch.iteration))
        match self.controls.at_end:
            case EndAction.PAUSE:
                self.effects += epoch.hold(now)
                self.effects += epoch.reading.close()
                self.status = Status.ENDED
            case EndAction.TAIL:
                self.tail(now, why="window", delay_us=None)
            case _:
                self.close(1000, "the window has been played")
        return False

    def tail(self, now: Now, *, why: ResetWhy, delay_us: int | None) -> None:
        """Go to the live edge, or follow it at a distance; a window that has an end is left."""
        live = self.epoch is not None and self.epoch.reading.live
        if live and delay_us is None and self.controls.window.end_us is None:
            return
        self.controls = self.controls.open_ended()
        self.status = Status.TAILING
        if delay_us is None:
            self.begin_live(why, now)
        else:
            self.begin(why, now, from_us=now.wall_us - delay_us, delay_us=delay_us)

    # ------------------------------------------------------------ telling

    def _tell_gaps(self) -> None:
        for gap in self._epoch.reading.gaps():
            self.tell(gap)

    def _hungry(self, now: Now) -> bool:
        return self.running and self._pulse.is_hungry(now)

    def _tell_clock(self, now: Now) -> None:
        if self._pulse.beats(self.controls.clock_hz if self.running else Fraction(0), now):
            speed = Fraction(1) if self.status is Status.TAILING else self._epoch.speed
            slip_us = self.epochs.out.slip_us
            self.tell(telling.clock(speed, self.controls.window, self.position(now), slip_us, now))

    def _tell_state(self, now: Now) -> None:
        """Tell the state where it has changed."""
        live = self.epoch is not None and self.epoch.reading.live
        known = (self.status, self._hungry(now), live, self.epochs.number, self.controls)
        if known == self._state_told:
            return
        first, self._state_told = not self._state_told, known
        if not first:
            self.tell(self.state(now))

    def _wake(self, now: Now) -> None:
        """Ask to be woken at the first time at which something is due."""
        event_us: list[int] = []
        times: list[int] = []
        if self.running:
            event_us += self._epoch.next_us(now)
            times += self._turn_us(now)
            times += self._pulse.times(now)
        if self.epoch is not None:
            reads = self.running or self.steps is not None
            times += self.epoch.retries_us(now, reads=reads)
        self._take_off(now, min(times, default=None))
        wake_us = min([*event_us, *times, *self._credit_us(now)], default=None)
        if wake_us != self._wake_us:
            self._wake_us = wake_us
            self.effects.append(WakeAt(wake_us))

    def _credit_us(self, now: Now) -> list[int]:
        """Steady times at which a viewer that takes nothing becomes slow, and is given up."""
        credit = self.credit
        if not credit.outstanding:
            return []
        return [us for us in (credit.slow_us, credit.lost_us) if us is not None and us > now.steady_us]

    def _turn_us(self, now: Now) -> list[int]:
        """Steady time at which the window's end comes, where that lies in the future."""
        end_us = self.controls.window.end_us
        return [now.steady_us + end_us - now.wall_us] if end_us is not None and end_us > now.wall_us else []
