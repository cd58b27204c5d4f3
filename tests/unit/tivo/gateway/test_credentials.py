"""How requests show who sends them."""

from base64 import urlsafe_b64encode
from typing import Any

import pytest

from tivo.gateway.credentials import Credential, Way, cookie, cookie_name, credential_of

TOKEN = "a token>?~ü"
ENCODED = urlsafe_b64encode(TOKEN.encode()).decode().rstrip("=")


def scope(*headers: tuple[str, str], query: str = "", subprotocols: tuple[str, ...] = ()) -> dict[str, Any]:
    given = [(b"host", b"localhost:8080"), *((name.encode(), value.encode()) for name, value in headers)]
    return {"type": "http", "headers": given, "query_string": query.encode(), "subprotocols": [*subprotocols]}


@pytest.mark.parametrize("value", ["Bearer abc", "bearer abc", "BEARER  abc "])
def test_a_header(value: str) -> None:
    assert Credential(Way.HEADER, "abc") == credential_of(scope(("authorization", value)), takes_ticket=False)


def test_a_subprotocol_beside_the_protocol() -> None:
    offered = ("tivo.v1.json", f"tivo.bearer.{ENCODED}")

    assert Credential(Way.SUBPROTOCOL, TOKEN) == credential_of(scope(subprotocols=offered), takes_ticket=True)


def test_a_cookie_of_this_port() -> None:
    cookies = ("cookie", f"other=1; tivo-9090=eA; tivo-8080={ENCODED}")

    assert Credential(Way.COOKIE, TOKEN) == credential_of(scope(cookies), takes_ticket=False)


def test_a_ticket_where_it_is_taken() -> None:
    asked = scope(query="from=now&ticket=abc")

    assert Credential(Way.TICKET, "abc") == credential_of(asked, takes_ticket=True)
    assert None is credential_of(asked, takes_ticket=False)


def test_what_is_said_on_purpose_counts_before_the_cookie() -> None:
    both = scope(("authorization", "Bearer abc"), ("cookie", f"tivo-8080={ENCODED}"))

    assert Credential(Way.HEADER, "abc") == credential_of(both, takes_ticket=False)


@pytest.mark.parametrize("header", [("authorization", "Basic YTpi"), ("cookie", "tivo-8080="), ("x-token", "abc")])
def test_nothing_is_shown(header: tuple[str, str]) -> None:
    assert None is credential_of(scope(header, query="token=abc"), takes_ticket=True)


@pytest.mark.parametrize("text", ["=", "a", "%%%", "gICA"])
def test_what_is_no_base64_of_text_is_a_token_that_nobody_has(text: str) -> None:
    offered = (f"tivo.bearer.{text}",)

    assert Credential(Way.SUBPROTOCOL, "") == credential_of(scope(subprotocols=offered), takes_ticket=False)


@pytest.mark.parametrize(
    ("host", "name"), [("localhost:8080", "tivo-8080"), ("tivo.example", "tivo"), ("[::1]:80", "tivo-80"), ("", "tivo")]
)
def test_gateways_on_one_machine_have_cookies_of_their_own(host: str, name: str) -> None:
    assert name == cookie_name(host)


def test_a_cookie_is_for_no_script_and_no_other_site() -> None:
    kept = cookie("localhost:8080", TOKEN, secure=False)

    assert f"tivo-8080={ENCODED}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict" == kept
    assert "tivo=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict; Secure" == cookie("tivo.example", "", secure=True)


def test_a_credential_does_not_show_its_secret() -> None:
    assert "Credential(header)" == repr(Credential(Way.HEADER, "abc"))
