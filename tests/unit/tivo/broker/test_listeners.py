"""Listeners."""

import ssl
from pathlib import Path

import pytest

from tests.support.certificates import Certificates
from tivo.broker.listeners import Endpoint, Listener, Security, TlsOptions, check, parse_listener, tls_context
from tivo.model.errors import ConfigError

TLS = TlsOptions(certificate=Path("c"), key=Path("k"))
MUTUAL = TlsOptions(certificate=Path("c"), key=Path("k"), client_ca=Path("ca"))


@pytest.mark.parametrize(
    ("text", "listener"),
    [
        ("PLAINTEXT://127.0.0.1:0", Listener(port=0)),
        (
            "SASL_SSL://0.0.0.0:9093 as kafka.example:443",
            Listener(
                security=Security.SASL_SSL,
                host="0.0.0.0",
                port=9093,
                advertised_host="kafka.example",
                advertised_port=443,
            ),
        ),
        (
            " SSL://[::1]:1 as [fe80::1]:2 ",
            Listener(security=Security.SSL, host="::1", port=1, advertised_host="fe80::1", advertised_port=2),
        ),
    ],
)
def test_listener_as_people_write_it(text: str, listener: Listener) -> None:
    assert listener == parse_listener(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PLAINTEXT",
        "PLAIN://h:1",
        "SSL://h",
        "SSL://h:x",
        "SSL://h:65536",
        "SSL://h:1 as h:70000",
        "SSL://h:1 as h",
        "ssl://h:1",
        "SSL://::1:1",
    ],
)
def test_what_is_no_listener(text: str) -> None:
    with pytest.raises(ConfigError, match="got "):
        parse_listener(text)


@pytest.mark.parametrize(
    ("security", "tls", "login"),
    [("PLAINTEXT", False, False), ("SSL", True, False), ("SASL_PLAINTEXT", False, True), ("SASL_SSL", True, True)],
)
def test_what_is_spoken(security: str, tls: bool, login: bool) -> None:
    assert (tls, login) == (Security(security).has_tls, Security(security).has_login)


def test_clients_are_told_what_is_bound_or_what_is_advertised() -> None:
    assert "PLAINTEXT://127.0.0.1:7" == str(Listener(host="localhost", port=0).told(7))
    assert "PLAINTEXT://[::1]:7" == str(Listener(host="::1", port=0).told(7))
    assert Endpoint(Security.SSL, "out", 9) == Listener(
        security=Security.SSL, advertised_host="out", advertised_port=9
    ).told(7)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
def test_loopback_needs_nothing(host: str) -> None:
    check(Listener(host=host), None, insecure=False)


@pytest.mark.parametrize("host", ["10.0.0.1", "192.168.1.5", "0.0.0.0", "::"])
@pytest.mark.parametrize(
    ("security", "tls", "insecure"),
    [
        (Security.SASL_PLAINTEXT, None, False),
        (Security.SASL_SSL, TLS, False),
        (Security.SSL, MUTUAL, False),
        (Security.PLAINTEXT, None, True),
    ],
)
def test_other_machines_come_in_where_they_are_asked(
    host: str, security: Security, tls: TlsOptions | None, insecure: bool
) -> None:
    check(Listener(security=security, host=host, advertised_host="out"), tls, insecure=insecure)


@pytest.mark.parametrize(("security", "tls"), [(Security.PLAINTEXT, MUTUAL), (Security.SSL, TLS)])
def test_other_machines_do_not_come_in_unasked(security: Security, tls: TlsOptions) -> None:
    with pytest.raises(
        ConfigError, match=r"kafka\.host.*nobody is asked there who he is.*kafka\.listeners.*kafka\.insecure"
    ):
        check(Listener(security=security, host="10.0.0.1"), tls, insecure=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_every_address_needs_one_to_tell(host: str) -> None:
    with pytest.raises(ConfigError, match=r"kafka\.advertised_host"):
        check(Listener(host=host), None, insecure=True)


def test_name_is_no_address() -> None:
    with pytest.raises(ConfigError, match=r"kafka\.example"):
        check(Listener(host="kafka.example"), None, insecure=False)


def test_tls_needs_a_certificate() -> None:
    with pytest.raises(ConfigError, match=r"SSL at 127\.0\.0\.1:9092 needs a certificate and its key"):
        check(Listener(security=Security.SSL), None, insecure=False)


def test_tls_is_new_enough_and_asks_clients_for_certificates_if_told(certificates: Certificates) -> None:
    plain = tls_context(TlsOptions(certificate=certificates.server, key=certificates.server_key))
    mutual = tls_context(
        TlsOptions(certificate=certificates.server, key=certificates.server_key, client_ca=certificates.authority)
    )

    assert ssl.TLSVersion.TLSv1_2 == plain.minimum_version
    assert (ssl.CERT_NONE, ssl.CERT_REQUIRED) == (plain.verify_mode, mutual.verify_mode)


def test_files_that_do_not_serve_are_named(certificates: Certificates, tmp_path: Path) -> None:
    loose = tmp_path / "loose.pem"
    loose.write_bytes(certificates.server_key.read_bytes())
    loose.chmod(0o644)

    with pytest.raises(ConfigError, match=r"the TLS key .*loose\.pem is open to everybody"):
        tls_context(TlsOptions(certificate=certificates.server, key=loose))
    with pytest.raises(ConfigError, match=r"with .*missing\.pem and .* cannot be spoken"):
        tls_context(TlsOptions(certificate=tmp_path / "missing.pem", key=certificates.server_key))
    with pytest.raises(ConfigError, match="cannot be spoken"):
        tls_context(TlsOptions(certificate=certificates.client, key=certificates.server_key))
