"""What viewers ask for that has to be looked up elsewhere: overviews, and what topics there are."""

from tivo.model.errors import CommandError
from tivo.model.timeline import Now
from tivo.playback.answers import Answer
from tivo.playback.commands import AskOverview, AskTopics, Change, Command
from tivo.playback.controls import Moment, apply
from tivo.playback.effects import Ask, OverviewQuestion, TopicsQuestion
from tivo.playback.playback import Playback

_MOST = 64


class Questions:
    """Those that are open: the command and the place of its answer, by the read that will answer it."""

    def __init__(self, playback: Playback) -> None:
        self._playback = playback
        self._open: dict[int, tuple[Answer, Command]] = {}

    def ask(self, command: AskOverview | AskTopics, place: Answer, now: Now) -> None:
        """Have it looked up. Raises CommandError where too many are open, or a bound is none."""
        playback = self._playback
        if len(self._open) >= _MOST:
            raise CommandError(f"{_MOST} questions are open already", code="rate_limited")
        question: OverviewQuestion | TopicsQuestion
        if isinstance(command, AskOverview):
            moment = Moment(now, playback.position(now))
            asked = apply(Change(start=command.start, end=command.end), playback.controls, moment)
            question = OverviewQuestion(tuple(playback.epochs.topics.values()), asked.window, command.buckets)
        else:
            question = TopicsQuestion(tuple(playback.epochs.catalogue.values()))
        read = next(playback.ids)
        self._open[read] = (place, command)
        playback.effects.append(Ask(read, question))

    def close(self, read: int) -> tuple[Answer, Command] | None:
        """The question that this read answers, open no more; None where it answers none."""
        return self._open.pop(read, None)
