"""`tivo groups` as people run it, against a real Kafka and the embedded broker."""

import asyncio
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from tests.compat.foreign.java import Tools
from tests.integration.agent import REPOSITORY
from tivo.client.cluster import Cluster

FIRST_MS = 1_700_000_000_000


@pytest.fixture
def group() -> str:
    return f"group-{uuid.uuid4().hex[:8]}"


@pytest.fixture
async def filled(cluster: Cluster, bootstrap: str, topic: str) -> str:
    """A topic of two partitions, each with 100 records, a second apart."""
    await cluster.create_topic(topic, partitions=2)
    producer = Producer({"bootstrap.servers": bootstrap})
    for number in range(100):
        for partition in range(2):
            producer.produce(topic, b"%d" % number, partition=partition, timestamp=FIRST_MS + 1000 * number)
    assert 0 == producer.flush(20)
    return topic


@contextmanager
def consuming(bootstrap: str, group: str, **more: str) -> Iterator[Consumer]:
    settings = {"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest", "client.id": "me"}
    consumer = Consumer(settings | {"enable.auto.commit": False} | more)
    try:
        yield consumer
    finally:
        consumer.close()


def commit(bootstrap: str, group: str, topic: str, *offsets: int) -> None:
    with consuming(bootstrap, group) as consumer:
        places = [TopicPartition(topic, partition, offset) for partition, offset in enumerate(offsets)]
        consumer.commit(offsets=places, asynchronous=False)


def committed(bootstrap: str, group: str, topic: str) -> list[int]:
    with consuming(bootstrap, group) as consumer:
        places = consumer.committed([TopicPartition(topic, partition) for partition in range(2)], timeout=20)
        return [place.offset for place in places]


def tivo(bootstrap: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tivo", "groups", "--bootstrap", bootstrap, *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=REPOSITORY, timeout=60)


def completed(words: str) -> list[str]:
    """What the tab key offers for the last of some words."""
    asked = {"_TIVO_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    command = [sys.executable, "-m", "tivo"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=REPOSITORY, env=os.environ | asked)
    return done.stdout.splitlines()


def told(bootstrap: str, *arguments: str) -> Any:
    done = tivo(bootstrap, *arguments, "--json")
    assert 0 == done.returncode, done.stderr
    return json.loads(done.stdout)


async def test_groups_are_listed(bootstrap: str, filled: str, group: str) -> None:
    commit(bootstrap, group, filled, 10)

    found = {each["name"]: each for each in told(bootstrap)}

    assert "Empty" == found[group]["state"]
    assert group in tivo(bootstrap).stdout


async def test_lag_is_told_in_records_and_seconds(bootstrap: str, filled: str, group: str) -> None:
    commit(bootstrap, group, filled, 40, 100)

    found = told(bootstrap, "describe", group)

    assert ("Empty", []) == (found["state"], found["members"])
    assert [(0, 40, 0, 100, 60, 59_000_000), (1, 100, 0, 100, 0, 0)] == [
        (each["partition"], each["committed"], each["start"], each["end"], each["lag"], each["behind_us"])
        for each in found["standings"]
    ]
    shown = tivo(bootstrap, "describe", group).stdout
    assert f"{filled}/0" in shown and "59.0" in shown


@contextmanager
def open_transaction(bootstrap: str, topic: str, records: int) -> Iterator[None]:
    """Records of the first partition that nobody has committed yet."""
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": topic})
    producer.init_transactions(20)
    producer.begin_transaction()
    for _ in range(records):
        producer.produce(topic, b"open", partition=0, timestamp=FIRST_MS + 200_000)
    assert 0 == producer.flush(20)
    yield
    producer.abort_transaction(20)


@pytest.mark.needs("maven")
async def test_lag_is_what_kafkas_own_tool_tells_also_while_a_transaction_is_open(
    java: str, bootstrap: str, filled: str, group: str
) -> None:
    commit(bootstrap, group, filled, 40, 60)
    with open_transaction(bootstrap, filled, records=7):
        ours = told(bootstrap, "describe", group)["standings"]
        theirs = Tools(java=java, bootstrap=bootstrap).run("kafka-consumer-groups", "--describe", "--group", group)

    assert [(107, 67), (100, 40)] == [(each["end"], each["lag"]) for each in ours]
    rows = sorted(row[2:6] for row in theirs.rows if row[0] == group)
    assert [["0", "40", "107", "67"], ["1", "60", "100", "40"]] == rows


@pytest.mark.parametrize(("where", "after"), [("latest", 107), ("2023-11-14T22:15:30Z", 100)])
async def test_group_is_reset_while_a_transaction_is_open(
    bootstrap: str, filled: str, group: str, where: str, after: int
) -> None:
    commit(bootstrap, group, filled, 100, 100)
    with open_transaction(bootstrap, filled, records=7):
        describe = told(bootstrap, "describe", group)["standings"][0]
        done = told(bootstrap, "reset", group, "--topic", f"{filled}/0", "--to", where)

    assert (7, None) == (describe["lag"], describe["behind_us"])
    assert [after] == [each["to"] for each in done]


async def test_members_are_told_with_what_they_read(bootstrap: str, filled: str, group: str) -> None:
    with consuming(bootstrap, group) as consumer:
        consumer.subscribe([filled])
        while consumer.poll(0.1) is None:
            pass
        found = await asyncio.to_thread(told, bootstrap, "describe", group)
        refused = await asyncio.to_thread(tivo, bootstrap, "reset", group, "--to", "latest", "--execute")
        kept = await asyncio.to_thread(tivo, bootstrap, "delete", group, "--yes")

    (member,) = found["members"]
    assert ("Stable", "me", "127.0.0.1") == (found["state"], member["client_id"], member["host"])
    assert [f"{filled}/0", f"{filled}/1"] == member["partitions"]
    assert {member["id"]} == {each["member"] for each in found["standings"]}
    assert (2, 2) == (refused.returncode, kept.returncode)
    assert "is Stable, its members read on" in refused.stderr
    assert "has members" in kept.stderr


@pytest.mark.parametrize("bootstrap", [pytest.param("kafka", marks=pytest.mark.needs("kafka"))], indirect=True)
async def test_group_of_the_newer_protocol_is_told_and_left_alone(bootstrap: str, filled: str, group: str) -> None:
    with consuming(bootstrap, group, **{"group.protocol": "consumer"}) as consumer:
        consumer.subscribe([filled])
        while consumer.poll(0.1) is None:
            pass
        consumer.commit(offsets=[TopicPartition(filled, 0, 40)], asynchronous=False)
        found = await asyncio.to_thread(told, bootstrap, "describe", group)
        refused = await asyncio.to_thread(tivo, bootstrap, "reset", group, "--to", "latest", "--execute")

    assert ("Stable", 40) == (found["state"], found["standings"][0]["committed"])
    assert (2, True) == (refused.returncode, "is Stable" in refused.stderr)


@pytest.mark.parametrize(
    ("where", "after"),
    [
        (("--to", "earliest"), [0, 0]),
        (("--to", "latest"), [100, 100]),
        (("--to", "33"), [33, 33]),
        (("--to", "1000"), [100, 100]),
        (("--to", "2023-11-14T22:13:30Z"), [10, 10]),
        (("--to", "2023-11-14T22:13:30.5Z"), [11, 11]),
        (("--to", "-1d"), [100, 100]),
        (("--by", "-15"), [25, 45]),
        (("--by", "70"), [100, 100]),
    ],
)
async def test_group_is_reset(
    bootstrap: str, filled: str, group: str, where: tuple[str, str], after: list[int]
) -> None:
    commit(bootstrap, group, filled, 40, 60)

    planned = told(bootstrap, "reset", group, *where)
    assert [40, 60] == committed(bootstrap, group, filled)
    done = told(bootstrap, "reset", group, *where, "--execute")

    assert planned == done
    assert [(40, after[0]), (60, after[1])] == [(each["from"], each["to"]) for each in done]
    assert after == committed(bootstrap, group, filled)


async def test_new_group_is_put_into_a_topic(bootstrap: str, filled: str, group: str) -> None:
    done = tivo(bootstrap, "reset", group, "--to", "latest", "--topic", f"{filled}/1", "--yes")

    assert (0, "") == (done.returncode, done.stderr)
    assert [-1001, 100] == committed(bootstrap, group, filled)


async def test_group_is_deleted(bootstrap: str, filled: str, group: str) -> None:
    commit(bootstrap, group, filled, 40)

    done = tivo(bootstrap, "delete", group, "--yes")

    assert (0, f"deleted group {group}\n") == (done.returncode, done.stdout)
    assert group not in {each["name"] for each in told(bootstrap)}


@pytest.mark.parametrize("what", [("describe",), ("reset", "--to", "latest"), ("delete", "--yes")])
async def test_group_that_is_not_there_is_told(bootstrap: str, group: str, what: tuple[str, ...]) -> None:
    done = tivo(bootstrap, what[0], group, *what[1:])

    assert (2, f"tivo: there is no group named {group!r}\n") == (done.returncode, done.stderr)


async def test_topic_that_is_gone_has_no_end(bootstrap: str, cluster: Cluster, filled: str, group: str) -> None:
    commit(bootstrap, group, filled, 40)
    other = f"{filled}-other"
    await cluster.create_topic(other)
    commit(bootstrap, group, other, 0)
    await cluster.delete_topic(other)

    found = told(bootstrap, "describe", group)

    assert (40, 60) == (found["standings"][0]["committed"], found["standings"][0]["lag"])
    assert all(each["lag"] is None for each in found["standings"][1:])


async def test_names_are_completed(bootstrap: str, filled: str, group: str) -> None:
    commit(bootstrap, group, filled, 40)

    assert f"plain,{group}" in completed(f"tivo groups --bootstrap {bootstrap} describe {group[:10]}")
