"""Record batches that no client should send: refused with a code and one line of log, and nothing is appended."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from struct import pack_into

import pytest
from crc32c import crc32c

from tests.compat.raw import ask, connect
from tests.compat.running import RunningBroker
from tests.compat.watching import Watch
from tests.support.batches import batch
from tivo.wire.compression import Codec, compress
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.create_topics import CreatableTopic, CreateTopicsRequest
from tivo.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from tivo.wire.record_batch import CHECKED_AT, CRC_AT, HEADER, Record, build

pytestmark = pytest.mark.parametrize("broker", ["uvloop"], indirect=True, scope="session")
"""One loop will do: none of this is about sockets."""

ATTRIBUTES_AT, LAST_DELTA_AT, COUNT_AT, LENGTH_AT, MAGIC_AT = 21, 23, 57, 8, 16
BOMB_CPU_MS = 50
MIB = 1 << 20


def signed(data: bytearray) -> bytes:
    """A batch with a check sum that fits."""
    pack_into(">I", data, CRC_AT, crc32c(bytes(data[CHECKED_AT:])))
    return bytes(data)


def altered(at: int, form: str, value: int) -> bytes:
    """A good batch of three records but for one field."""
    data = batch(b"a", b"b", b"c")
    pack_into(form, data, at, value)
    return signed(data)


def holding(codec: Codec, body: bytes) -> bytes:
    """A batch whose records are these compressed bytes."""
    data = build([Record(0, 1_000, None, b"a")], codec=codec)
    del data[HEADER.size :]
    data += body
    pack_into(">i", data, LENGTH_AT, len(data) - 12)
    return signed(data)


BAD = {
    "a wrong check sum": (bytes(batch(b"a")[:-1]) + b"\xff", ErrorCode.CORRUPT_MESSAGE),
    "format 0": (altered(MAGIC_AT, ">b", 0), ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT),
    "format 1": (altered(MAGIC_AT, ">b", 1), ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT),
    "format 7": (altered(MAGIC_AT, ">b", 7), ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT),
    "one record too few": (altered(COUNT_AT, ">i", 2), ErrorCode.CORRUPT_MESSAGE),
    "one record too many": (altered(COUNT_AT, ">i", 4), ErrorCode.CORRUPT_MESSAGE),
    "-1 records": (altered(COUNT_AT, ">i", -1), ErrorCode.CORRUPT_MESSAGE),
    "2³¹-1 records": (altered(COUNT_AT, ">i", 2**31 - 1), ErrorCode.CORRUPT_MESSAGE),
    "a negative last delta": (altered(LAST_DELTA_AT, ">i", -2), ErrorCode.CORRUPT_MESSAGE),
    "the largest last delta": (altered(LAST_DELTA_AT, ">i", 2**31 - 1), ErrorCode.CORRUPT_MESSAGE),
    "a length of -1": (altered(LENGTH_AT, ">i", -1), ErrorCode.CORRUPT_MESSAGE),
    "the largest length": (altered(LENGTH_AT, ">i", 2**31 - 1), ErrorCode.CORRUPT_MESSAGE),
    "an unknown codec": (altered(ATTRIBUTES_AT, ">h", 7), ErrorCode.CORRUPT_MESSAGE),
    "a control batch": (altered(ATTRIBUTES_AT, ">h", 0x20), ErrorCode.INVALID_RECORD),
    "the time of an append": (altered(ATTRIBUTES_AT, ">h", 0x08), ErrorCode.INVALID_TIMESTAMP),
    "the year 292278994": (altered(27, ">q", 2**63 - 1), ErrorCode.INVALID_TIMESTAMP),
    "half a header": (bytes(batch(b"a"))[:30], ErrorCode.CORRUPT_MESSAGE),
    "a cut batch": (bytes(batch(b"a" * 100))[:-10], ErrorCode.CORRUPT_MESSAGE),
    "two batches": (bytes(batch(b"a") + batch(b"b")), ErrorCode.INVALID_RECORD),
    "nothing": (b"", ErrorCode.INVALID_RECORD),
    "more than the topic takes": (bytes(batch(bytes(MIB + 100))), ErrorCode.MESSAGE_TOO_LARGE),
}

CODECS = [Codec.GZIP, Codec.SNAPPY, Codec.LZ4, Codec.ZSTD]

TRUNCATED = {
    f"{codec.name}, cut": (holding(codec, compress(codec, bytes(range(256)) * 40)[:-20]), ErrorCode.CORRUPT_MESSAGE)
    for codec in CODECS
}

LARGEST = {Codec.GZIP: 600 * MIB, Codec.SNAPPY: 20 * MIB, Codec.LZ4: 200 * MIB, Codec.ZSTD: 1_024 * MIB}
"""So many zeros are still below 1 MiB when they are compressed."""


def bomb(codec: Codec) -> bytes:
    body = compress(codec, bytes(LARGEST[codec]))
    assert len(body) < MIB
    return holding(codec, body)


@pytest.fixture
def made(broker: RunningBroker, topic: str) -> str:
    """A topic with one partition."""
    with closing(connect(broker)) as connection:
        wanted = CreatableTopic(name=topic, num_partitions=1, replication_factor=1)
        assert 0 == ask(connection, CreateTopicsRequest(topics=[wanted])).topics[0].error_code
    return topic


def produced(broker: RunningBroker, topic: str, records: bytes, times: int = 1) -> tuple[int, int]:
    """Error code and base offset of the last answer to a batch that is sent so often."""
    data = PartitionProduceData(index=0, records=memoryview(records))
    request = ProduceRequest(acks=-1, topic_data=[TopicProduceData(name=topic, partition_data=[data])])
    with closing(connect(broker)) as connection:
        for _ in range(times):
            (told,) = ask(connection, request).responses[0].partition_responses
    return told.error_code, told.base_offset


@pytest.mark.parametrize(("records", "code"), (BAD | TRUNCATED).values(), ids=BAD | TRUNCATED)
def test_a_bad_batch_is_refused_and_not_appended(
    broker: RunningBroker, watch: Watch, made: str, records: bytes, code: ErrorCode
) -> None:
    counter = f'tivo_broker_errors_total{{code="{code.name}"}}'
    watch.begin(counter)

    assert (code, -1) == produced(broker, made, records)

    assert watch.tells(1), watch.lines()
    assert code.name in watch.lines()[0]
    assert 1 == watch.counted(counter)
    assert (0, 0) == produced(broker, made, bytes(batch(b"good")))


@pytest.fixture(scope="module", params=CODECS, ids=lambda codec: codec.name)
def bomb_of(request: pytest.FixtureRequest) -> Iterator[bytes]:
    yield bomb(request.param)


def test_a_bomb_is_refused_before_it_goes_off(broker: RunningBroker, watch: Watch, made: str, bomb_of: bytes) -> None:
    assert produced(broker, made, bomb_of)[0] in (ErrorCode.CORRUPT_MESSAGE, ErrorCode.MESSAGE_TOO_LARGE)

    assert watch.tells(1), watch.lines()
    before_ms, began = cpu_ms(broker), time.monotonic()
    produced(broker, made, bomb_of, times=20)
    spent_ms, seconds = cpu_ms(broker) - before_ms, time.monotonic() - began
    assert spent_ms / 20 <= BOMB_CPU_MS, f"20 bombs took {spent_ms:.0f} ms of processor time in {seconds:.1f} s"


def cpu_ms(broker: RunningBroker) -> float:
    """Processor time of the broker's main thread until now."""
    return int(Path(f"/proc/{broker.pid}/task/{broker.pid}/schedstat").read_text().split()[0]) / 1e6


def test_a_bomb_inside_a_bomb_stays_asleep(broker: RunningBroker, watch: Watch, made: str, bomb_of: bytes) -> None:
    """Only the outer one is opened; what is in it is no concern of a broker."""
    code, _ = produced(broker, made, holding(Codec.ZSTD, compress(Codec.ZSTD, bomb_of)))

    assert code in (ErrorCode.NONE, ErrorCode.CORRUPT_MESSAGE)
