"""The users file."""

from base64 import b64encode
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tivo.auth.users import NOBODY, Mechanism, Scope, Token, User, Users, dumps, loads, verifier_of
from tivo.model.errors import ConfigError

VERIFIER = verifier_of("pencil", "SCRAM-SHA-256", salt=b"saltsalt", iterations=4096)
TOKEN = Token(name="laptop", sha256="ab" * 32, scopes=("read", "write:sensors."))
LATEST = datetime(9000, 1, 1)  # noqa: DTZ001 - hypothesis wants it without a zone

verifiers = st.builds(
    verifier_of, st.text(max_size=10), st.just("SCRAM-SHA-512"), salt=st.binary(min_size=8), iterations=st.just(4096)
)
names = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20).filter(
    lambda name: name.isprintable() and name not in ("*", "ANONYMOUS")
)
tokens = st.builds(
    Token,
    name=st.text(min_size=1, max_size=20) | st.just("\x7f"),
    sha256=st.binary(min_size=32, max_size=32).map(bytes.hex),
    scopes=st.lists(st.sampled_from(["read", "write:a.", 'admin:"\\é'])).map(tuple),
    expires=st.none()
    | st.datetimes(timezones=st.just(UTC), max_value=LATEST).map(
        lambda time: time.replace(microsecond=0, year=max(time.year, 1970))
    ),
)
users = st.builds(User, scram_sha_512=st.none() | verifiers, tokens=st.lists(tokens, max_size=2).map(tuple))


@given(st.dictionaries(names, users, max_size=3).map(lambda found: Users(users=found)))
def test_what_is_written_is_read_back(written: Users) -> None:
    hashes = [token.sha256 for user in written.users.values() for token in user.tokens]
    if len(hashes) == len(set(hashes)):
        assert written == loads(dumps(written))


def test_file_as_people_see_it() -> None:
    token = Token(name="desk", sha256="0" * 64, scopes=("read",), expires=datetime(2027, 1, 1, tzinfo=UTC))

    written = dumps(NOBODY.with_user("ada", User(scram_sha_256=VERIFIER)).with_user("a b", User(tokens=(token,))))

    assert [
        "[users.ada]",
        "[users.ada.scram-sha-256]",
        'salt = "c2FsdHNhbHQ="',
        "iterations = 4096",
        f'stored_key = "{b64encode(VERIFIER.stored_key).decode()}"',
        f'server_key = "{b64encode(VERIFIER.server_key).decode()}"',
        "",
        '[users."a b"]',
        '[[users."a b".tokens]]',
        'name = "desk"',
        f'sha256 = "{"0" * 64}"',
        'scopes = ["read"]',
        "expires = 2027-01-01T00:00:00Z",
    ] == written.splitlines()


@pytest.mark.parametrize(
    ("text", "culprit"),
    [
        ("[users", "it is not TOML"),
        ("user = 1", "the file: Object contains unknown field `user`"),
        ('[users.ada]\npassword = "x"', r"users\[...\]: Object contains unknown field `password`"),
        ("[users.ada.scram-sha-256]\niterations = 1", "scram-sha-256"),
        ("[[users.ada.tokens]]\nname='x'\nsha256='no'\nscopes=[]", "sha256: Expected `str` matching regex"),
        (f"[[users.ada.tokens]]\nname='x'\nsha256='{'a' * 64}'\nscopes=['own']", "scopes"),
        ("[users.'*']", "a user's name"),
        ("[users.ANONYMOUS]", "a user's name"),
        ("[users.'']", "a user's name"),
        ('[users."a\\nb"]', "a user's name"),
    ],
)
def test_broken_file_is_refused_by_the_name_of_the_key(text: str, culprit: str) -> None:
    with pytest.raises(ConfigError, match=culprit):
        loads(text)


def test_one_token_is_not_two_users() -> None:
    both = NOBODY.with_user("ada", User(tokens=(TOKEN,))).with_user("ben", User(tokens=(TOKEN,)))

    with pytest.raises(ConfigError, match=r"users\.ben: token 'laptop' is token 'laptop' of ada once more"):
        loads(dumps(both))


def test_user_is_found_replaced_and_removed() -> None:
    there = NOBODY.with_user("ada", User()).with_user("ada", User(tokens=(TOKEN,)))

    assert User(tokens=(TOKEN,)) == there.find("ada")
    assert None is there.find("ben")
    assert NOBODY == there.without_user("ada")


@pytest.mark.parametrize("name", ["", "*", "a\tb", "x" * 256])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="a user's name"):
        NOBODY.with_user(name, User())


def test_user_who_is_not_there_cannot_be_removed() -> None:
    with pytest.raises(ConfigError, match="there is no user 'ada'"):
        NOBODY.without_user("ada")


@pytest.mark.parametrize(("mechanism", "size"), [("SCRAM-SHA-256", 32), ("SCRAM-SHA-512", 64)])
def test_verifier_of_a_mechanism(mechanism: Mechanism, size: int) -> None:
    made = verifier_of("pencil", mechanism, salt=b"saltsalt", iterations=4096)

    assert (size, size) == (len(made.stored_key), len(made.server_key))


def test_each_mechanism_has_its_own_verifier() -> None:
    user = User(scram_sha_256=VERIFIER)

    assert VERIFIER == user.verifier("SCRAM-SHA-256")
    assert None is user.verifier("SCRAM-SHA-512")


def test_scopes_of_a_token() -> None:
    assert (Scope("read", ""), Scope("write", "sensors.")) == TOKEN.granted()


@pytest.mark.parametrize(
    ("scope", "permit", "topic", "allows"),
    [
        (Scope("read", ""), "read", "t", True),
        (Scope("read", ""), "write", "t", False),
        (Scope("write", "a."), "write", "a.b", True),
        (Scope("write", "a."), "write", "b", False),
        (Scope("write", ""), "read", "t", False),
        (Scope("admin", "a."), "read", "a.b", True),
        (Scope("admin", "a."), "write", "a.b", True),
        (Scope("read", ""), "admin", "t", False),
    ],
)
def test_what_a_scope_allows(scope: Scope, permit: str, topic: str, allows: bool) -> None:
    assert allows == scope.allows(permit, topic)  # type: ignore[arg-type]  # any text, as it comes


def test_usual_iterations_are_those_of_most_in_each_mechanism() -> None:
    five, six = (msgspec.structs.replace(VERIFIER, iterations=number) for number in (5_000, 6_000))
    known = {
        "a": User(scram_sha_256=five, scram_sha_512=five),
        "b": User(scram_sha_256=six),
        "c": User(scram_sha_256=six),
        "d": User(),
    }

    assert {"SCRAM-SHA-256": 6_000, "SCRAM-SHA-512": 5_000} == Users(users=known).usual_iterations
    assert {} == NOBODY.usual_iterations
