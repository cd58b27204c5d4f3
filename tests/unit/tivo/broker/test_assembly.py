"""A broker put together on its data directory."""

from pathlib import Path

import pytest

from tests.support.broker import open_broker
from tivo.broker.assembly import JOURNAL_TOPIC, LARGEST_BATCH_BYTES, TRANSACTIONS_TOPIC
from tivo.model.errors import LogError
from tivo.wire.record_batch import Record, build, read_header


def test_first_start_makes_the_journal_and_an_id(tmp_path: Path) -> None:
    bench = open_broker(tmp_path / "data")

    assert [JOURNAL_TOPIC, TRANSACTIONS_TOPIC] == [topic.name for topic in bench.broker.topics]
    assert 22 == len(bench.broker.identity.cluster_id)
    bench.close()


def test_next_start_finds_both(tmp_path: Path) -> None:
    first = open_broker(tmp_path / "data")
    first.close()

    second = open_broker(tmp_path / "data")

    assert first.broker.identity == second.broker.identity
    assert first.broker.topics.get(JOURNAL_TOPIC).id == second.broker.topics.get(JOURNAL_TOPIC).id
    second.close()


def test_journal_is_kept_for_ever(tmp_path: Path) -> None:
    bench = open_broker(tmp_path / "data", retention_us=1, retention_bytes=1)

    settings = bench.broker.topics.get(JOURNAL_TOPIC).settings
    assert not settings.log.deletes
    assert LARGEST_BATCH_BYTES == settings.max_message_bytes
    bench.close()


def test_damaged_journal_stops_the_start(tmp_path: Path) -> None:
    bench = open_broker(tmp_path / "data")
    batch = memoryview(build([Record(0, 0, b"\x00\x63?", b"")]))
    bench.leader(JOURNAL_TOPIC).append(batch, read_header(batch), 0)
    bench.close()

    with pytest.raises(LogError, match="version 99"):
        open_broker(tmp_path / "data")


def test_options_become_limits(tmp_path: Path) -> None:
    bench = open_broker(tmp_path / "data", auto_create=False, default_partitions=3, shortest_session_us=1_000_000)

    limits = bench.broker.limits
    assert (False, 3, 1_000_000) == (limits.auto_create, limits.default_partitions, limits.shortest_session_us)
    bench.close()
