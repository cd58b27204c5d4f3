"""`tivo users`."""

import json
import re
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tivo.auth import plain, tokens
from tivo.auth.plain import Given
from tivo.auth.principals import Principal
from tivo.auth.users import Scope
from tivo.cli import cli
from tivo.model.errors import ConfigError
from tivo.model.timeline import Now
from tivo.users_file import read


def run(data: Path, *arguments: str, stdin: str = "") -> Result:
    return CliRunner().invoke(cli, ["users", "--data", str(data), *arguments], input=stdin, catch_exceptions=False)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    assert "added ada\n" == run(tmp_path, "add", "ada", stdin="pencil\n").output
    return tmp_path


def knows(data: Path, name: str, password: str) -> bool:
    users = read(data / "users.toml")
    return Principal(name) == plain.check(users, Given(name, password), secret=b"x")


def test_user_is_added_with_a_password_that_is_not_kept(data: Path) -> None:
    assert knows(data, "ada", "pencil")
    assert "pencil" not in (data / "users.toml").read_text()
    assert 0o600 == (data / "users.toml").stat().st_mode & 0o777


def test_password_is_changed_and_tokens_stay(data: Path) -> None:
    run(data, "token", "add", "ada", "--label", "x", "--scope", "read")

    assert "changed the password of ada\n" == run(data, "add", "ada", stdin="crayon\n").output

    assert knows(data, "ada", "crayon")
    assert 1 == len(read(data / "users.toml").get("ada").tokens)


def test_user_of_the_gateway_alone_needs_no_password(tmp_path: Path) -> None:
    assert "added ben\n" == run(tmp_path, "add", "ben", "--no-password").output
    secret = run(tmp_path, "token", "add", "ben", "--label", "desk", "--scope", "read").stdout.strip()

    users = read(tmp_path / "users.toml")
    assert Principal("ben") == tokens.check(users, secret, Now(0, 0)).principal
    assert (None, None) == (users.get("ben").scram_sha_256, users.get("ben").scram_sha_512)
    assert "ben (without a password)" == run(tmp_path).output.splitlines()[0]


def test_password_is_taken_away_and_tokens_stay(data: Path) -> None:
    run(data, "token", "add", "ada", "--label", "x", "--scope", "read")

    assert "took away the password of ada\n" == run(data, "add", "ada", "--no-password").output
    assert "ada has no password as it is\n" == run(data, "add", "ada", "--no-password").output

    kept = read(data / "users.toml").get("ada")
    assert (None, None, 1) == (kept.scram_sha_256, kept.scram_sha_512, len(kept.tokens))


def test_token_that_is_taken_away_while_a_password_is_typed_stays_away(data: Path) -> None:
    class Typing(BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            run(data, "token", "remove", "ada", "x")
            self.read1 = super().read1  # type: ignore[method-assign]  # once
            return super().read1(size)

    run(data, "token", "add", "ada", "--label", "x", "--scope", "read")
    CliRunner().invoke(
        cli, ["users", "--data", str(data), "add", "ben"], input=Typing(b"pencil\n"), catch_exceptions=False
    )

    users = read(data / "users.toml")
    assert (["ada", "ben"], ()) == (list(users.users), users.get("ada").tokens)


def test_name_that_cannot_be_one_is_refused(data: Path) -> None:
    with pytest.raises(ConfigError, match="printable characters"):
        run(data, "add", "a\x7f", stdin="pencil\n")


def test_empty_password_is_refused(data: Path) -> None:
    with pytest.raises(ConfigError, match="a password is not empty"):
        run(data, "add", "ben", stdin="\n")


def test_users_file_of_the_settings_is_meant(tmp_path: Path) -> None:
    settings = tmp_path / "tivo.toml"
    settings.write_text(f"users_file = '{tmp_path / 'who.toml'}'\n")

    CliRunner().invoke(cli, ["users", "--config", str(settings), "add", "ada"], input="pencil\n")

    assert read(tmp_path / "who.toml").find("ada")


def test_user_is_removed(data: Path) -> None:
    assert "removed ada\n" == run(data, "remove", "ada").output

    assert {} == read(data / "users.toml").users
    with pytest.raises(ConfigError, match="no user 'ada'"):
        run(data, "remove", "ada")


def test_token_is_shown_once_and_known_again(data: Path) -> None:
    result = run(data, "token", "add", "ada", "--label", "desk", "--scope", "read", "--scope", "write:a.")
    secret = result.stdout.strip()

    assert re.fullmatch(r"tivo_[A-Za-z0-9_-]{43}", secret)
    assert secret not in (data / "users.toml").read_text()
    bearer = tokens.check(read(data / "users.toml"), secret, Now(0, 0))
    assert (Principal("ada"), (Scope("read", ""), Scope("write", "a."))) == (bearer.principal, bearer.scopes)


def test_token_expires(data: Path) -> None:
    run(data, "token", "add", "ada", "--label", "desk", "--scope", "read", "--expires", "90d")

    (kept,) = read(data / "users.toml").get("ada").tokens
    assert kept.expires is not None


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("ben", "--label", "x", "--scope", "read"), "no user 'ben'; `tivo users add ben` adds one"),
        (("ada", "--label", "desk", "--scope", "read"), "has a token 'desk' already"),
        (("ada", "--label", "x\x7f", "--scope", "read"), r"printable, got 'x\\x7f'"),
        (("ada", "--label", "x", "--scope", "read:a\x7f"), r"printable, got 'read:a\\x7f'"),
        (("ada", "--label", "x", "--scope", "own"), "--scope is read, write or admin"),
        (("ada", "--label", "x", "--scope", "read", "--expires", "soon"), "--expires wants a number and a unit"),
    ],
)
def test_token_that_cannot_be_given(data: Path, arguments: tuple[str, ...], why: str) -> None:
    run(data, "token", "add", "ada", "--label", "desk", "--scope", "read")

    with pytest.raises(ConfigError, match=why):
        run(data, "token", "add", *arguments)


def test_token_is_taken_away(data: Path) -> None:
    run(data, "token", "add", "ada", "--label", "desk", "--scope", "read")

    assert "removed token 'desk' of ada\n" == run(data, "token", "remove", "ada", "desk").output

    assert () == read(data / "users.toml").get("ada").tokens
    with pytest.raises(ConfigError, match="no token 'desk'"):
        run(data, "token", "remove", "ada", "desk")


@pytest.mark.parametrize("arguments", [(), ("list",)])
def test_users_are_listed_for_people(data: Path, arguments: tuple[str, ...]) -> None:
    run(data, "token", "add", "ada", "--label", "desk", "--scope", "read", "--expires", "1d")
    run(data, "token", "add", "ada", "--label", "phone", "--scope", "admin:a.")

    lines = run(data, *arguments).output.splitlines()

    assert ["ada", "  token phone: admin:a."] == [lines[0], lines[2]]
    assert re.fullmatch(r"  token desk: read, until [0-9T:-]+Z", lines[1])


def test_users_are_listed_for_scripts(data: Path) -> None:
    run(data, "token", "add", "ada", "--label", "desk", "--scope", "read")

    assert [
        {"name": "ada", "has_password": True, "tokens": [{"label": "desk", "scopes": ["read"], "expires": None}]}
    ] == json.loads(run(data, "list", "--json").output)


def test_nobody_yet(tmp_path: Path) -> None:
    assert "no users yet; add one with `tivo users add NAME`\n" == run(tmp_path).output
