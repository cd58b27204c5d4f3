from tivo.playback.commands import StepBy
from tivo.playback.steps import Steps


def test_events_are_taken_one_by_one() -> None:
    steps = Steps(2, StepBy.EVENT)

    assert [True, True, False] == [steps.takes(time_us) for time_us in (5, 5, 5)]
    assert steps.is_over(read_us=0)


def test_a_batch_is_taken_whole() -> None:
    steps = Steps(2, StepBy.BATCH)

    assert [True, True, True, True, False] == [steps.takes(time_us) for time_us in (5, 5, 7, 7, 8)]


def test_a_batch_is_over_when_everything_of_its_time_has_been_read() -> None:
    steps = Steps(1, StepBy.BATCH)
    steps.takes(5)

    assert not steps.is_over(read_us=5)
    assert steps.is_over(read_us=6)


def test_steps_that_are_left_are_not_over() -> None:
    steps = Steps(2, StepBy.BATCH)
    steps.takes(5)

    assert not steps.is_over(read_us=9)
