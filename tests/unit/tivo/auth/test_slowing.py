"""Those who guess are slowed."""

from tivo.auth.slowing import FIRST_GAP_US, FORGET_US, LONGEST_GAP_US, LONGEST_LINE_US, MOST_ADDRESSES, Slowing
from tivo.model.timeline import Now

THEN = Now(0, 0)


def test_each_wrong_attempt_waits_twice_as_long_behind_those_before() -> None:
    slowing = Slowing()

    waits = [slowing.failed("a", THEN) for _ in range(4)]

    assert [FIRST_GAP_US * parts for parts in (1, 3, 7, 15)] == waits


def test_whose_line_is_too_long_is_turned_away_until_it_is_shorter() -> None:
    slowing = Slowing()
    waits = [slowing.failed("a", THEN) for _ in range(20)]

    assert None is waits[-1]
    assert max(wait for wait in waits if wait) <= LONGEST_LINE_US
    assert LONGEST_GAP_US == slowing.failed("a", Now(0, LONGEST_LINE_US))


def test_addresses_do_not_slow_each_other() -> None:
    slowing = Slowing()
    for _ in range(5):
        slowing.failed("a", THEN)

    assert FIRST_GAP_US == slowing.failed("b", THEN)
    assert (True, True, False) == (slowing.knows("a"), slowing.knows("b"), slowing.knows("c"))


def test_who_is_quiet_for_a_minute_is_forgotten() -> None:
    slowing = Slowing()
    slowing.failed("a", THEN)

    assert FIRST_GAP_US == slowing.failed("a", Now(0, FIRST_GAP_US + FORGET_US))


def test_memory_is_bounded_however_many_addresses_guess() -> None:
    slowing = Slowing()
    for number in range(MOST_ADDRESSES + 5):
        slowing.failed(str(number), THEN)

    assert MOST_ADDRESSES == len(slowing)
    assert not slowing.knows("0")
