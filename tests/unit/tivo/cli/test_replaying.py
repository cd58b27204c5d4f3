"""Where events that are played may go."""

import click
import pytest

from tivo.cli.replaying import target_of
from tivo.model.errors import RequestError

NOWHERE = {"keep_time": False, "kafka__bootstrap": None, "config_file": None}


def test_without_a_topic_they_go_nowhere() -> None:
    assert target_of(None, ("quakes",), **NOWHERE) is None


@pytest.mark.parametrize(
    ("given", "option"), [({"keep_time": True}, "--keep-time"), ({"kafka__bootstrap": "a:1"}, "--bootstrap")]
)
def test_what_only_a_topic_needs_is_refused_without_one(given: dict[str, object], option: str) -> None:
    with pytest.raises(click.UsageError, match=f"{option} goes with --to-topic"):
        target_of(None, ("quakes",), **(NOWHERE | given))  # type: ignore[arg-type]


def test_a_topic_is_looked_for_in_the_cluster_that_is_named() -> None:
    target = target_of("copy", ("quakes",), **(NOWHERE | {"kafka__bootstrap": "kafka-1:9092"}))  # type: ignore[arg-type]

    assert target is not None
    assert ("copy", "kafka-1:9092") == (target.topic, target.access.bootstrap)


def test_a_topic_that_would_be_fed_by_itself_is_refused() -> None:
    with pytest.raises(RequestError, match="fed by itself"):
        target_of("quakes", ("q*",), **NOWHERE)
