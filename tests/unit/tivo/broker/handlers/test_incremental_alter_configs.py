"""IncrementalAlterConfigs."""

from pathlib import Path

import pytest

from tests.support.broker import BrokerBench, open_broker
from tests.support.faulty_disk import Fault
from tivo.broker.config_changes import Operation
from tivo.log.catalog import Catalog
from tivo.model.errors import LogError
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)

SET, DELETE, APPEND, SUBTRACT = Operation
TOPIC, BROKER = 2, 4


def change(name: str, value: str | None = None, operation: int = SET) -> AlterableConfig:
    return AlterableConfig(name=name, value=value, config_operation=operation)


def resource(*changes: AlterableConfig, name: str = "t", kind: int = TOPIC) -> AlterConfigsResource:
    return AlterConfigsResource(resource_type=kind, resource_name=name, configs=list(changes))


def altered(
    bench: BrokerBench, *resources: AlterConfigsResource, version: int = 1, validate: bool = False
) -> list[int]:
    request = IncrementalAlterConfigsRequest(resources=list(resources), validate_only=validate)
    return [answer.error_code for answer in bench.ask(request, version).responses]


def configs(bench: BrokerBench, name: str = "t") -> dict[str, str]:
    return dict(bench.broker.topics.get(name).configs)


@pytest.mark.parametrize("version", range(2))
def test_settings_are_changed_and_the_others_stay(bench: BrokerBench, version: int) -> None:
    assert [0] == altered(bench, resource(change("retention.ms", "5"), change("segment.ms", "6")), version=version)
    assert [0] == altered(bench, resource(change("retention.ms", operation=DELETE)), version=version)

    assert {"segment.ms": "6"} == configs(bench)


def test_list_is_appended_to_and_subtracted_from(bench: BrokerBench) -> None:
    assert [0] == altered(bench, resource(change("cleanup.policy", "compact", APPEND)))
    assert {"cleanup.policy": "delete,compact"} == configs(bench)

    assert [0] == altered(bench, resource(change("cleanup.policy", "delete", SUBTRACT)))
    assert {"cleanup.policy": "compact"} == configs(bench)


def test_topic_with_settings_that_were_passed_over_is_changed_on(tmp_path: Path) -> None:
    kept = Catalog.open(tmp_path / "data")
    kept.create("t", 1, {"no.such": "1", "segment.bytes": "few", "cleanup.policy": "compact"})
    kept.close(clean=True)
    bench = open_broker(tmp_path / "data")

    assert [0] == altered(bench, resource(change("retention.ms", "5")))
    assert 5_000 == bench.broker.topics.get("t").settings.log.retention_us
    assert [ErrorCode.INVALID_CONFIG] == altered(bench, resource(change("no.such", "2")))
    assert [0] == altered(bench, resource(change("no.such", operation=DELETE)))
    assert [0] == altered(bench, resource(change("segment.bytes", "16384")))

    assert {"segment.bytes": "16384", "cleanup.policy": "compact", "retention.ms": "5"} == configs(bench)
    bench.close()


def test_settings_count_at_once(bench: BrokerBench) -> None:
    altered(bench, resource(change("max.message.bytes", "100"), change("segment.bytes", "16384")))

    assert 100 == bench.broker.topics.get("t").settings.max_message_bytes
    assert [16_384] * 2 == [leader.log.settings.segment_bytes for leader in bench.broker.topics.get("t").leaders]


def test_compaction_begins_and_ends_with_the_policy(bench: BrokerBench) -> None:
    def is_compacted() -> bool:
        return bench.leader("t").log.settings.compaction is not None

    before = is_compacted()
    altered(bench, resource(change("cleanup.policy", "compact")))
    within = is_compacted()
    altered(bench, resource(change("cleanup.policy", operation=DELETE)))

    assert (False, True, False) == (before, within, is_compacted())


def test_retention_is_enforced_at_once(bench: BrokerBench) -> None:
    altered(bench, resource(change("segment.bytes", "16384")))
    bench.produce("t", b"old" * 6_000)
    bench.produce("t", b"new")
    assert 2 == bench.leader("t").log.segments

    altered(bench, resource(change("retention.bytes", "1")))

    assert (1, 1) == (bench.leader("t").log.segments, bench.leader("t").log.log_start)


def test_settings_are_there_after_a_restart(tmp_path: Path) -> None:
    first = open_broker(tmp_path)
    first.make("u", retention_ms="5")
    assert [0] == altered(first, resource(change("retention.ms", "6"), name="u"))
    first.close()

    second = open_broker(tmp_path)
    assert {"retention.ms": "6"} == configs(second, "u")
    assert 6_000 == second.leader("u").log.settings.retention_us
    second.close()


def test_validation_changes_nothing(bench: BrokerBench) -> None:
    bench.make("u")

    assert [0, ErrorCode.INVALID_CONFIG] == altered(
        bench,
        resource(change("retention.ms", "5")),
        resource(change("retention.ms", "soon"), name="u"),
        validate=True,
    )
    assert {} == configs(bench)


def test_bad_change_keeps_the_good_ones_beside_it_out(bench: BrokerBench) -> None:
    assert [ErrorCode.INVALID_CONFIG] == altered(
        bench, resource(change("retention.ms", "5"), change("segment.ms", "never"))
    )
    assert {} == configs(bench)


def test_other_topics_of_the_request_are_changed(bench: BrokerBench) -> None:
    bench.make("u")

    assert [ErrorCode.INVALID_CONFIG, 0] == altered(
        bench, resource(change("no.such", "5")), resource(change("retention.ms", "5"), name="u")
    )
    assert {"retention.ms": "5"} == configs(bench, "u")


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        (resource(change("retention.ms", "5"), name="nowhere"), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        (resource(change("retention.ms", "5"), name="__consumer_offsets"), ErrorCode.INVALID_TOPIC_EXCEPTION),
        (resource(change("num.partitions", "5"), name="1", kind=BROKER), ErrorCode.INVALID_REQUEST),
        (resource(change("retention.ms")), ErrorCode.INVALID_REQUEST),
        (resource(change("retention.ms", "5", APPEND)), ErrorCode.INVALID_CONFIG),
        (resource(change("cleanup.policy", "delete", SUBTRACT)), ErrorCode.INVALID_CONFIG),
        (resource(change("retention.ms", "1"), change("retention.ms", "2")), ErrorCode.INVALID_REQUEST),
    ],
)
def test_what_is_wrong_is_refused(bench: BrokerBench, wanted: AlterConfigsResource, error: ErrorCode) -> None:
    (answer,) = bench.ask(IncrementalAlterConfigsRequest(resources=[wanted])).responses

    assert (error, wanted.resource_name) == (answer.error_code, answer.resource_name)
    assert answer.error_message
    assert {} == configs(bench)


def test_topic_is_altered_once_in_a_request(bench: BrokerBench) -> None:
    twice = resource(change("retention.ms", "5"))

    assert [ErrorCode.INVALID_REQUEST] * 2 == altered(bench, twice, twice)


def test_disk_that_takes_nothing_is_told(bench: BrokerBench) -> None:
    bench.disk.faults.append(Fault(operation="fdatasync", name="catalog", error=28))

    assert [ErrorCode.KAFKA_STORAGE_ERROR] == altered(bench, resource(change("retention.ms", "5")))
    assert {} == configs(bench)


def test_disk_that_keeps_segments_from_going_does_not_undo_the_change(bench: BrokerBench) -> None:
    altered(bench, resource(change("segment.bytes", "16384")))
    bench.produce("t", b"old" * 6_000)
    bench.produce("t", b"new")
    bench.disk.faults.append(Fault(operation="create", name="state.new", error=28))

    assert [0] == altered(bench, resource(change("retention.bytes", "1")))

    assert isinstance(bench.leader("t").log.read_only, LogError)
    assert "1" == configs(bench)["retention.bytes"]


def test_more_resources_than_a_request_may_name_are_refused(bench: BrokerBench) -> None:
    many = [resource(name=f"t{number}") for number in range(bench.broker.limits.max_topics_per_request)]
    wanted = resource(change("retention.ms", "5"))

    assert {ErrorCode.POLICY_VIOLATION} == set(altered(bench, wanted, *many))
    assert {} == configs(bench)
