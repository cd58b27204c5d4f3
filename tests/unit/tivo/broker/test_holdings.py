"""How much memory groups take together."""

from tivo.broker.holdings import Holdings


def test_group_may_hold_what_it_does_and_what_is_left() -> None:
    held = Holdings(most_bytes=100)
    held.weigh("g", 30)
    held.weigh("h", 50)
    held.weigh("g", 40)

    assert 90 == held.total_bytes
    assert (50, 60, 10) == (held.room_bytes("g"), held.room_bytes("h"), held.room_bytes("new"))


def test_group_keeps_what_it_has_where_nothing_is_left() -> None:
    held = Holdings(most_bytes=100)
    held.weigh("g", 130)

    assert (130, 0) == (held.room_bytes("g"), held.room_bytes("new"))


def test_group_that_is_gone_holds_nothing() -> None:
    held = Holdings(most_bytes=100)
    held.weigh("g", 30)
    held.weigh("g", 0)
    held.weigh("never there", 0)

    assert (0, 100) == (held.total_bytes, held.room_bytes("g"))
