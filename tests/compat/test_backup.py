"""A copied data directory is a backup: what its page promises, with a real broker and a real client."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition

from tests.compat.running import RunningBroker
from tests.compat.test_confluent import consuming, produce, read, values_of

VALUES = [b"%d" % number for number in range(500)]


def verify(data: Path) -> int:
    return subprocess.run(
        [sys.executable, "-m", "tivo", "log", "verify", str(data)], check=False, capture_output=True
    ).returncode


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_copy_that_was_made_while_the_broker_was_away_has_everything(
    own_broker: RunningBroker, tmp_path: Path, how: str
) -> None:
    produce(own_broker, "t", VALUES)
    with consuming(own_broker, "g") as consumer:
        consumer.subscribe(["t"])
        consumer.commit(message=read(consumer, 200)[-1], asynchronous=False)
    own_broker.stop() if how == "stop" else own_broker.kill()
    shutil.copytree(own_broker.data, tmp_path / "copy")
    own_broker.start()
    produce(own_broker, "t", [b"later"])

    assert 0 == verify(tmp_path / "copy")
    restored = RunningBroker(tmp_path / "copy")
    restored.start()
    try:
        with consuming(restored, "reader") as consumer:
            consumer.assign([TopicPartition("t", 0, 0)])
            assert VALUES == values_of(read(consumer, len(VALUES)))
            assert (0, 500) == consumer.get_watermark_offsets(TopicPartition("t", 0), timeout=20)
        with consuming(restored, "g") as consumer:
            consumer.subscribe(["t"])
            assert VALUES[200:] == values_of(read(consumer, 300))
    finally:
        restored.stop()


def test_broker_that_runs_is_named(own_broker: RunningBroker) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "tivo", "log", "repair", str(own_broker.data)],
        check=False,
        capture_output=True,
        text=True,
    )

    assert (78, True) == (told.returncode, f"in use by process {own_broker.pid}" in told.stderr)
