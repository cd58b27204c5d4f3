"""The Java client logs in, with TLS and without; `kafka-acls` manages entries, and shows what they keep it from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compat.foreign.java import Tools
from tests.compat.guarded import GuardedBroker, guarded_broker
from tests.support.kafka import KAFKA_VERSION

pytestmark = [pytest.mark.client(f"Apache Kafka's tools {KAFKA_VERSION} (Java client)"), pytest.mark.needs("maven")]

_LOGIN = """\
security.protocol={security}
sasl.mechanism={mechanism}
sasl.jaas.config=org.apache.kafka.common.security.{module}Module required username="{user}" password="{password}";
ssl.truststore.type=PEM
ssl.truststore.location={authority}
"""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedBroker]:
    with guarded_broker(tmp_path_factory.mktemp("guarded")) as running:
        yield running


class Client:
    """The tools, logged in as somebody."""

    def __init__(self, java: str, guarded: GuardedBroker, folder: Path) -> None:
        self._java = java
        self._guarded = guarded
        self._folder = folder

    def tools(self, security: str = "SASL_PLAINTEXT") -> Tools:
        return Tools(java=self._java, bootstrap=self._guarded.addresses[security])

    def login(
        self,
        user: str = "root",
        security: str = "SASL_PLAINTEXT",
        mechanism: str = "PLAIN",
        *,
        password: str = "pencil",
    ) -> str:
        """A file that says how to log in."""
        path = self._folder / f"{user}-{security}-{mechanism}.properties"
        module = "plain.PlainLogin" if mechanism == "PLAIN" else "scram.ScramLogin"
        path.write_text(
            _LOGIN.format(
                security=security,
                mechanism=mechanism,
                module=module,
                user=user,
                password=password,
                authority=self._guarded.certificates.authority,
            )
        )
        return str(path)


@pytest.fixture
def client(java: str, guarded: GuardedBroker, tmp_path: Path) -> Client:
    return Client(java, guarded, tmp_path)


@pytest.mark.parametrize(
    ("security", "mechanism"),
    [("SASL_PLAINTEXT", "PLAIN"), ("SASL_PLAINTEXT", "SCRAM-SHA-512"), ("SASL_SSL", "SCRAM-SHA-256")],
)
def test_java_logs_in(client: Client, topic: str, security: str, mechanism: str) -> None:
    login = client.login("root", security, mechanism)

    client.tools(security).run("kafka-topics", "--command-config", login, "--create", "--topic", topic)

    assert topic in client.tools(security).run("kafka-topics", "--command-config", login, "--list").lines


def test_java_is_told_that_the_password_is_wrong(client: Client) -> None:
    login = client.login(password="wrong")

    told = client.tools().run("kafka-topics", "--command-config", login, "--list", code=1)

    assert "the user is unknown or the password is wrong" in told.out + told.error


def test_kafka_acls_lets_in_and_keeps_out(client: Client, topic: str) -> None:
    root, ada = client.login("root"), client.login("ada")
    tools = client.tools()
    tools.run("kafka-topics", "--command-config", root, "--create", "--topic", topic)
    seen = ("kafka-topics", "--command-config", ada, "--list")
    entry = ("--allow-principal", "User:ada", "--operation", "Write", "--topic", topic)
    assert topic not in tools.run(*seen).lines

    tools.run("kafka-acls", "--command-config", root, "--add", *entry)
    listed = tools.run("kafka-acls", "--command-config", root, "--list", "--topic", topic).out
    assert "(principal=User:ada, host=*, operation=WRITE, permissionType=ALLOW)" in listed
    assert topic in tools.run(*seen).lines, "to write implies to see"

    tools.run("kafka-acls", "--command-config", root, "--remove", "--force", *entry)
    assert topic not in tools.run(*seen).lines


def test_kafka_acls_of_who_may_not_is_refused(client: Client) -> None:
    told = client.tools().run("kafka-acls", "--command-config", client.login("ada"), "--list", code=None)

    assert "ClusterAuthorizationException" in told.out + told.error
