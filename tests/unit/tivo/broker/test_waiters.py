"""Fetches parked until there is more to read."""

from tivo.broker.waiters import Waiters


def test_growth_wakes_whoever_waits_there() -> None:
    waiters, woken = Waiters(), []
    waiters.park(["a"], missing_bytes=1, wake=lambda: woken.append("a"))
    waiters.park(["b"], missing_bytes=1, wake=lambda: woken.append("b"))

    waiters.grown("a", 1)

    assert ["a"] == woken
    assert 1 == len(waiters)


def test_fetch_waits_until_all_of_its_bytes_are_there() -> None:
    waiters, woken = Waiters(), []
    waiters.park(["a", "b"], missing_bytes=10, wake=lambda: woken.append(True))

    waiters.grown("a", 4)
    waiters.grown("b", 5)
    assert [] == woken
    waiters.grown("a", 1)

    assert [True] == woken


def test_fetch_is_woken_once() -> None:
    waiters, woken = Waiters(), []
    waiters.park(["a", "b"], missing_bytes=1, wake=lambda: woken.append(True))

    waiters.grown("a", 1)
    waiters.grown("b", 1)
    waiters.wake_all()

    assert [True] == woken
    assert 0 == len(waiters)


def test_change_wakes_whatever_is_missing() -> None:
    waiters, woken = Waiters(), []
    waiters.park(["a"], missing_bytes=1_000, wake=lambda: woken.append(True))

    waiters.changed("nowhere")
    assert [] == woken
    waiters.changed("a")

    assert [True] == woken


def test_who_leaves_is_not_woken() -> None:
    waiters, woken = Waiters(), []
    parked = waiters.park(["a", "b"], missing_bytes=1, wake=lambda: woken.append(True))

    waiters.leave(parked)
    waiters.leave(parked)
    waiters.grown("a", 1)

    assert [] == woken


def test_others_stay_when_one_leaves() -> None:
    waiters, woken = Waiters(), []
    first = waiters.park(["a"], missing_bytes=1, wake=lambda: woken.append("first"))
    waiters.park(["a"], missing_bytes=1, wake=lambda: woken.append("second"))

    waiters.leave(first)
    waiters.grown("a", 1)

    assert ["second"] == woken


def test_everybody_is_woken_at_the_end() -> None:
    waiters, woken = Waiters(), []
    for place in ("a", "b"):
        waiters.park([place, "c"], missing_bytes=1, wake=lambda: woken.append(True))

    waiters.wake_all()

    assert [True, True] == woken


def test_who_is_woken_may_park_again() -> None:
    waiters, woken = Waiters(), []

    def again() -> None:
        woken.append(True)
        waiters.park(["a"], missing_bytes=1, wake=lambda: woken.append(True))

    waiters.park(["a"], missing_bytes=1, wake=again)
    waiters.grown("a", 1)

    assert [True] == woken
    assert 1 == len(waiters)
