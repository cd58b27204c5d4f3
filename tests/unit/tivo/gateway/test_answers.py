import pytest

from tests.support.gateway_app import GatewayApp
from tivo.gateway.answers import bounded
from tivo.model.timeline import Window
from tivo.playback.effects import OverviewQuestion, TopicsQuestion
from tivo.playback.facts import TopicRef

NOW_US = 50_000


@pytest.fixture
async def gateway() -> GatewayApp:
    """Topic `a` with events at 0 to 2 ms, `b` with events at 10 and 11 ms, both stored."""
    made = GatewayApp()
    for name, count, start_us in (("a", 3, 0), ("b", 2, 10_000)):
        made.log.make(name)
        made.log.fill(name, count, start_us=start_us)
        await made.log.store_all(name, made.store)
    return made


async def refs(gateway: GatewayApp) -> tuple[TopicRef, ...]:
    return tuple((await gateway.catalogue.topics()).values())


async def test_topics_are_answered_with_what_they_hold(gateway: GatewayApp) -> None:
    told = await gateway.sources.answers.to(TopicsQuestion(await refs(gateway)))

    assert [("a", 3), ("b", 2)] == [(each["name"], each["events"]) for each in told["topics"]]


async def test_counts_of_several_topics_share_one_window(gateway: GatewayApp) -> None:
    told = await gateway.sources.answers.to(OverviewQuestion(await refs(gateway), Window(), 4))

    assert {"a": 3, "b": 2} == {name: sum(counts["counts"]) for name, counts in told["topics"].items()}
    assert 1 == len({(counts["start_us"], counts["width_us"]) for counts in told["topics"].values()})


async def test_open_sides_lie_at_the_first_and_right_behind_the_last_event(gateway: GatewayApp) -> None:
    topics = await refs(gateway)

    assert Window(0, 11_001) == await bounded(topics, Window(), gateway.store, now_us=NOW_US)
    assert Window(5, 11_001) == await bounded(topics, Window(5, None), gateway.store, now_us=NOW_US)
    assert Window(0, 7) == await bounded(topics, Window(None, 7), gateway.store, now_us=NOW_US)
    assert Window(5, 7) == await bounded(topics, Window(5, 7), gateway.store, now_us=NOW_US)


async def test_where_nothing_is_stored_the_window_is_empty(gateway: GatewayApp) -> None:
    nothing = (gateway.log.make("empty"),)

    assert (await bounded(nothing, Window(), gateway.store, now_us=NOW_US)).is_empty
    assert (await bounded(nothing, Window(None, 5), gateway.store, now_us=NOW_US)).is_empty
    assert (await bounded(await refs(gateway), Window(10**9, None), gateway.store, now_us=NOW_US)).is_empty
