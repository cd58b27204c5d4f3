"""DescribeConfigs."""

from pathlib import Path

import pytest

from tests.support.broker import BrokerBench, open_broker
from tivo.log.catalog import Catalog
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.describe_configs import DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResult

TOPIC, BROKER = 2, 4


def described(
    bench: BrokerBench, kind: int, name: str, *, keys: list[str] | None = None, version: int = 4
) -> DescribeConfigsResult:
    resource = DescribeConfigsResource(resource_type=kind, resource_name=name, configuration_keys=keys)
    (result,) = bench.ask(DescribeConfigsRequest(resources=[resource]), version).results
    assert isinstance(result, DescribeConfigsResult)
    return result


@pytest.mark.parametrize("version", range(1, 5))
def test_settings_of_a_topic(bench: BrokerBench, version: int) -> None:
    bench.make("u", retention_ms="5000")

    configs = {each.name: each for each in described(bench, TOPIC, "u", version=version).configs}

    assert ("5000", 1) == (configs["retention.ms"].value, configs["retention.ms"].config_source)
    assert ("1048588", 5) == (configs["max.message.bytes"].value, configs["max.message.bytes"].config_source)
    assert not configs["retention.ms"].read_only


def test_every_place_that_would_give_the_value(bench: BrokerBench) -> None:
    bench.make("u", retention_ms="5000", cleanup_policy="compact")
    resource = DescribeConfigsResource(
        resource_type=TOPIC, resource_name="u", configuration_keys=["retention.ms", "segment.bytes"]
    )

    (result,) = bench.ask(DescribeConfigsRequest(resources=[resource], include_synonyms=True)).results

    assert {
        "retention.ms": [("retention.ms", "5000", 1), ("log.retention.ms", "604800000", 5)],
        "segment.bytes": [("log.segment.bytes", str(128 << 20), 5)],
    } == {each.name: [(one.name, one.value, one.source) for one in each.synonyms] for each in result.configs}


def test_default_is_that_of_all_topics(bench: BrokerBench) -> None:
    bench.make("u", cleanup_policy="compact")

    (config,) = described(bench, TOPIC, "u", keys=["retention.ms"]).configs

    assert ("604800000", 5, []) == (config.value, config.config_source, config.synonyms)


def test_value_that_was_passed_over_is_not_told_as_in_effect(tmp_path: Path) -> None:
    kept = Catalog.open(tmp_path / "data")
    kept.create("u", 1, {"retention.ms": "long"})
    kept.close(clean=True)
    bench = open_broker(tmp_path / "data")

    (config,) = described(bench, TOPIC, "u", keys=["retention.ms"]).configs

    assert ("604800000", 5) == (config.value, config.config_source)
    bench.close()


def test_kinds_are_told(bench: BrokerBench) -> None:
    kinds = {each.name: each.config_type for each in described(bench, TOPIC, "t").configs}

    assert (7, 5, 3, 6) == tuple(
        kinds[name] for name in ("cleanup.policy", "retention.ms", "max.message.bytes", "min.cleanable.dirty.ratio")
    )


def test_asked_for_settings_only(bench: BrokerBench) -> None:
    result = described(bench, TOPIC, "t", keys=["segment.bytes", "no.such"])

    assert ["segment.bytes"] == [each.name for each in result.configs]


def test_settings_of_the_broker(bench: BrokerBench) -> None:
    configs = {each.name: each for each in described(bench, BROKER, "1").configs}

    assert "PLAINTEXT://127.0.0.1:9092" == configs["advertised.listeners"].value
    assert (str(1048588), "604800000") == (configs["message.max.bytes"].value, configs["log.retention.ms"].value)
    assert ("604800000", "900000") == (
        configs["transactional.id.expiration.ms"].value,
        configs["transaction.max.timeout.ms"].value,
    )
    assert all((each.read_only, each.config_source) == (True, 4) for each in configs.values())
    assert sorted(configs) == [*configs]
    assert "tivo.retention.time" in configs


@pytest.mark.parametrize(
    ("kind", "name", "error"),
    [
        (TOPIC, "nowhere", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        (BROKER, "2", ErrorCode.INVALID_REQUEST),
        (8, "1", ErrorCode.INVALID_REQUEST),
    ],
)
def test_what_is_wrong_is_refused(bench: BrokerBench, kind: int, name: str, error: ErrorCode) -> None:
    result = described(bench, kind, name)

    assert (error, []) == (result.error_code, result.configs)
    assert result.error_message


def test_topic_that_is_named_twice_is_told_once(bench: BrokerBench) -> None:
    resources = [DescribeConfigsResource(resource_type=TOPIC, resource_name=name) for name in ("t", "no", "t")]

    results = bench.ask(DescribeConfigsRequest(resources=resources)).results

    assert ["t", "no"] == [each.resource_name for each in results]


def test_more_resources_than_a_request_may_name_are_refused(bench: BrokerBench) -> None:
    names = [f"t{number}" for number in range(bench.broker.limits.max_topics_per_request + 1)]
    resources = [DescribeConfigsResource(resource_type=TOPIC, resource_name=name) for name in names]

    results = bench.ask(DescribeConfigsRequest(resources=resources)).results

    assert {(ErrorCode.POLICY_VIOLATION, None)} == {(each.error_code, each.error_message) for each in results}
