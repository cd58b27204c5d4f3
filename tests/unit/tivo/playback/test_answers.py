from tivo.playback.answers import Answers
from tivo.playback.notices import Ended


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
