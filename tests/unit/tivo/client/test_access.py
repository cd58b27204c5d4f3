"""How a guest gets into a cluster."""

import ssl
from pathlib import Path

import pytest

from tests.support.certificates import make_certificates
from tivo.client.access import Access, access_of, open_access
from tivo.model.errors import ConfigError


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text("pencil\n")
    path.chmod(0o600)
    return path


def opened(security: str, password_file: Path | None = None, user: str | None = "ada") -> Access:
    return open_access(
        bootstrap="h:1",
        security=security,
        mechanism="PLAIN",
        user=user,
        password_file=None if password_file is None else str(password_file),
        ca_file=None,
    )


def test_address_alone_is_enough_where_nobody_is_asked() -> None:
    assert {"bootstrap_servers": "h:1", "security_protocol": "PLAINTEXT"} == access_of("h:1").settings()


def test_access_is_what_it_is() -> None:
    access = Access(bootstrap="h:1", security="SSL")

    assert access is access_of(access)


def test_login_in_the_words_of_the_clients(password_file: Path) -> None:
    assert {
        "bootstrap_servers": "h:1",
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": "ada",
        "sasl_plain_password": "pencil",
    } == opened("SASL_PLAINTEXT", password_file).settings()


def test_password_is_not_shown(password_file: Path) -> None:
    assert "pencil" not in repr(opened("SASL_PLAINTEXT", password_file))


@pytest.mark.parametrize("security", ["SSL", "SASL_SSL"])
def test_tls_trusts_the_authority_that_is_named(tmp_path: Path, security: str) -> None:
    certificates = make_certificates(tmp_path)

    context = Access(bootstrap="h:1", security=security, ca_file=str(certificates.authority)).settings()["ssl_context"]

    assert (ssl.CERT_REQUIRED, True) == (context.verify_mode, context.check_hostname)
    assert 1 == context.cert_store_stats()["x509_ca"]


def test_ca_file_that_does_not_serve_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"the CA file .*none\.pem does not serve"):
        Access(bootstrap="h:1", security="SSL", ca_file=str(tmp_path / "none.pem")).settings()


@pytest.mark.parametrize("security", ["PLAINTEXT", "SSL"])
def test_no_password_is_read_where_none_is_needed(security: str) -> None:
    assert None is opened(security, Path("nowhere")).password


def test_login_needs_user_and_file(password_file: Path) -> None:
    for user, path in ((None, password_file), ("ada", None)):
        with pytest.raises(ConfigError, match=r"SASL_SSL needs kafka\.user, and kafka\.password_file"):
            opened("SASL_SSL", path, user)


def test_password_file_that_does_not_serve_is_named(password_file: Path) -> None:
    password_file.write_text("\n")
    with pytest.raises(ConfigError, match="is empty"):
        opened("SASL_SSL", password_file)
    password_file.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="cannot be read"):
        opened("SASL_SSL", password_file)
    password_file.chmod(0o644)
    with pytest.raises(ConfigError, match="open to everybody"):
        opened("SASL_SSL", password_file)
