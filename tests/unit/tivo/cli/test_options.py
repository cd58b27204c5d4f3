"""Where a token comes from."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tivo.cli import COMMANDS, cli
from tivo.cli.options import token_option
from tivo.model.errors import ConfigError


@click.command()
@token_option
def shown(*, token: str | None) -> None:
    click.echo(repr(token))


def told(*arguments: str, **environment: str) -> str:
    result = CliRunner().invoke(shown, arguments, env=environment, catch_exceptions=False)
    return result.output.strip()


def test_a_token_comes_out_of_a_file_or_the_environment_and_the_file_wins(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("from the file\n")

    assert "None" == told()
    assert "None" == told(TIVO_TOKEN="")
    assert "'from the environment'" == told(TIVO_TOKEN="from the environment")
    assert "'from the file'" == told("--token-file", str(file), TIVO_TOKEN="from the environment")


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_token_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(ConfigError, match=r"the token file .*token cannot be read"):
        told("--token-file", str(file))


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_takes_a_token_from_its_command_line(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None

    assert [] == [each for option in command.params for each in option.opts if each in {"--token", "--password"}]
