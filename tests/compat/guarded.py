"""`tivo broker` as somebody runs it who lets others in: three listeners, users, access control."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.certificates import Certificates, make_certificates
from tivo.auth.users import NOBODY, User, verifier_of
from tivo.users_file import write

_TOLD = re.compile(r"broker: Kafka(?: \((\w+)\))? on (\S+)")
_SETTINGS = """\
data = "{folder}/data"

[kafka]
port = 0
listeners = ["SASL_PLAINTEXT://127.0.0.1:0", "SASL_SSL://127.0.0.1:0"]
tls_certificate = "{certificates.server}"
tls_key = "{certificates.server_key}"
authorizer = "acl"
super_users = ["root"]
"""


@dataclass(frozen=True, slots=True)
class GuardedBroker:
    """Where it listens, by what is spoken there; users are `root` (super user), `ada` and `ben`, each with `pencil`."""

    addresses: dict[str, str]
    certificates: Certificates
    users_file: Path
    log: Path
    pid: int

    def lines(self) -> list[str]:
        """What it has logged until now."""
        return self.log.read_text().splitlines()

    def resident_mib(self) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024


def make_users(path: Path, password: str) -> None:
    users = NOBODY
    for name in ("root", "ada", "ben"):
        kept = [
            verifier_of(password, mechanism, salt=b"saltsalt" + name.encode(), iterations=4096)
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
        ]
        users = users.with_user(name, User(scram_sha_256=kept[0], scram_sha_512=kept[1]))
    write(path, users)


@contextmanager
def guarded_broker(folder: Path) -> Iterator[GuardedBroker]:
    certificates = make_certificates(folder)
    make_users(folder / "data" / "users.toml", "pencil")
    settings = folder / "tivo.toml"
    settings.write_text(_SETTINGS.format(folder=folder, certificates=certificates))
    log = folder / "broker.log"
    with log.open("wb") as errors, log.open("rb") as told:
        process = subprocess.Popen(
            [sys.executable, "-m", "tivo", "broker", "--config", str(settings)], stderr=errors, cwd=Path.cwd()
        )
        try:
            addresses: dict[str, str] = {}
            while len(addresses) < 3:
                assert process.poll() is None, told.read()
                for line in told:
                    if (found := _TOLD.match(line.decode())) is not None:
                        addresses[found[1] or "PLAINTEXT"] = found[2]
            yield GuardedBroker(addresses, certificates, folder / "data" / "users.toml", log, process.pid)
        finally:
            process.terminate()
            assert 0 == process.wait(20)
