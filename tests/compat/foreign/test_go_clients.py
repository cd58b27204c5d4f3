"""kafka-go and sarama (Go, no librdkafka) against our broker: what a program does with each, and sees."""

import hashlib
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.compat.running import RunningBroker
from tests.support.cache import cached, fetch

HERE = Path(__file__).parent / "golang"
CODECS = ["gzip", "snappy", "lz4", "zstd"]

Do = Callable[[str], Any]


def version(program: str) -> str:
    """The version of the client that a program of ours is built on."""
    (pinned,) = re.findall(r"^require \S+ (v\S+)$", (HERE / program / "go.mod").read_text(), re.MULTILINE)
    return pinned


def built(go: str, program: str) -> Path:
    """One of our programs, built in the cache with the client that its go.mod pins. Raises Missing."""

    def fill(folder: Path) -> None:
        fetch("nice", "-n", "10", go, "build", "-p", "1", "-o", str(folder / program), ".", cwd=HERE / program)

    text = b"".join((HERE / program / name).read_bytes() for name in ("go.mod", "go.sum", "main.go"))
    return cached(f"{program}-{hashlib.sha256(text).hexdigest()[:16]}", fill) / program


def doing(go: str, program: str, broker: RunningBroker, topic: str) -> Do:
    """Does one deed of the program, on a topic of its own; gives what it saw."""
    place = built(go, program)

    def run(deed: str) -> Any:
        command = [place, broker.bootstrap, deed, topic]
        told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert told.returncode == 0, told.stderr + told.stdout
        return json.loads(told.stdout)

    return run


RECORD = {"key": "key", "null": True, "colour": "red", "time_ms": 1234567890123}
OFFSETS = {"oldest": 0, "newest": 3, "timed": 1}


@pytest.mark.whole
@pytest.mark.client(f"kafka-go {version('kafkago')}")
class TestKafkaGo:
    @pytest.fixture
    def do(self, go: str, broker: RunningBroker, topic: str) -> Do:
        return doing(go, "kafkago", broker, topic)

    def test_every_codec_is_produced_and_consumed(self, do: Do) -> None:
        assert [f"{codec} {number}" for codec in ("uncompressed", *CODECS) for number in (1, 2)] == do("codecs")

    def test_everything_of_a_record_comes_back(self, do: Do) -> None:
        assert RECORD == do("record")

    def test_group_goes_on_where_it_committed(self, do: Do) -> None:
        assert [["1", "2"], ["3", "4"]] == do("group")

    def test_offsets_by_kind_and_time(self, do: Do) -> None:
        assert OFFSETS == do("offsets")

    def test_topics_are_made_grown_and_deleted(self, do: Do) -> None:
        assert {"refused": True, "grown": True, "partitions": 3} == do("topics")


@pytest.mark.whole
@pytest.mark.client(f"sarama {version('sarama')}")
class TestSarama:
    @pytest.fixture
    def do(self, go: str, broker: RunningBroker, topic: str) -> Do:
        return doing(go, "sarama", broker, topic)

    def test_every_codec_is_produced_and_consumed(self, do: Do) -> None:
        assert [f"{codec} {number}" for codec in ("none", *CODECS) for number in (1, 2)] == do("codecs")

    def test_everything_of_a_record_comes_back(self, do: Do) -> None:
        assert {"offset": 0, **RECORD} == do("record")

    def test_idempotent_producer(self, do: Do) -> None:
        assert ["one", "two", "three"] == do("idempotent")

    def test_group_goes_on_whatever_the_assignor(self, do: Do) -> None:
        assert [["1", "2"], ["3", "4"], ["5", "6"]] == do("group")

    def test_offsets_by_kind_and_time(self, do: Do) -> None:
        assert OFFSETS == do("offsets")

    def test_topics_are_made_grown_changed_and_deleted(self, do: Do) -> None:
        assert {
            "refused": True,
            "partitions": 3,
            "made with": "60000",
            "changed to": "70000",
            "left": False,
        } == do("topics")

    def test_transactions_commit_records_and_offsets_or_nothing(self, do: Do) -> None:
        assert {"committed": ["one", "two"], "all": ["aborted", "one", "two"], "noted": 7} == do("transaction")
