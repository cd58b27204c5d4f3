"""The command line before it does anything: help, completion, and what is asked wrongly."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tivo.cli import COMMANDS, cli, main


def run(*arguments: str, **options: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, arguments, env=options, prog_name="tivo")
    return result.exit_code, result.output


def test_help_names_every_command_and_the_first_steps() -> None:
    code, output = run("--help")

    assert 0 == code
    assert all(name in output for name in COMMANDS)
    assert "tivo up --demo" in output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_and_its_options(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)

    assert command is not None
    assert command.help
    assert [] == [
        option.name
        for option in command.params
        if isinstance(option, click.Option) and not option.hidden and not option.help
    ]


def test_misspelt_command_is_told_the_near_one() -> None:
    code, output = run("tpics")

    assert 2 == code
    assert "Did you mean 'topics'?" in output


def test_unknown_command_is_refused() -> None:
    code, output = run("xyzzy")

    assert 2 == code
    assert "No such command 'xyzzy'" in output


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_asks_this_command(shell: str) -> None:
    code, output = run("completion", shell)

    assert 0 == code
    assert "_TIVO_COMPLETE" in output


def test_mistake_in_the_settings_ends_with_its_own_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["tivo", "broker"])
    monkeypatch.setenv("TIVO_KAFKA_PORT", "many")

    with pytest.raises(SystemExit) as ended:
        main()

    assert 78 == ended.value.code
    assert "tivo: setting kafka.port" in capsys.readouterr().err


def test_absent_gateway_is_told_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["tivo", "topics", "--url", "http://127.0.0.1:1"])

    with pytest.raises(SystemExit) as ended:
        main()

    assert 1 == ended.value.code
    assert "no gateway answers at http://127.0.0.1:1" in capsys.readouterr().err
