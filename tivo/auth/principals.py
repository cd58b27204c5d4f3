"""Who somebody is, once that is known, as Kafka writes it: `User:ada`."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

USER = "User"
ANYBODY = "User:*"
"""Stands in an ACL for every user."""

_SHORT = {
    "commonName": "CN",
    "organizationalUnitName": "OU",
    "organizationName": "O",
    "localityName": "L",
    "stateOrProvinceName": "ST",
    "countryName": "C",
    "streetAddress": "STREET",
    "domainComponent": "DC",
    "userId": "UID",
}
_ESCAPED = frozenset(',+"\\<>;=')


class Principal(NamedTuple):
    """A user by name."""

    name: str

    def __str__(self) -> str:
        return f"{USER}:{self.name}"


ANONYMOUS = Principal("ANONYMOUS")
"""Whoever comes where nobody is asked."""


def named(text: str) -> Principal:
    """The principal of a name as people write it, `ada` or `User:ada`."""
    return Principal(text.removeprefix(f"{USER}:"))


def of_certificate(subject: Iterable[Sequence[tuple[str, str]]]) -> Principal:
    """The principal of a client certificate: its subject as RFC 4514 writes it, the last part first, as Kafka does.

    `subject` is what Python's `ssl` tells: parts of one or several pairs of attribute and value.
    """
    parts = ["+".join(f"{_SHORT.get(key, key)}={_escaped(value)}" for key, value in part) for part in subject]
    return Principal(",".join(reversed(parts)))


def _escaped(value: str) -> str:
    text = "".join(f"\\{letter}" if letter in _ESCAPED else letter for letter in value)
    return f"\\{text}" if text.startswith(("#", " ")) else text
