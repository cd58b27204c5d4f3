"""What the codec costs: per call, to compile, to import.

    python -m tests.benchmarks.bench_wire

Best of several rounds, in µs of CPU time per call; each response is built and written anew.
"""

import subprocess
import sys
import time
from collections.abc import Callable, MutableMapping
from pkgutil import iter_modules
from typing import Any

import tivo.wire.messages
from tests.benchmarks import machine
from tivo.wire.codec import READERS, WRITERS, decode, encode
from tivo.wire.compression import Codec
from tivo.wire.connection import ServerConnection
from tivo.wire.framing import request_frame
from tivo.wire.messages.fetch import (
    FetchableTopicResponse,
    FetchPartition,
    FetchRequest,
    FetchResponse,
    FetchTopic,
    PartitionData,
)
from tivo.wire.messages.metadata import (
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from tivo.wire.messages.produce import (
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
    TopicProduceResponse,
)
from tivo.wire.record_batch import Record, build, read_header, records, verify
from tivo.wire.schema import Message

ROUNDS = 5
ROUND_SECONDS = 0.1

MEASURE_IMPORT = """
import time
def rss(): return int(next(line for line in open('/proc/self/status') if line.startswith('VmRSS')).split()[1]) / 1024
import enum, importlib, struct, typing
before, begun = rss(), time.process_time()
for name in {modules!r}:
    importlib.import_module(name)
print((time.process_time() - begun) * 1e3, rss() - before)
"""


def best(call: Callable[[], object]) -> float:
    """µs per call, of the best round."""
    begun = time.thread_time()
    call()
    calls = max(1, int(ROUND_SECONDS / max(time.thread_time() - begun, 1e-6)))
    rounds = []
    for _ in range(ROUNDS):
        begun = time.thread_time()
        for _ in range(calls):
            call()
        rounds.append((time.thread_time() - begun) / calls)
    return min(rounds) * 1e6


def produce_request(size: int) -> ProduceRequest:
    partition = PartitionProduceData(index=0, records=memoryview(bytes(size)))
    return ProduceRequest(
        acks=-1, timeout_ms=30_000, topic_data=[TopicProduceData(name="t", partition_data=[partition])]
    )


def produce_response() -> ProduceResponse:
    partition = PartitionProduceResponse(index=0, error_code=0, base_offset=1_000_000, log_start_offset=0)
    return ProduceResponse(responses=[TopicProduceResponse(name="t", partition_responses=[partition])])


def fetch_request() -> FetchRequest:
    partitions = [
        FetchPartition(partition=index, fetch_offset=index, partition_max_bytes=1 << 20) for index in range(8)
    ]
    return FetchRequest(max_wait_ms=500, min_bytes=1, topics=[FetchTopic(topic="t", partitions=partitions)])


def fetch_response(held: memoryview) -> FetchResponse:
    partition = PartitionData(high_watermark=9, last_stable_offset=9, log_start_offset=0, records=held)
    return FetchResponse(responses=[FetchableTopicResponse(topic="t", partitions=[partition])])


def metadata_response(topics: int, partitions: int) -> MetadataResponse:
    return MetadataResponse(
        brokers=[MetadataResponseBroker(node_id=1, host="127.0.0.1", port=9092)],
        cluster_id="tivo",
        controller_id=1,
        topics=[
            MetadataResponseTopic(
                name=f"topic-{topic}",
                topic_id=bytes(16),
                partitions=[
                    MetadataResponsePartition(
                        partition_index=index, leader_id=1, leader_epoch=0, replica_nodes=[1], isr_nodes=[1]
                    )
                    for index in range(partitions)
                ],
            )
            for topic in range(topics)
        ],
    )


def reading(message: Message, version: int) -> float:
    written = memoryview(b"".join(encode(message, version)))
    return best(lambda: decode(type(message), version, written))


def writing(made: Callable[[], Message], version: int) -> float:
    return best(lambda: encode(made(), version))


def receiving(message: Message, version: int) -> float:
    frame = b"".join(request_frame(message, version, correlation_id=1, client_id="bench"))
    connection = ServerConnection({message.api.key: type(message)})

    def receive() -> None:
        connection.get_buffer()[: len(frame)] = frame
        connection.received(len(frame))

    return best(receive)


def compiling(kept: MutableMapping[Any, Any], compile_it: Callable[[], object]) -> float:
    def again() -> None:
        kept.clear()
        compile_it()

    compile_it()
    return best(again)


def batch_rows() -> list[tuple[str, float]]:
    sent = [Record(offset, 1_700_000_000_000 + offset, b"key", bytes(100)) for offset in range(1000)]
    plain, packed = build(sent), build(sent, codec=Codec.ZSTD)
    header, packed_header = read_header(plain), read_header(packed)
    large = build([Record(0, 0, None, bytes(1 << 20))])
    large_header = read_header(large)
    return [
        ("batch header read", best(lambda: read_header(plain))),
        ("batch verify, 1 MiB", best(lambda: verify(large, 0, large_header))),
        ("records read, each of 1,000 x 100 B", best(lambda: list(records(plain, 0, header))) / 1000),
        ("records read, each, zstd", best(lambda: list(records(packed, 0, packed_header))) / 1000),
        ("batch build, each of 1,000 x 100 B", best(lambda: build(sent)) / 1000),
    ]


def rows() -> list[tuple[str, float]]:
    held = memoryview(bytes(1 << 20))
    response = ProduceResponse()
    written = memoryview(b"".join(encode(response, 9)))
    return [
        ("Produce v9 request read, 1 KB", reading(produce_request(1000), 9)),
        ("Produce v9 request read, 1 MB", reading(produce_request(1_000_000), 9)),
        ("Produce v9 request, frame to Request, 1 KB", receiving(produce_request(1000), 9)),
        ("Produce v9 response built and written", writing(produce_response, 9)),
        ("Fetch v12 request read, 8 partitions", reading(fetch_request(), 12)),
        ("Fetch v11 request read, 8 partitions", reading(fetch_request(), 11)),
        ("Fetch v12 response built and written, 1 MB", writing(lambda: fetch_response(held), 12)),
        ("Metadata v12 response, 1 x 1", writing(lambda: metadata_response(1, 1), 12)),
        ("Metadata v12 response, 10 x 8", writing(lambda: metadata_response(10, 8), 12)),
        ("Metadata v12 response, 100 x 8", writing(lambda: metadata_response(100, 8), 12)),
        ("Metadata v12 response read, 100 x 8", reading(metadata_response(100, 8), 12)),
        *batch_rows(),
        ("reader compiled", compiling(READERS, lambda: decode(ProduceResponse, 9, written))),
        ("writer compiled", compiling(WRITERS, lambda: encode(response, 9))),
    ]


def importing(*modules: str) -> tuple[float, float]:
    """CPU ms and MiB of memory that an import takes in a fresh process; the best of several."""
    found = []
    for _ in range(ROUNDS):
        script = MEASURE_IMPORT.format(modules=modules)
        output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
        milliseconds, mebibytes = map(float, output.split())
        found.append((milliseconds, mebibytes))
    return min(found)


def main() -> None:
    print(machine.told(), flush=True)
    for name, microseconds in rows():
        print(f"{name:46} {microseconds:10.2f} µs")
    for name, modules in {
        "import msgspec": ("msgspec",),
        "import crc32c": ("crc32c",),
        "import cramjam": ("cramjam",),
        "import tivo.wire, all of it": (
            "tivo.wire.connection",
            "tivo.wire.record_batch",
            *(f"tivo.wire.messages.{module.name}" for module in iter_modules(tivo.wire.messages.__path__)),
        ),
    }.items():
        milliseconds, mebibytes = importing(*modules)
        print(f"{name:46} {milliseconds:10.1f} ms CPU {mebibytes:6.1f} MiB")


if __name__ == "__main__":
    main()
