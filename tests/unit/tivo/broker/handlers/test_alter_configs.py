"""AlterConfigs."""

import pytest

from tests.support.broker import BrokerBench
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.alter_configs import AlterableConfig, AlterConfigsRequest, AlterConfigsResource

TOPIC, BROKER = 2, 4


def altered(
    bench: BrokerBench, *, name: str = "t", kind: int = TOPIC, version: int = 2, validate: bool = False, **values: str
) -> int:
    settings = [AlterableConfig(name=each.replace("_", "."), value=value) for each, value in values.items()]
    resource = AlterConfigsResource(resource_type=kind, resource_name=name, configs=settings)
    (answer,) = bench.ask(AlterConfigsRequest(resources=[resource], validate_only=validate), version).responses
    assert (kind, name) == (answer.resource_type, answer.resource_name)
    return int(answer.error_code)


@pytest.mark.parametrize("version", range(3))
def test_settings_that_are_not_named_go(bench: BrokerBench, version: int) -> None:
    assert 0 == altered(bench, retention_ms="5", segment_ms="6", version=version)
    assert 0 == altered(bench, segment_ms="7", version=version)

    assert {"segment.ms": "7"} == dict(bench.broker.topics.get("t").configs)


def test_validation_changes_nothing(bench: BrokerBench) -> None:
    assert 0 == altered(bench, retention_ms="5", validate=True)
    assert ErrorCode.INVALID_CONFIG == altered(bench, retention_ms="soon", validate=True)

    assert {} == bench.broker.topics.get("t").configs


@pytest.mark.parametrize(
    ("name", "kind", "error"),
    [
        ("nowhere", TOPIC, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        ("__consumer_offsets", TOPIC, ErrorCode.INVALID_TOPIC_EXCEPTION),
        ("1", BROKER, ErrorCode.INVALID_REQUEST),
        ("t", 8, ErrorCode.INVALID_REQUEST),
    ],
)
def test_what_is_wrong_is_refused(bench: BrokerBench, name: str, kind: int, error: ErrorCode) -> None:
    assert error == altered(bench, name=name, kind=kind, retention_ms="5")


def test_value_must_be_given(bench: BrokerBench) -> None:
    setting = AlterableConfig(name="retention.ms", value=None)
    resource = AlterConfigsResource(resource_type=TOPIC, resource_name="t", configs=[setting])

    (answer,) = bench.ask(AlterConfigsRequest(resources=[resource])).responses

    assert ErrorCode.INVALID_REQUEST == answer.error_code


def test_topic_that_goes_meanwhile_is_told(bench: BrokerBench) -> None:
    topic = bench.broker.topics.get("t")
    bench.broker.topics.delete(topic, lambda deleted: None)

    assert ErrorCode.UNKNOWN_TOPIC_OR_PARTITION == altered(bench, retention_ms="5")
