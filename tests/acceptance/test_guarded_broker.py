"""Everything works where the broker asks tivo's own processes who they are, and keeps others out."""

import json
import urllib.request
from pathlib import Path

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.support.certificates import make_certificates
from tests.support.tivo import tivo, tivo_up, until

PASSWORD = "correct horse"


def add_user(data: Path, name: str) -> None:
    process = tivo(["users", "--data", str(data), "add", name], stdin=-1)
    process.communicate(PASSWORD.encode() + b"\n", timeout=60)
    assert 0 == process.returncode


@pytest.mark.parametrize("security", ["SASL_PLAINTEXT", "SASL_SSL"])
def test_events_go_from_producer_to_store(tmp_path: Path, security: str) -> None:
    certificates = make_certificates(tmp_path)
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    password.chmod(0o600)
    data = tmp_path / "up" / "data"
    add_user(data, "tivo")
    settings = {
        "TIVO_KAFKA_SECURITY": security,
        "TIVO_KAFKA_USER": "tivo",
        "TIVO_KAFKA_PASSWORD_FILE": str(password),
        "TIVO_KAFKA_CA_FILE": str(certificates.authority),
        "TIVO_KAFKA_TLS_CERTIFICATE": str(certificates.server),
        "TIVO_KAFKA_TLS_KEY": str(certificates.server_key),
        "TIVO_KAFKA_AUTHORIZER": "acl",
    }
    with tivo_up(tmp_path / "up", environment=settings) as running:
        body = json.dumps({"records": [{"key": "a", "value": {"n": 1}}]}).encode()
        request = urllib.request.Request(
            f"{running.http}/v1/topics/t/records", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert 200 == answer.status

        until(lambda: stored(running.http) == 1, "the event to be stored")
        stranger = AdminClient({"bootstrap.servers": running.kafka, "log_level": 0})
        with pytest.raises(KafkaException):
            stranger.list_topics(timeout=2)


def stored(http: str) -> int:
    with urllib.request.urlopen(f"{http}/v1/topics", timeout=30) as answer:
        topics = json.load(answer)["topics"]
    return sum(topic["events"] for topic in topics if topic["name"] == "t")
