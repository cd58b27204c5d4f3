"""The users file on disk."""

import fcntl
import logging
import os
import stat
from pathlib import Path

import pytest

from tivo.auth.users import NOBODY, User, Users
from tivo.model.errors import ConfigError
from tivo.users_file import UsersFile, change, check_private, read, read_if_there, write

ADA: Users = NOBODY.with_user("ada", User())
BOTH: Users = ADA.with_user("ben", User())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    written = tmp_path / "data" / "users.toml"
    write(written, ADA)
    return written


def test_file_is_its_owners_alone_and_nothing_else_is_left(path: Path) -> None:
    assert 0o600 == path.stat().st_mode & 0o777
    assert [path] == list(path.parent.iterdir())
    assert ADA == read(path)


def test_name_of_the_file_is_synced_when_it_is_in_place(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[list[str]] = []

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            synced.append(os.listdir(descriptor))

    monkeypatch.setattr(os, "fsync", fsync)
    write(path, BOTH)

    assert [["users.toml"]] == synced


def test_change_gives_who_was_there_and_keeps_others_away(path: Path) -> None:
    def changed(users: Users) -> Users:
        with (path.parent / ".users.toml.lock").open() as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return users.with_user("ben", User())

    assert ADA == change(path, changed)
    assert BOTH == read(path)


def test_change_where_no_file_can_be_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ConfigError, match="cannot be locked"):
        change(tmp_path / "file" / "users.toml", lambda users: users)


def test_write_to_where_a_folder_stands_fails_and_leaves_nothing(tmp_path: Path) -> None:
    place = tmp_path / "users.toml"
    place.mkdir()
    (place / "x").touch()

    with pytest.raises(ConfigError, match="cannot be written"):
        write(place, ADA)
    assert [place] == list(tmp_path.iterdir())


def test_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"No such file or directory; make it with `tivo users add NAME`"):
        read(tmp_path / "users.toml")
    assert NOBODY == read_if_there(tmp_path / "users.toml")


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o644, 0o666])
def test_file_that_everybody_may_read_is_refused(path: Path, mode: int) -> None:
    path.chmod(mode)

    with pytest.raises(ConfigError, match=f"mode {mode:04o}.*chmod 600"):
        read_if_there(path)


def test_group_may_read_it(path: Path) -> None:
    path.chmod(0o640)

    assert ADA == read(path)


@pytest.mark.parametrize(("content", "why"), [(b"[users", "not TOML"), (b"\xff", "cannot be read")])
def test_broken_file_is_named(path: Path, content: bytes, why: str) -> None:
    path.write_bytes(content)

    with pytest.raises(ConfigError, match=f"{path.name}.*{why}"):
        read(path)


def test_other_secrets_are_looked_at_alike(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"the key .* cannot be read: No such file or directory$"):
        check_private(tmp_path / "key", "key")


def test_changed_file_is_read_again(path: Path) -> None:
    held = UsersFile(path)
    held.look()
    assert ADA == held.users

    write(path, BOTH)
    held.look()

    assert BOTH == held.users


@pytest.mark.parametrize("how", ["broken", "open", "gone"])
def test_users_stay_where_the_file_has_become_unusable(path: Path, how: str, caplog: pytest.LogCaptureFixture) -> None:
    held = UsersFile(path)
    match how:
        case "broken":
            path.write_text("[users")
        case "open":
            path.chmod(0o644)
        case _:
            path.unlink()

    with caplog.at_level(logging.ERROR):
        held.look()
        held.look()

    assert ADA == held.users
    assert 1 == len(caplog.records)
