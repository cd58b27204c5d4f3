"""A command that is played through."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tivo.cli import cli, executing
from tivo.client.viewer_session import ShownEvent
from tivo.model.errors import GatewayError


def event(n: int) -> ShownEvent:
    return ShownEvent(topic="quakes", partition=0, offset=n, time_us=n, received_us=n, id=str(n), value=n)


async def two_events() -> AsyncIterator[ShownEvent]:
    yield event(0)
    yield event(1)


async def silence() -> AsyncIterator[ShownEvent]:
    await asyncio.Event().wait()
    yield event(0)


async def a_gateway_that_closes() -> AsyncIterator[ShownEvent]:
    yield event(0)
    raise GatewayError("it closed")


async def test_its_input_ends_with_the_playback(capfd: pytest.CaptureFixture[str]) -> None:
    assert 4 == await executing._through(two_events(), "wc -l; exit 4", None)

    out, told = capfd.readouterr()
    assert ("2", "gave 2 events to 'wc -l; exit 4'\n") == (out.strip(), told)


async def test_count_bounds_what_it_gets(capfd: pytest.CaptureFixture[str]) -> None:
    assert 0 == await executing._through(two_events(), "wc -l", 1)

    assert "1" == capfd.readouterr().out.strip()


async def test_when_it_ends_nothing_more_is_waited_for() -> None:
    assert 3 == await executing._through(silence(), "exit 3", None)


async def test_a_gateway_that_fails_ends_it() -> None:
    with pytest.raises(GatewayError, match="it closed"):
        await executing._through(a_gateway_that_closes(), "cat > /dev/null", None)


async def test_what_its_shell_began_ends_with_it(tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    os.mkfifo(alive)
    process = await executing._started(f"tail -f /dev/null > {alive} | tail -f /dev/null; true")
    with await asyncio.to_thread(alive.open, "rb") as told:
        await executing._end(process, stop_s=0)

        assert b"" == await asyncio.to_thread(told.read), "its end is that of the pipeline's first command"


def test_a_command_and_a_topic_do_not_go_together() -> None:
    ran = CliRunner().invoke(
        cli, ["play", "quakes", "--url", "http://127.0.0.1:1", "--exec", "cat", "--to-topic", "copy"]
    )

    assert click.UsageError.exit_code == ran.exit_code
    assert "--exec and --to-topic do not go together" in ran.output
