"""Quotas."""

from hypothesis import given
from hypothesis import strategies as st

from tivo.broker import quotas
from tivo.broker.quotas import LONGEST_US, Quota, Rate
from tivo.model.timeline import SECOND_US


def test_without_a_rate_nobody_waits() -> None:
    assert 0 == Quota(None).charge("ada", 1 << 40, 0)


def test_one_second_of_it_may_come_at_once() -> None:
    quota = Quota(1_000)

    assert 0 == quota.charge("ada", 1_000, 0)
    assert SECOND_US // 2 == quota.charge("ada", 500, 0)


def test_what_was_had_drains_with_time() -> None:
    quota = Quota(1_000)
    quota.charge("ada", 1_500, 0)

    assert 0 == quota.charge("ada", 0, SECOND_US // 2)
    assert 0 == quota.charge("ada", 1_000, 2 * SECOND_US)


def test_everybody_has_a_rate_of_his_own() -> None:
    quota = Quota(1_000)
    quota.charge("ada", 10_000, 0)

    assert 0 == quota.charge("ben", 1_000, 0)


def test_nobody_is_told_to_wait_longer_than_clients_bear_and_the_debt_stays() -> None:
    quota = Quota(1)

    assert LONGEST_US == quota.charge("ada", 101, 0)
    assert 100 * SECOND_US - LONGEST_US == quota.wait_us("ada", LONGEST_US)
    assert (SECOND_US, 0) == (quota.wait_us("ada", 99 * SECOND_US), quota.wait_us("ada", 100 * SECOND_US))


def test_without_a_rate_or_a_debt_nobody_owes() -> None:
    assert (0, 0) == (Quota(None).wait_us("ada", 0), Quota(1).wait_us("ada", 0))


def test_many_who_share_a_rate_get_no_more_than_one() -> None:
    quota, now_us, total = Quota(1_000_000), 0, 0
    for _ in range(3):
        for _ in range(100):
            quota.charge("ada", 16 << 20, now_us)
            total += 16 << 20
        now_us += quota.wait_us("ada", now_us)

    assert total <= 1_000_000 * (now_us / SECOND_US + 1) + 1


def test_those_who_are_through_are_forgotten() -> None:
    quota = Quota(1)
    for number in range(quotas.FORGOTTEN):
        quota.charge(number, 2 if number else 5, 0)

    quota.charge("one more", 1, 2 * SECOND_US)

    assert {0, "one more"} == quota._buckets.keys()


@given(st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, SECOND_US)), max_size=30))
def test_over_time_the_rate_is_kept_by_whoever_waits(sent: list[tuple[int, int]]) -> None:
    quota, now_us, total = Quota(1_000), 0, 0
    for size, pause_us in sent:
        total += size
        now_us += quota.charge("ada", size, now_us) + pause_us

    assert total <= 1_000 * (now_us / SECOND_US + 1) + 1


def test_rate_of_events() -> None:
    rate = Rate(2)

    assert [True, True, False, False] == [rate.allows("host", 0) for _ in range(4)]
    assert rate.allows("other", 0)
    assert rate.allows("host", SECOND_US // 2)
    assert not rate.allows("host", SECOND_US // 2)
