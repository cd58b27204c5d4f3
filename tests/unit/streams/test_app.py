"""The Faust app gets into Kafka as the settings say."""

from pathlib import Path

import faust
import pytest

from streams.agents.persist import Keeper, Patience
from streams.app import _credentials, access_to, image_builder, now
from streams.places import Places
from tests.support.certificates import make_certificates
from tivo.client.access import Access
from tivo.config import AgentSettings, KafkaSettings, Settings
from tivo.model.errors import ConfigError
from tivo.store.memory import MemoryStore


def test_nobody_is_told_who_it_is_by_default() -> None:
    access = access_to(Settings())

    assert Access(bootstrap="127.0.0.1:9092") == access
    assert None is _credentials(access)


def test_login_in_the_words_of_faust(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("pencil")
    password.chmod(0o600)
    kafka = KafkaSettings(security="SASL_PLAINTEXT", user="ada", password_file=str(password), mechanism="PLAIN")

    credentials = _credentials(access_to(Settings(kafka=kafka)))

    assert isinstance(credentials, faust.SASLCredentials)
    assert ("ada", "pencil", "PLAIN", "SASL_PLAINTEXT") == (
        credentials.username,
        credentials.password,
        credentials.mechanism.value,
        credentials.protocol.value,
    )


@pytest.mark.parametrize(("security", "kind"), [("SSL", faust.SSLCredentials), ("SASL_SSL", faust.SASLCredentials)])
def test_tls_in_the_words_of_faust(tmp_path: Path, security: str, kind: type) -> None:
    ca_file = str(make_certificates(tmp_path).authority)
    access = Access(bootstrap="h:1", security=security, user="ada", password="pencil", ca_file=ca_file)

    credentials = _credentials(access)

    assert isinstance(credentials, kind)
    assert security == credentials.protocol.value


def test_missing_password_is_named() -> None:
    with pytest.raises(ConfigError, match=r"kafka\.password_file"):
        access_to(Settings(kafka=KafkaSettings(security="SASL_SSL", user="ada")))


def test_images_are_built_where_they_are_wanted() -> None:
    keeper = Keeper(MemoryStore(), Places(), Patience(lambda: 0), now)

    assert image_builder(Settings(), MemoryStore(), keeper) is not None
    assert image_builder(Settings(agent=AgentSettings(image_bytes=0)), MemoryStore(), keeper) is None
