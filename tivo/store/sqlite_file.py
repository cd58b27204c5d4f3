"""The SQLite file of a store: opened to read or to write, recognised, its schema brought up to date.

One connection of one process writes and checkpoints; all others are opened read-only, which also
keeps clear of the fault that SQLite before 3.51.3 has where two connections checkpoint at once
(sqlite.org/wal.html, "WAL-reset bug"). A second writer is kept right by transactions, but is not
how a store is meant to be used.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from secrets import token_bytes
from typing import NamedTuple

from tivo.model.bucket import DEFAULT_BUCKET_US
from tivo.model.errors import ConfigError, StoreError
from tivo.store.page import Packer
from tivo.store.statements import migrations

_APPLICATION_ID = int.from_bytes(b"tivo")
_MIGRATIONS = migrations("sqlite")
_READABLE = 3
"""The oldest schema that can be read as it is. What came since (images) counts as empty there."""

_WAL_LIMIT_BYTES = 64 << 20

Identity = tuple[int, int]


class File(NamedTuple):
    """An open store: its connection and what the file says of itself. Used by one thread at a time."""

    connection: sqlite3.Connection
    identity: Identity
    incarnation: bytes
    bucket_us: int
    packer: Packer


def identity(path: Path) -> Identity | None:
    """Which file stands at a path now; None where there is none. Two calls differ once it was replaced."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def open_to_write(path: Path, *, bucket_us: int | None, busy_ms: int) -> File:
    """The store at a path, made where there is none; every commit is on stable storage when it returns.

    Raises ConfigError where the file was made with another bucket width, StoreError where it is no
    store or cannot be opened.
    """
    with translated(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = _connect(path, "rwc", busy_ms)
        try:
            _recognise(connection, path)
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # counts before the first table is made only
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            for pragma in (
                "synchronous = FULL",
                "fullfsync = ON",  # macOS alone: fsync there does not reach the disk otherwise
                f"journal_size_limit = {_WAL_LIMIT_BYTES}",
            ):
                connection.execute(f"PRAGMA {pragma}")
            _migrate(connection, bucket_us or DEFAULT_BUCKET_US)
            file = _file(connection, path)
            _check(file, mode, bucket_us, path)
        except BaseException:
            connection.close()
            raise
        return file


def open_to_read(path: Path, *, busy_ms: int) -> File | None:
    """The store at a path, for reading; None as long as nobody has made one. Raises StoreError."""
    if identity(path) is None:
        return None
    with translated(path):
        connection = _connect(path, "ro", busy_ms)
        try:
            version = _recognise(connection, path)
            _check_version(version, path)
            file = _file(connection, path) if version else None
        except BaseException:
            connection.close()
            raise
        if file is None:
            connection.close()
        return file


def is_outdated(path: Path, *, busy_ms: int) -> bool:
    """Whether an older tivo made the file: it is brought up to date by opening it once to write. Raises StoreError."""
    if identity(path) is None:
        return False
    with translated(path), closing(_connect(path, "ro", busy_ms)) as connection:
        return 0 < _recognise(connection, path) < len(_MIGRATIONS)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raises what SQLite and the operating system say of a file as StoreError, the cause kept."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"{path}: {error}") from error


def _connect(path: Path, mode: str, busy_ms: int) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=busy_ms / 1000,
        isolation_level=None,
        check_same_thread=False,
    )


def _file(connection: sqlite3.Connection, path: Path) -> File:
    meta = dict(connection.execute("SELECT name, value FROM meta"))
    found = identity(path)
    if found is None:
        raise StoreError(f"{path} was removed while it was opened")
    return File(connection, found, meta["incarnation"], meta["bucket_us"], Packer())


def _check(file: File, journal_mode: str, bucket_us: int | None, path: Path) -> None:
    if journal_mode != "wal":
        raise StoreError(f"{path}: its file system takes no write-ahead log (journal mode {journal_mode!r})")
    if bucket_us not in {None, file.bucket_us}:
        raise ConfigError(f"{path} was made with buckets of {file.bucket_us} µs, not of {bucket_us} µs")


def _check_version(version: int, path: Path) -> None:
    if 0 < version < _READABLE:
        raise StoreError(f"{path} has schema {version}, {_READABLE} is needed: open it once to write")


def _recognise(connection: sqlite3.Connection, path: Path) -> int:
    """The version of the schema, 0 where there is none yet."""
    connection.execute("BEGIN")  # one state of the file: another process may make it at this moment
    version = _value(connection, "PRAGMA user_version")
    application = _value(connection, "PRAGMA application_id")
    tables = _value(connection, "SELECT count(*) FROM sqlite_master")
    connection.execute("COMMIT")
    if application != _APPLICATION_ID and tables:
        raise StoreError(f"{path} is a SQLite file of another application, not a store of tivo")
    if version > len(_MIGRATIONS):
        raise StoreError(f"{path} has schema {version}, this tivo knows {len(_MIGRATIONS)}: it was made by a newer one")
    return version


def _migrate(connection: sqlite3.Connection, bucket_us: int) -> None:
    """Bring the schema up to date in one transaction, so that a reader sees all of it or nothing."""
    if _value(connection, "PRAGMA user_version") == len(_MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")  # who waited here finds the work done by the other
    version = _value(connection, "PRAGMA user_version")
    for script in _MIGRATIONS[version:]:
        for statement in _statements(script):
            connection.execute(statement)
    if version == 0:
        meta = [("incarnation", token_bytes(16)), ("bucket_us", bucket_us)]
        connection.executemany("INSERT INTO meta (name, value) VALUES (?, ?)", meta)
    connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")
    connection.execute("COMMIT")


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _value(connection: sqlite3.Connection, statement: str) -> int:
    with closing(connection.execute(statement)) as rows:
        value: int = rows.fetchone()[0]
    return value
