import pytest

from tests.unit.tivo.playback.events import WALL_US, now, topic
from tivo.model.errors import CommandError
from tivo.model.timeline import Window
from tivo.playback.answers import Answer
from tivo.playback.commands import AskOverview, AskTopics, At, FromNow
from tivo.playback.effects import Ask, OverviewQuestion, TopicsQuestion
from tivo.playback.playback import Playback
from tivo.playback.progress import Bounds
from tivo.playback.questions import Questions


def playback() -> Playback:
    return Playback(("a",), {name: topic(name) for name in "ab"}, Bounds())


def test_an_overview_is_of_the_topics_played_in_the_window_asked_for() -> None:
    given = playback()

    Questions(given).ask(AskOverview(start=At(5), end=FromNow(0), buckets=7), Answer(), now())

    assert [Ask(1, OverviewQuestion((topic("a"),), Window(5, WALL_US), 7))] == given.effects


def test_topics_are_all_that_there_are() -> None:
    given = playback()

    Questions(given).ask(AskTopics(), Answer(), now())

    assert [Ask(1, TopicsQuestion((topic("a"), topic("b"))))] == given.effects


def test_a_question_is_closed_once_by_its_read() -> None:
    questions, place, command = Questions(playback()), Answer(), AskTopics(id="7")
    questions.ask(command, place, now())

    assert (place, command) == questions.close(1)
    assert questions.close(1) is None


def test_a_window_that_is_none_is_not_asked_for() -> None:
    given = playback()

    with pytest.raises(CommandError, match="start"):
        Questions(given).ask(AskOverview(start=At(5), end=At(4)), Answer(), now())

    assert [] == given.effects


def test_questions_are_bounded_in_number() -> None:
    questions = Questions(playback())
    for _ in range(64):
        questions.ask(AskTopics(), Answer(), now())

    with pytest.raises(CommandError, match="64 questions are open already"):
        questions.ask(AskTopics(), Answer(), now())
