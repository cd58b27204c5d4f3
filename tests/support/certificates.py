"""Certificates made for tests: an authority, a server at 127.0.0.1 and localhost, and a client named ada."""

from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """Files in PEM form."""

    authority: Path
    server: Path
    server_key: Path
    client: Path
    client_key: Path


def make_certificates(folder: Path) -> Certificates:
    made = Certificates(
        authority=folder / "ca.pem",
        server=folder / "server.pem",
        server_key=folder / "server.key",
        client=folder / "client.pem",
        client_key=folder / "client.key",
    )
    authority = trustme.CA()
    authority.cert_pem.write_to_path(made.authority)
    server = authority.issue_cert("127.0.0.1", "localhost")
    client = authority.issue_cert("ada@example.org", common_name="ada")
    for issued, chain, key in ((server, made.server, made.server_key), (client, made.client, made.client_key)):
        for index, pem in enumerate(issued.cert_chain_pems):
            pem.write_to_path(chain, append=index > 0)
        issued.private_key_pem.write_to_path(key)
        key.chmod(0o600)
    return made
