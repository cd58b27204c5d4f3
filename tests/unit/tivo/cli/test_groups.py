"""`tivo groups` before it asks a cluster, and where none answers."""

import pytest
from click.shell_completion import ShellComplete

from tivo.cli import cli, main

NOWHERE = "127.0.0.1:1"


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    monkeypatch.setattr("sys.argv", ["tivo", "groups", "--bootstrap", NOWHERE, *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0), capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [(), ("describe", "g"), ("reset", "g", "--to", "latest"), ("delete", "g", "--yes")]
)
def test_cluster_that_is_away_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    code, told = run(monkeypatch, capsys, *arguments)

    assert (1, True) == (code, f"no Kafka broker answers at {NOWHERE}" in told)


@pytest.mark.parametrize("where", [(), ("--to", "soon"), ("--to", "latest", "--by", "3")])
def test_reset_to_nowhere_is_refused_before_anybody_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], where: tuple[str, ...]
) -> None:
    assert 2 == run(monkeypatch, capsys, "reset", "g", *where)[0]


def test_nothing_is_completed_where_no_broker_answers() -> None:
    shell = ShellComplete(cli, {}, "tivo", "_TIVO_COMPLETE")

    assert [] == shell.get_completions(["groups", "--bootstrap", NOWHERE, "describe"], "")
