"""SASL SCRAM-SHA-256 and -512, the server's side (RFC 5802, RFC 7677). No socket, no clock, no randomness.

Two messages come and two go: `first` answers the client's name and nonce with a salt, `final` checks
the proof. Every wrong message ends the exchange.

- A user that is not there gets a salt all the same, always the same one, made of a secret of this
  process, and the number of iterations that most users have: a stranger cannot find out who there is, but for those
  whose verifiers were made elsewhere with another number, or a salt of another length.
- The nonce of the final message must be the whole nonce of this exchange (CVE-2024-56128), and the
  channel binding that of the first: nothing of another exchange can be played again.
- Names are compared as they come, after `=2C` and `=3D` are read as comma and equals sign.
"""

import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64

from tivo.auth.principals import Principal
from tivo.auth.users import HASHES, Mechanism, ScramVerifier, Users
from tivo.model.errors import AuthenticationError

INVALID = "the user is unknown or the password is wrong"
"""One text for both: which of them it is, nobody learns."""

ITERATIONS = 10_000
"""For new verifiers: 5 ms of a client's time for each login, and of a thief's for each guess."""

SALT_BYTES = 16
MOST_MESSAGE = 4_096

_FIRST = re.compile(
    r"(?P<binding>[ny],(?:a=(?P<as>[^,]+))?,)"
    r"(?P<bare>n=(?P<name>[^,]+),r=(?P<nonce>[!-+\--~]+)(?:,.*)?)"
)
_FINAL = re.compile(r"(?P<bare>c=(?P<binding>[^,]+),r=(?P<nonce>[!-+\--~]+)(?:,[^,]+)*),p=(?P<proof>[^,]+)")
_WRONG_ESCAPE = re.compile(r"=(?!2C|3D)")


class ScramServer:
    """One exchange. `nonce` is the server's part, new for each; `secret` is the process's, for who is not there."""

    def __init__(self, users: Users, mechanism: Mechanism, *, nonce: str, secret: bytes) -> None:
        self.principal: Principal | None = None
        """Who it is, once the exchange is over."""
        self._users = users
        self._mechanism = mechanism
        self._hash = HASHES[mechanism]
        self._server_nonce = nonce
        self._secret = secret
        self._name: str | None = None
        self._nonce = ""
        self._binding = ""
        self._said = ""
        self._verifier: ScramVerifier
        self._is_known = False

    def receive(self, message: bytes) -> bytes:
        """The answer to the client's next message. Raises AuthenticationError; the exchange is over then."""
        if len(message) > MOST_MESSAGE:
            raise AuthenticationError(f"a SCRAM message has {MOST_MESSAGE} bytes at most, not {len(message)}")
        try:
            text = message.decode()
        except UnicodeDecodeError:
            raise AuthenticationError("the SCRAM message is not UTF-8") from None
        return self._final(text) if self._name is not None else self._first(text)

    def _first(self, text: str) -> bytes:
        found = _FIRST.fullmatch(text)
        if found is None:
            raise AuthenticationError(
                "the first SCRAM message is not n,,n=user,r=nonce; channel binding is not offered"
            )
        name = _unescaped(found["name"])
        if found["as"] is not None and _unescaped(found["as"]) != name:
            raise AuthenticationError("to act as another user is not offered")
        user = self._users.find(name)
        kept = user.verifier(self._mechanism) if user is not None else None
        self._is_known = kept is not None
        self._verifier = kept or fake_verifier(self._users, name, self._mechanism, self._secret)
        self._name = name
        self._nonce = found["nonce"] + self._server_nonce
        self._binding = b64encode(found["binding"].encode()).decode()
        salt = b64encode(self._verifier.salt).decode()
        answer = f"r={self._nonce},s={salt},i={self._verifier.iterations}"
        self._said = f"{found['bare']},{answer}"
        return answer.encode()

    def _final(self, text: str) -> bytes:
        found = _FINAL.fullmatch(text)
        if found is None:
            raise AuthenticationError("the final SCRAM message is not c=binding,r=nonce,p=proof")
        if not hmac.compare_digest(found["nonce"], self._nonce):
            raise AuthenticationError("the nonce of the final SCRAM message is not that of this exchange")
        if found["binding"] != self._binding:
            raise AuthenticationError("the channel binding of the final SCRAM message is not that of the first")
        said = f"{self._said},{found['bare']}".encode()
        is_right = self._is_proven(said, _decoded(found["proof"]))
        if not (is_right and self._is_known) or self._name is None:
            raise AuthenticationError(INVALID)
        self.principal = Principal(self._name)
        return b"v=" + b64encode(hmac.digest(self._verifier.server_key, said, self._hash))

    def _is_proven(self, said: bytes, proof: bytes) -> bool:
        signature = hmac.digest(self._verifier.stored_key, said, self._hash)
        if len(proof) != len(signature):
            raise AuthenticationError(f"the proof has {len(signature)} bytes, not {len(proof)}")
        client_key = bytes(mine ^ its for mine, its in zip(signature, proof, strict=True))
        return hmac.compare_digest(hashlib.new(self._hash, client_key).digest(), self._verifier.stored_key)


def fake_verifier(users: Users, name: str, mechanism: Mechanism, secret: bytes) -> ScramVerifier:
    """What a user that is not there is measured by: the same each time, as those of most, and met by no password."""
    iterations = users.usual_iterations.get(mechanism, ITERATIONS)
    made = [hmac.digest(secret, f"{use} {mechanism} {name}".encode(), HASHES[mechanism]) for use in ("salt", "key")]
    return ScramVerifier(salt=made[0][:SALT_BYTES], iterations=iterations, stored_key=made[1], server_key=made[1])


def _unescaped(name: str) -> str:
    if _WRONG_ESCAPE.search(name):
        raise AuthenticationError("a name in a SCRAM message has = only as =2C and =3D")
    return name.replace("=2C", ",").replace("=3D", "=")


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (NotBase64, ValueError):
        raise AuthenticationError("the proof in the SCRAM message is not base64") from None
