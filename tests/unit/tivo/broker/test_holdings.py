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


def test_parts_are_dealt_where_nobody_else_is_let_in() -> None:
    held = Holdings(most_bytes=100, dealt_bytes=20)
    held.weigh("g", 30)
    held.weigh("h", 70)

    assert (30, 50) == (held.room_bytes("g"), held.room_bytes("g", dealing=True))
    held.weigh("h", 90)
    assert 30 == held.room_bytes("g", dealing=True)


def test_groups_of_one_user_leave_room_for_those_of_others() -> None:
    held = Holdings(most_bytes=100, share_bytes=60, dealt_bytes=20)
    for group_id, user in (("a1", "ada"), ("a2", "ada"), ("b", "bob")):
        held.came(group_id, user)
    held.weigh("a1", 40)
    held.weigh("a2", 20)

    assert (40, 20) == (held.room_bytes("a1"), held.room_bytes("a2"))
    assert 50 == held.room_bytes("a1", dealing=True)
    assert (40, 60) == (held.room_bytes("b"), held.room_bytes("b", dealing=True))
    held.weigh("a2", 0)
    assert 60 == held.room_bytes("a1")


def test_group_is_of_the_user_who_came_first_also_where_it_was_read_back() -> None:
    held = Holdings(most_bytes=100, share_bytes=60)
    held.weigh("g", 50)
    held.came("g", "ada")
    held.came("g", "bob")
    held.came("a", "ada")

    assert 10 == held.room_bytes("a")
    held.weigh("g", 0)
    held.came("g", "bob")
    assert 60 == held.room_bytes("g")
