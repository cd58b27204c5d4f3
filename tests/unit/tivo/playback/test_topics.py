import pytest

from tests.unit.tivo.playback.events import event, topic
from tivo.playback.topics import absences, event_filter, is_glob, key_filter, matching, missing, near
from tivo.playback.where import Where

CATALOGUE = {name: topic(name) for name in ("metrics.b", "metrics.a", "orders")}


@pytest.mark.parametrize("pattern", ["metrics.*", "order?", "[mo]*"])
def test_a_glob_has_a_sign(pattern: str) -> None:
    assert is_glob(pattern)
    assert not is_glob("metrics.a")


def test_topics_match_once_and_come_by_name() -> None:
    assert ["metrics.a", "metrics.b", "orders"] == [*matching(("orders", "metrics.*", "*"), CATALOGUE)]


def test_a_name_matches_itself_alone() -> None:
    assert {"orders": CATALOGUE["orders"]} == matching(("orders", "metrics"), CATALOGUE)


def test_the_name_most_alike_is_asked_about() -> None:
    assert "; did you mean 'orders'?" == near("ordres", CATALOGUE)


def test_nothing_is_asked_where_no_name_is_alike() -> None:
    assert "" == near("xyz", CATALOGUE)


def test_only_plain_names_can_be_missing() -> None:
    assert ["nothing"] == missing(("nothing", "noth*", "orders"), CATALOGUE)


def test_what_no_topic_matches_is_told_by_what_it_is() -> None:
    told = list(absences(("orders", "metrics.*", "ordres", "nothing.*", "a b"), CATALOGUE))

    assert ["there is no topic named 'ordres' yet; did you mean 'orders'?", "no topic matches 'nothing.*' yet"] == told[
        :2
    ]
    assert "'a b' is no name for a topic" in told[2]
    assert 3 == len(told)


def test_no_globs_let_every_key_pass() -> None:
    assert key_filter(()) is None


def test_keys_pass_by_any_of_the_globs() -> None:
    passes = key_filter(("sensor-*", "door"))

    assert passes is not None
    assert [True, True, False, False] == [passes(event(0, key=key)) for key in (b"sensor-1", b"door", b"doors", None)]


def test_an_event_passes_both_by_its_key_and_by_an_expression() -> None:
    large = Where("large", lambda event: event.offset > 1)
    events = [event(0, offset=number, key=key) for number in (1, 2) for key in (b"a", b"b")]

    wanted = {
        name: [(each.offset, each.key) for each in events if passes is None or passes(each)]
        for name, passes in {
            "both": event_filter(("a",), large),
            "key": event_filter(("a",), Where()),
            "where": event_filter((), large),
        }.items()
    }

    assert {"both": [(2, b"a")], "key": [(1, b"a"), (2, b"a")], "where": [(2, b"a"), (2, b"b")]} == wanted
    assert event_filter((), Where()) is None


def test_a_key_without_text_is_matched_by_its_replacement() -> None:
    passes = key_filter(("*",))

    assert passes is not None
    assert passes(event(0, key=b"\xff"))
    assert passes(event(0, key=b"\xff"))


def test_many_keys_do_not_fill_the_memory() -> None:
    passes = key_filter(("1*",))

    assert passes is not None
    assert 1 + 10 + 100 + 1_000 == sum(passes(event(0, key=b"%d" % number)) for number in range(5_000)) - 0
