"""The client's side of SCRAM, written for tests."""

import hashlib
import hmac
from base64 import b64decode, b64encode

from tivo.auth.users import HASHES, Mechanism


def first(name: str, *, nonce: str = "abc", binding: str = "n,,") -> bytes:
    """The first message."""
    return f"{binding}n={name.replace('=', '=3D').replace(',', '=2C')},r={nonce}".encode()


def final(first: bytes, answer: bytes, password: str, mechanism: Mechanism, *, binding: str = "n,,") -> bytes:
    """The final message of who knows the password."""
    name = HASHES[mechanism]
    told = dict(part.split("=", 1) for part in answer.decode().split(","))
    salted = hashlib.pbkdf2_hmac(name, password.encode(), b64decode(told["s"]), int(told["i"]))
    key = hmac.digest(salted, b"Client Key", name)
    bare = f"c={b64encode(binding.encode()).decode()},r={told['r']}"
    said = b",".join([first[len(binding) :], answer, bare.encode()])
    signature = hmac.digest(hashlib.new(name, key).digest(), said, name)
    proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
    return f"{bare},p={b64encode(proof).decode()}".encode()
