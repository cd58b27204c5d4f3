"""The users file on disk: nobody else may read it, it is written whole or not at all, read again when it changes."""

import fcntl
import logging
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tivo.auth import users
from tivo.auth.users import NOBODY, Users
from tivo.model.errors import ConfigError

logger = logging.getLogger(__name__)

_MODE = 0o600


def read(path: Path) -> Users:
    """The users of a file. Raises ConfigError where it is missing, broken, or open to everybody's eyes."""
    check_private(path, "users file")
    try:
        return users.loads(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the users file {path} cannot be read: {error}") from error
    except ConfigError as error:
        raise ConfigError(f"the users file {path}: {error}") from error


def read_if_there(path: Path) -> Users:
    """The users of a file; nobody where there is none. Raises ConfigError as `read`."""
    return read(path) if path.exists() else NOBODY


def check_private(path: Path, what: str) -> None:
    """Raises ConfigError where a file that holds secrets is not there, or everybody on this machine may read it."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        hint = "; make it with `tivo users add NAME`" if what == "users file" else ""
        raise ConfigError(f"the {what} {path} cannot be read: {error.strerror}{hint}") from error
    if mode & stat.S_IRWXO:
        raise ConfigError(
            f"the {what} {path} is open to everybody on this machine (mode {stat.S_IMODE(mode):04o}): "
            f"`chmod 600 {path}` closes it"
        )


def change(path: Path, changed: Callable[[Users], Users]) -> Users:
    """Put what `changed` makes of a users file in its place; gives those who were there before.

    Whoever else changes the file waits, so nothing that was just taken away comes back. Raises ConfigError as `read`
    and `write`.
    """
    with _locked(path):
        before = read_if_there(path)
        write(path, changed(before))
        return before


def write(path: Path, held: Users) -> None:
    """Put a users file in place, readable by its owner alone. Raises ConfigError where that cannot be done."""
    text = users.dumps(held)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # of mode 0600
        fresh = Path(name)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(text)
                file.flush()
                os.fsync(descriptor)
            fresh.chmod(_MODE)
            fresh.replace(path)
            _sync_names(path.parent)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigError(f"the users file {path} cannot be written: {error}") from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """By a file beside it, which stays: the users file itself is another one after each change."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
    except OSError as error:
        raise ConfigError(f"the users file {path} cannot be locked: {error}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _sync_names(folder: Path) -> None:
    """A name that was put in place outlasts a loss of power once its folder is synced."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class UsersFile:
    """The users of a file as they are now: whoever holds this calls `look` from time to time.

    A file that has become broken changes nobody's rights: the users stay those that were read last, and a line of the
    log says so.
    """

    def __init__(self, path: Path) -> None:
        """Raises ConfigError as `read`."""
        self._path = path
        self._seen = _look(path)
        self.users = read(path)

    def look(self) -> None:
        """Read the file again if it has changed."""
        seen = _look(self._path)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self.users = read(self._path)
        except ConfigError as error:
            logger.error("%s; the users that were read before stay", error)  # noqa: TRY400 - no trace is wanted
        else:
            logger.warning("the users file %s was read again: %d users", self._path, len(self.users.users))


def _look(path: Path) -> tuple[int, int, int, int] | None:
    """What changes whenever the file does; None where it is gone."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode
