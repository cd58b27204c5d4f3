"""Logins by SCRAM: whatever two messages come, nobody is let in but who has proven to know the password."""

from base64 import b64decode
from contextlib import suppress

from tests.support import scram_client
from tivo.auth.principals import Principal
from tivo.auth.scram import ScramServer
from tivo.auth.users import FEWEST_ITERATIONS, NOBODY, Mechanism, User, Users, verifier_of
from tivo.model.errors import AuthenticationError

MECHANISM: Mechanism = "SCRAM-SHA-256"
NAME, PASSWORD = "user", "pencil"
VERIFIER = verifier_of(PASSWORD, MECHANISM, salt=b"12345678", iterations=FEWEST_ITERATIONS)
USERS = NOBODY.with_user(NAME, User(scram_sha_256=VERIFIER))


def log_in(data: bytes, kind: type[ScramServer] = ScramServer) -> None:
    """Two messages, one behind the other, parted by a zero; to a server that knows one user, and to one of nobody."""
    assert answered(data, kind, NOBODY).principal is None, "nobody is known here, and somebody was let in"
    server = answered(data, kind, USERS)
    if server.principal is not None:
        assert server.principal == Principal(NAME), f"{server.principal} was let in, and is not known"
        first, _, last = data.partition(b"\0")
        assert is_proven(first, last), f"{NAME} was let in without a proof"


def answered(data: bytes, kind: type[ScramServer], users: Users) -> ScramServer:
    server = new(kind, users)
    with suppress(AuthenticationError):
        for message in data.split(b"\0", 1):
            server.receive(message)
    return server


def new(kind: type[ScramServer], users: Users) -> ScramServer:
    return kind(users, MECHANISM, nonce="server", secret=b"secret")


def is_proven(first: bytes, last: bytes) -> bool:
    """Whether the last message is that of a client which knows the password, as one that is not ours reckons it."""
    binding = b",".join(first.split(b",", 2)[:2]).decode() + ","
    answer = new(ScramServer, USERS).receive(first)
    wanted = scram_client.final(first, answer, PASSWORD, MECHANISM, binding=binding)
    return _parts(wanted) == _parts(last)


def _parts(final: bytes) -> tuple[bytes, bytes]:
    bare, _, proof = final.rpartition(b",p=")
    return bare, b64decode(proof)


def logins() -> list[bytes]:
    """One that is let in, in two ways, one with a wrong password, and one of somebody else."""
    asked = ((NAME, PASSWORD, "n,,"), (NAME, PASSWORD, "y,,"), (NAME, "pen", "n,,"), ("other", PASSWORD, "n,,"))
    found = []
    for name, password, binding in asked:
        first = scram_client.first(name, nonce="nonce", binding=binding)
        answer = new(ScramServer, USERS).receive(first)
        found.append(first + b"\0" + scram_client.final(first, answer, password, MECHANISM, binding=binding))
    return found
