"""The access control entries and the journal that keeps them. An entry counts once it is on stable storage.

Where a full disk keeps a change from it, whoever asked is told an error. The record stands in the journal all the
same, and a restart would read it: so the change comes into force as soon as there is space and the record is safe.
"""

from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import NamedTuple

import msgspec

from tivo.auth.acl import Acls, Entry
from tivo.broker.journal import Format, Journal, each_record
from tivo.broker.leader import Durable
from tivo.model.errors import LogError


class Kept(NamedTuple):
    """An entry as the journal keeps it; not `stands`: it was removed."""

    entry: Entry
    stands: bool


def to_record(kept: Kept, now_ms: int) -> tuple[bytes, bytes | None]:
    """Key and value of the record that keeps an entry."""
    return msgspec.json.encode(kept.entry), b"{}" if kept.stands else None


def from_record(key: bytes, value: bytes | None) -> Kept:
    """What a record keeps. Raises LogError for one that is damaged."""
    try:
        return Kept(msgspec.json.decode(key, type=Entry), value is not None)
    except msgspec.MsgspecError as error:
        raise LogError(f"a record of the access control journal is damaged: {error}") from error


ACL_FORMAT = Format(to_record, each_record(from_record))


class AclBook:
    """Changes `acls` by way of the journal."""

    def __init__(self, acls: Acls, journal: Journal[Kept, Kept]) -> None:
        self._acls = acls
        self._journal = journal
        self._unsafe = 0  # changes in the journal that are not in `acls` yet

    def load(self) -> None:
        """Read the journal back. Raises LogError where it is damaged."""
        for kept in self._journal.read():
            self._apply(kept)

    def change(self, kept: Iterable[Kept], tell: Durable) -> None:
        """Add and remove entries; tells when they count, or why it is not known that they ever will."""
        changes = list(kept)
        try:
            self._journal.append(changes)
        except LogError as error:
            tell(error)
        else:
            self._unsafe += 1
            self._journal.when_kept(partial(self._take, changes))
            self._journal.when_durable(tell)

    def _take(self, changes: list[Kept]) -> None:
        self._unsafe -= 1
        for change in changes:
            self._apply(change)
        self._shorten_if_long()

    def _apply(self, kept: Kept) -> None:
        (self._acls.add if kept.stands else self._acls.remove)(kept.entry)

    def _shorten_if_long(self) -> None:
        if self._unsafe == 0 and self._journal.is_long:
            with suppress(LogError):  # the partition is read-only from then on and says so itself
                self._journal.shorten([Kept(entry, True) for entry in self._acls])
