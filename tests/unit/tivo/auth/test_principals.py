"""Principals."""

import pytest

from tivo.auth.principals import ANONYMOUS, Principal, named, of_certificate


def test_written_as_kafka_does() -> None:
    assert "User:ada" == str(Principal("ada"))
    assert "User:ANONYMOUS" == str(ANONYMOUS)


@pytest.mark.parametrize("text", ["ada", "User:ada"])
def test_named_either_way(text: str) -> None:
    assert Principal("ada") == named(text)


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        (((("commonName", "ada"),),), "CN=ada"),
        (((("countryName", "NZ"),), (("organizationName", "x, y"),), (("commonName", "ada"),)), r"CN=ada,O=x\, y,C=NZ"),
        (((("commonName", "ada"), ("userId", "7")),), "CN=ada+UID=7"),
        (((("serialNumber", "#1"),),), r"serialNumber=\#1"),
    ],
)
def test_certificate_by_its_subject(subject: tuple[tuple[tuple[str, str], ...], ...], name: str) -> None:
    assert Principal(name) == of_certificate(subject)
