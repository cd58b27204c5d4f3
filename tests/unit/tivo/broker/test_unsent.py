"""Room for answers while clients do not read."""

from tivo.broker.unsent import ALLOWED_BYTES, LEAST_BYTES, Unsent

MOST = 4 << 20


def test_while_nothing_waits_an_answer_may_have_what_it_would_like() -> None:
    assert MOST == Unsent().room(MOST)


def test_the_more_waits_the_less_an_answer_gets() -> None:
    unsent = Unsent()
    given = []
    for _ in range(200):
        given.append(unsent.room(MOST))
        unsent.bytes += given[-1]

    assert sorted(given, reverse=True) == given
    assert LEAST_BYTES == given[-1]
    assert unsent.bytes <= ALLOWED_BYTES + 200 * LEAST_BYTES


def test_what_was_taken_makes_room_again() -> None:
    unsent = Unsent()
    unsent.bytes = ALLOWED_BYTES
    assert LEAST_BYTES == unsent.room(MOST)

    unsent.bytes = 0

    assert MOST == unsent.room(MOST)
