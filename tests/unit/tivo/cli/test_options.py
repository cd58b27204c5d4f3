"""Where a token comes from, and where the gateway is."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tivo.cli import COMMANDS, cli
from tivo.cli.options import token_option, url_option
from tivo.model.errors import ConfigError, RequestError


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


@click.group(invoke_without_command=True)
@url_option
@click.pass_context
def where(context: click.Context, *, url: str) -> None:
    if context.invoked_subcommand is None:
        click.echo(url)


@where.command("behind")
@url_option
def behind(*, url: str) -> None:
    click.echo(url)


def url_of(*arguments: str, **environment: str) -> str:
    return CliRunner().invoke(where, arguments, env=environment, catch_exceptions=False).output.strip()


def test_the_gateway_is_that_of_the_option_the_environment_or_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "http://127.0.0.1:8080" == url_of()

    (tmp_path / "tivo.toml").write_text('gateway = {host = "::", port = 8181}')
    assert "http://127.0.0.1:8181" == url_of()
    assert "http://127.0.0.1:8282" == url_of(TIVO_GATEWAY_PORT="8282")
    assert "http://[::1]:8181" == url_of(TIVO_GATEWAY_HOST="::1")
    assert "http://a:1" == url_of(TIVO_URL="http://a:1", TIVO_GATEWAY_PORT="8282")
    assert "http://b:2" == url_of("--url", "http://b:2", TIVO_URL="http://a:1")


def test_the_gateway_may_be_named_before_a_sub_command_and_behind_it() -> None:
    assert "http://a:1" == url_of("--url", "http://a:1", "behind")
    assert "http://b:2" == url_of("behind", "--url", "http://b:2")
    assert "http://b:2" == url_of("--url", "http://a:1", "behind", "--url", "http://b:2")


def test_an_address_that_is_none_is_told_with_who_gave_it() -> None:
    with pytest.raises(RequestError, match=r"^--url: 'nonsense' is no address"):
        url_of("--url", "nonsense")
    with pytest.raises(RequestError, match=r"^TIVO_URL: 'nonsense' is no address"):
        url_of(TIVO_URL="nonsense")
    with pytest.raises(RequestError, match=r"gateway\.port is 0"):
        url_of(TIVO_GATEWAY_PORT="0")
