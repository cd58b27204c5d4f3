"""`tivo copy`: topics and committed offsets to another Kafka cluster."""

import asyncio
from pathlib import Path

import click

from tivo import config, service
from tivo.cli.options import to_stderr
from tivo.client.access import Bootstrap
from tivo.client.copying import CopiedTopic, copier
from tivo.model.errors import BrokerError


@click.command("copy")
@click.argument("topics", nargs=-1)
@click.option(
    "--from",
    "source",
    required=True,
    metavar="HOST:PORT|FILE",
    help="Kafka cluster to copy from, or a tivo.toml of it.",
)
@click.option(
    "--to", "target", required=True, metavar="HOST:PORT|FILE", help="Kafka cluster to copy to, or a tivo.toml of it."
)
@click.option("--groups/--no-groups", default=True, show_default=True, help="Copy committed offsets too.")
def command(*, topics: tuple[str, ...], source: str, target: str, groups: bool) -> None:
    """Copy TOPICS, or all that are not internal, from one Kafka cluster to another.

    Every record keeps its partition, its place in it, key, value, headers and time. A topic must be empty, or not
    there yet, where it goes. Stop producers and consumers before. A cluster that speaks TLS or asks for a login is
    named by a settings file with its [kafka] bootstrap, security, user and so on.

    \b
    tivo copy --from 127.0.0.1:9092 --to kafka-1:9092
    tivo copy --from tivo.toml --to cluster.toml
    tivo copy quakes ships --from 127.0.0.1:9092 --to kafka-1:9092 --no-groups
    """
    broken = asyncio.run(_copy(topics, _access(source), _access(target), groups=groups))
    if broken:
        raise BrokerError(f"{broken} stretches of records could not be read and were not copied")


def _access(place: str) -> Bootstrap:
    """The cluster at an address, or of a settings file: of it alone, for the environment would name one for both."""
    return service.kafka_access(config.load(environ={}, file=Path(place))) if Path(place).is_file() else place


async def _copy(topics: tuple[str, ...], source: Bootstrap, target: Bootstrap, *, groups: bool) -> int:
    broken = 0
    async with copier(source, target, service.now) as copying:
        async for topic in copying.topics(topics):
            click.echo(f"{topic.name}: {topic.records:,} records in {topic.partitions} partitions")
            broken += len(topic.broken)
            _tell_broken(topic)
        if groups:
            async for group in copying.groups():
                click.echo(f"group {group.name}: {group.offsets} committed offsets")
    return broken


def _tell_broken(topic: CopiedTopic) -> None:
    for spot, first, following in topic.broken:
        to_stderr(f"tivo: {spot}: offsets {first} to {following - 1} cannot be read, they are not copied")
