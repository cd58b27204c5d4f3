"""What `tivo play --to-topic` does: events that are played become records of another topic."""

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import Any

import click

from tivo import service
from tivo.cli.options import Command, bootstrap_option, config_option, load_settings, to_stderr
from tivo.cli.showing import Watched, events_text, first, watch
from tivo.client.access import Access
from tivo.client.producer import Producer
from tivo.client.replay import Replay, check_target


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A topic that is written to, and the cluster that it is in."""

    topic: str
    access: Access
    keep_time: bool


def target_options(command: Command) -> Command:
    """Where events go instead of standard output."""
    to_topic = click.option("--to-topic", metavar="TOPIC", help="Write the events to this topic, each when it is due.")
    keep_time = click.option("--keep-time", is_flag=True, help="They keep their times there; without it: now.")
    return to_topic(keep_time(bootstrap_option(config_option(command))))


def target_of(topic: str | None, played: tuple[str, ...], *, keep_time: bool, **where: Any) -> Target | None:
    """The topic to write to, None where none was named. Raises RequestError where it cannot be one."""
    if topic is None:
        given = ["--keep-time"] * keep_time + ["--bootstrap"] * (where["kafka__bootstrap"] is not None)
        if given:
            raise click.UsageError(f"{given[0]} goes with --to-topic")
        return None
    check_target(topic, played)
    return Target(topic=topic, access=service.kafka_access(load_settings(**where)), keep_time=keep_time)


def play_into(watched: Watched, target: Target, *, count: int | None) -> None:
    """Write what is played until it ends, `count` have come, or Ctrl-C, and tell how many were written."""
    asyncio.run(_play_into(replace(watched, raw=True), target, count))


async def _play_into(watched: Watched, target: Target, count: int | None) -> None:
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a topic that is just being made is an error to it
    async with Producer(target.access) as producer:
        replay = Replay(producer, target.topic, service.now, keep_time=target.keep_time)
        try:
            await watch(watched, lambda viewer: replay.write(first(viewer, count)))
        finally:
            to_stderr(f"wrote {events_text(replay.written)} to {target.topic}")
