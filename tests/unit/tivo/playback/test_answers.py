from tivo.model.errors import CommandError
from tivo.playback.answers import Answers, failed
from tivo.playback.commands import Pause, Refused
from tivo.playback.notices import Ended, Failed


def test_an_answer_waits_for_those_before_it() -> None:
    answers = Answers()
    slow, quick = answers.place(), answers.place()

    quick.notice = Ended(iteration=2)
    before = answers.ready()
    slow.notice = Ended(iteration=1)
    after = answers.ready()

    assert [] == before
    assert [Ended(iteration=1), Ended(iteration=2)] == after


def test_an_answer_is_given_once() -> None:
    answers = Answers()
    answers.place().notice = Ended(iteration=1)

    first, again = answers.ready(), answers.ready()

    assert [Ended(iteration=1)] == first
    assert [] == again


def test_a_refusal_names_the_action_as_it_was_said() -> None:
    error = CommandError("no", code="bad_value", field="x")

    assert Failed(id="7", action="pause", code="bad_value", field="x", message="no") == failed(Pause(id="7"), error)
    refused = Refused(named="dance", code="unknown_action", field=None, message="no")
    assert "dance" == failed(refused, error).action
