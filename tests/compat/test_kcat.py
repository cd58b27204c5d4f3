"""kcat (librdkafka, C) against our broker."""

import json
import signal
import subprocess

import pytest

from tests.compat.running import RunningBroker, eventually

pytestmark = pytest.mark.client("kcat")


def run(kcat: str, broker: RunningBroker, *arguments: str, given: str = "") -> str:
    told = subprocess.run(
        [kcat, "-b", broker.bootstrap, *arguments], input=given, capture_output=True, text=True, timeout=30, check=True
    )
    return told.stdout


def lines(count: int) -> str:
    return "".join(f"line {number}\n" for number in range(count))


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_what_is_produced_is_consumed(kcat: str, broker: RunningBroker, topic: str, codec: str) -> None:
    run(kcat, broker, "-P", "-t", topic, "-z", codec, given=lines(500))

    assert lines(500) == run(kcat, broker, "-C", "-t", topic, "-e", "-q")


def test_idempotent_producer(kcat: str, broker: RunningBroker, topic: str) -> None:
    run(kcat, broker, "-P", "-t", topic, "-X", "enable.idempotence=true", given=lines(500))

    assert lines(500) == run(kcat, broker, "-C", "-t", topic, "-e", "-q")


def test_transaction_is_committed_at_the_end_of_the_input(kcat: str, broker: RunningBroker, topic: str) -> None:
    run(kcat, broker, "-P", "-t", topic, "-X", f"transactional.id={topic}", given=lines(500))

    assert lines(500) == run(kcat, broker, "-C", "-t", topic, "-e", "-q", "-X", "isolation.level=read_committed")
    assert f"{topic} [0] offset 501\n" == run(kcat, broker, "-Q", "-t", f"{topic}:0:-1"), "and one marker"


def test_transaction_that_is_broken_off_shows_nothing(kcat: str, broker: RunningBroker, topic: str) -> None:
    def shown(isolation: str) -> str:
        return run(kcat, broker, "-C", "-t", topic, "-e", "-q", "-X", f"isolation.level={isolation}")

    run(kcat, broker, "-P", "-t", topic, given="before\n")
    command = [kcat, "-b", broker.bootstrap, "-P", "-t", topic, "-X", f"transactional.id={topic}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as producing:
        assert producing.stdin is not None
        producing.stdin.write(lines(10_000))  # it reads so many bytes at a time
        producing.stdin.flush()
        assert eventually(lambda: shown("read_uncommitted").startswith("before\n" + lines(10)))
        assert "before\n" == shown("read_committed")
        producing.send_signal(signal.SIGTERM)
        producing.communicate(timeout=30)
    run(kcat, broker, "-P", "-t", topic, "-X", f"transactional.id={topic}", given="after\n")

    assert "before\nafter\n" == shown("read_committed")


def test_keys_headers_and_null_values(kcat: str, broker: RunningBroker, topic: str) -> None:
    run(kcat, broker, "-P", "-t", topic, "-K", ":", "-H", "colour=red", "-H", "empty=", given="key:value\n")
    run(kcat, broker, "-P", "-t", topic, "-K", ":", "-Z", given="gone:\n")

    told = run(kcat, broker, "-C", "-t", topic, "-e", "-q", "-f", "%k %S %h\n")
    assert "key 5 colour=red,empty=\ngone -1 \n" == told


def test_consume_from_an_offset_and_from_the_end(kcat: str, broker: RunningBroker, topic: str) -> None:
    run(kcat, broker, "-P", "-t", topic, given=lines(10))

    assert "line 7\nline 8\nline 9\n" == run(kcat, broker, "-C", "-t", topic, "-o", "7", "-e", "-q")
    assert "line 8\nline 9\n" == run(kcat, broker, "-C", "-t", topic, "-o", "-2", "-e", "-q")


def test_group_reads_everything_and_goes_on_where_it_was(
    kcat: str, broker: RunningBroker, topic: str, group: str
) -> None:
    consume = ("-G", group, "-X", "auto.offset.reset=earliest", "-e", "-q", topic)
    run(kcat, broker, "-P", "-t", topic, given=lines(10))
    first = run(kcat, broker, *consume)
    run(kcat, broker, "-P", "-t", topic, given="more\n")

    assert lines(10) == first
    assert "more\n" == run(kcat, broker, *consume)


def test_metadata_names_broker_and_topic(kcat: str, broker: RunningBroker, topic: str) -> None:
    run(kcat, broker, "-P", "-t", topic, given="one\n")

    told = json.loads(run(kcat, broker, "-L", "-J"))
    assert [{"id": 1, "name": broker.bootstrap}] == told["brokers"]
    assert topic in {each["topic"] for each in told["topics"]}


def test_offset_for_a_time(kcat: str, broker: RunningBroker, topic: str) -> None:
    run(kcat, broker, "-P", "-t", topic, given=lines(3))

    assert f"{topic} [0] offset 3\n" == run(kcat, broker, "-Q", "-t", f"{topic}:0:-1")
    assert f"{topic} [0] offset 0\n" == run(kcat, broker, "-Q", "-t", f"{topic}:0:1000")


def test_acknowledged_records_survive_a_kill(kcat: str, own_broker: RunningBroker) -> None:
    run(kcat, own_broker, "-P", "-t", "kept", "-X", "acks=all", given=lines(1_000))

    own_broker.kill()
    own_broker.start()

    assert lines(1_000) == run(kcat, own_broker, "-C", "-t", "kept", "-e", "-q")


def test_group_goes_on_where_it_was_after_a_kill(kcat: str, own_broker: RunningBroker) -> None:
    consume = ("-G", "kept-group", "-X", "auto.offset.reset=earliest", "-e", "-q", "kept")
    run(kcat, own_broker, "-P", "-t", "kept", given=lines(10))
    run(kcat, own_broker, *consume)

    own_broker.kill()
    own_broker.start()

    run(kcat, own_broker, "-P", "-t", "kept", given="more\n")
    assert "more\n" == run(kcat, own_broker, *consume)
