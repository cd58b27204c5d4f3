"""Settings from file, environment and flags."""

from pathlib import Path

import pytest

from tivo import config
from tivo.config import KafkaSettings, Settings
from tivo.model.errors import ConfigError
from tivo.model.timeline import DAY_US


def test_defaults_keep_every_acknowledged_event_on_this_machine_alone() -> None:
    settings = config.load(environ={})

    assert "always" == settings.log.flush
    assert "127.0.0.1:9092" == settings.bootstrap
    assert ("127.0.0.1", 8080) == (settings.gateway.host, settings.gateway.port)
    assert settings.store_url.endswith("/tivo-data/events.db")


def test_flags_win_over_environment_and_environment_over_file(tmp_path: Path) -> None:
    file = tmp_path / "tivo.toml"
    file.write_text('data = "a"\n[kafka]\nport = 1\nhost = "file"\npartitions = 2\n')

    settings = config.load(
        file=file, environ={"TIVO_KAFKA_PORT": "2", "TIVO_KAFKA_HOST": "env"}, flags={"kafka.port": 3, "data": None}
    )

    assert (3, "env", 2, "a") == (settings.kafka.port, settings.kafka.host, settings.kafka.partitions, settings.data)


def test_environment_may_name_the_file(tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.toml"
    file.write_text('[kafka]\nbootstrap = "kafka-1:9092,kafka-2:9092"\n')

    assert "kafka-1:9092,kafka-2:9092" == config.load(environ={"TIVO_CONFIG": str(file)}).bootstrap


def test_file_here_is_read_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tivo.toml").write_text("[agent]\nlinger_ms = 5\n")

    assert 5 == config.load(environ={}).agent.linger_ms


def test_another_process_loads_the_same_settings(tmp_path: Path) -> None:
    flags = {
        "data": str(tmp_path),
        "gateway.allow_origin": ["http://a", "http://b"],
        "gateway.insecure": True,
        "log.retention_bytes": 10**9,
    }
    settings = config.load(environ={}, flags=flags)

    assert settings == config.load(environ=config.to_environment(settings))


@pytest.mark.parametrize("names", [(), ("ada",), ("ada", "ben"), ("CN=ada,O=x", "ben")])
def test_list_goes_through_the_environment(names: tuple[str, ...]) -> None:
    settings = Settings(kafka=KafkaSettings(super_users=names))

    assert settings == config.load(environ=config.to_environment(settings))


def test_list_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="TIVO_KAFKA_SUPER_USERS begins as a JSON list and is none"):
        config.load(environ={"TIVO_KAFKA_SUPER_USERS": "[ada"})


@pytest.mark.parametrize(
    ("host", "bootstrap"),
    [("127.0.0.1", "127.0.0.1:9092"), ("0.0.0.0", "127.0.0.1:9092"), ("10.0.0.1", "10.0.0.1:9092")],
)
def test_own_processes_come_by_an_address_that_there_is(host: str, bootstrap: str) -> None:
    assert bootstrap == Settings(kafka=KafkaSettings(host=host)).bootstrap


def test_other_variables_of_tivo_are_left_alone() -> None:
    assert Settings() == config.load(
        environ={
            "TIVO_TEST_KAFKA_URL": "x",
            "TIVO_SKIP_UI": "1",
            "TIVO_TOKEN": "t",
            "TIVO_URL": "http://a",
            "PATH": "/bin",
        }
    )


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"TIVO_KAFKA_PROT": "1"}, "TIVO_KAFKA_PROT, which is no setting; did you mean TIVO_KAFKA_PORT"),
        ({"TIVO_ZZZ": "1"}, "docs/reference/settings.md lists them all"),
        ({"TIVO_KAFKA_PORT": "99999"}, "kafka.port: .*65535.*given '99999'"),
        ({"TIVO_KAFKA_PORT": "high"}, "kafka.port: .*given 'high'"),
        ({"TIVO_LOG_FLUSH": "never"}, "log.flush: .*'never'"),
        ({"TIVO_LOG_RETENTION": "7 days"}, "log.retention: wants a number and a unit, such as 20s"),
        ({"TIVO_CONFIG": "/nowhere/tivo.toml"}, "/nowhere/tivo.toml cannot be read: No such file"),
    ],
)
def test_what_is_wrong_is_named_with_its_value(environ: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config.load(environ=environ)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[kafka]\nprot = 1\n", "has 'kafka.prot', which is no setting; did you mean kafka.port"),
        ("kafka = 1\n", "has 'kafka', which is no setting"),
        ("[kafka\n", "is not TOML"),
        ("[kafka]\nport = true\n", "kafka.port: Expected `int`"),
    ],
)
def test_file_with_a_mistake_is_refused(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "tivo.toml"
    file.write_text(text)

    with pytest.raises(ConfigError, match=message):
        config.load(environ={}, file=file)


def test_every_setting_is_described_and_has_its_variable() -> None:
    settings = list(config.all_settings())

    assert all(each.description for each in settings)
    assert len(settings) == len({each.variable for each in settings})
    assert config.is_setting("TIVO_LOG_FLUSH") and not config.is_setting("TIVO_LOG")


def test_durations_become_microseconds() -> None:
    assert 7 * DAY_US == config.duration_us(config.load(environ={}).log.retention)
    assert DAY_US == config.checked_duration_us("1d", "--backfill")
    with pytest.raises(ConfigError, match=r"--backfill wants .* got 'a day'"):
        config.checked_duration_us("a day", "--backfill")


def test_who_may_is_everybody_or_whoever_has_a_token() -> None:
    assert ("none", "tokens") == tuple(
        config.load(environ=environ).gateway.auth for environ in ({}, {"TIVO_GATEWAY_AUTH": "tokens"})
    )
    with pytest.raises(ConfigError, match=r"gateway\.auth"):
        config.load(environ={"TIVO_GATEWAY_AUTH": "password"})
