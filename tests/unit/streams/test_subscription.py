"""Which topics are persisted."""

import re

import pytest

from streams.subscription import pattern


def chosen(name: str, **filters: tuple[str, ...]) -> bool:
    return re.match(pattern(**filters), name) is not None


@pytest.mark.parametrize("name", ["quakes", "sensor-1", "a.b_c", "_one"])
def test_every_topic_is_persisted(name: str) -> None:
    assert chosen(name)


@pytest.mark.parametrize("name", ["__consumer_offsets", "__transaction_state"])
def test_internal_topics_are_not(name: str) -> None:
    assert not chosen(name)
    assert not chosen(name, include=("__*",))


def test_include_names_the_topics_by_shell_patterns() -> None:
    filters = ("sensor-*", "quakes")

    assert chosen("sensor-1", include=filters)
    assert chosen("quakes", include=filters)
    assert not chosen("quakes2", include=filters)
    assert not chosen("my-sensor-1", include=filters)


def test_exclude_counts_more_than_include() -> None:
    assert not chosen("sensor-1", include=("sensor-*",), exclude=("*-1",))
    assert chosen("sensor-2", include=("sensor-*",), exclude=("*-1",))


def test_no_include_chooses_nothing() -> None:
    assert not chosen("quakes", include=())
