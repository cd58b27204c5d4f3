"""`python -m tests.fuzz.record`: let real clients work with a broker and write down what they send, for the corpus.

Each client goes through a proxy of its own. Of each API and version the shortest frame is kept per client.
"""

import asyncio
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiokafka
import aiokafka.admin
import confluent_kafka
import confluent_kafka.admin as confluent_admin
import kafka
import kafka.admin

from tests.compat.running import RunningBroker
from tests.support.recorded import FILE
from tivo.broker.handlers import SERVED
from tivo.wire.framing import SIZE, read_address

Found = dict[tuple[str, str, int], bytes]


class Proxy:
    """Passes bytes on to a broker, which must advertise the proxy's port, and keeps the requests."""

    def __init__(self, client: str, broker: RunningBroker, found: Found) -> None:
        self.port = 0
        self._client = client
        self._broker = broker
        self._found = found
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> int:
        self._thread.start()
        serving = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop)
        return int(serving.result().sockets[0].getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection("127.0.0.1", self._broker.port)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._requests(reader, ours))
                tasks.create_task(_copy(theirs, writer))
        except* (OSError, asyncio.IncompleteReadError):
            ours.close()
            writer.close()

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            size = await reader.readexactly(SIZE.size)
            frame = size + await reader.readexactly(int.from_bytes(size))
            self._keep(frame)
            writer.write(frame)
            await writer.drain()

    def _keep(self, frame: bytes) -> None:
        address = read_address(memoryview(frame)[SIZE.size :])
        key = (self._client, SERVED[address.api_key].api.name, address.api_version)
        if len(frame) < len(self._found.get(key, bytes(1 << 20))):
            self._found[key] = frame


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    raise ConnectionResetError


def use_confluent(bootstrap: str) -> None:
    admin = confluent_admin.AdminClient({"bootstrap.servers": bootstrap})
    made: Any = confluent_admin
    admin.create_topics([made.NewTopic("t", 1, 1)])["t"].result()
    admin.create_partitions([made.NewPartitions("t", 2)])["t"].result()
    producer = confluent_kafka.Producer(
        {"bootstrap.servers": bootstrap, "enable.idempotence": True, "compression.type": "zstd"}
    )
    for number in range(3):
        producer.produce("t", b"value", key=b"k", headers=[("h", b"v")], partition=0)
        producer.flush()
        _consume(bootstrap, f"g{number}")
    _wait(admin.describe_configs([made.ConfigResource(made.ResourceType.TOPIC, "t")]))
    admin.list_consumer_groups().result()
    admin.describe_consumer_groups(["g0"])["g0"].result()
    admin.describe_cluster().result()
    _wait(admin.list_offsets({confluent_kafka.TopicPartition("t", 0): made.OffsetSpec.latest()}))
    admin.delete_consumer_groups(["g1"])["g1"].result()
    admin.delete_topics(["t"])["t"].result()


def _wait(futures: dict[Any, Any]) -> None:
    for future in futures.values():
        future.result()


def _consume(bootstrap: str, group: str) -> None:
    settings = {"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest"}
    consumer = confluent_kafka.Consumer({**settings, "partition.assignment.strategy": "cooperative-sticky"})
    consumer.subscribe(["t"])
    message = consumer.poll(20)
    assert message is not None
    consumer.commit(asynchronous=False)
    consumer.close()


def use_kafka_python(bootstrap: str) -> None:
    admin = kafka.admin.KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([kafka.admin.NewTopic("u", 1, 1)])
    admin.create_partitions({"u": kafka.admin.NewPartitions(2)})
    producer = kafka.KafkaProducer(bootstrap_servers=bootstrap, compression_type="gzip")
    producer.send("u", b"value", key=b"k", partition=0).get(20)
    producer.close()
    consumer = kafka.KafkaConsumer("u", bootstrap_servers=bootstrap, group_id="h", auto_offset_reset="earliest")
    next(consumer)
    consumer.commit()
    consumer.close()
    admin.describe_configs([kafka.admin.ConfigResource(kafka.admin.ConfigResourceType.TOPIC, "u")])
    admin.list_groups()
    admin.delete_topics(["u"])
    admin.close()


def use_aiokafka(bootstrap: str) -> None:
    asyncio.run(_use_aiokafka(bootstrap))


async def _use_aiokafka(bootstrap: str) -> None:
    admin = aiokafka.admin.AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([aiokafka.admin.NewTopic("v", 1, 1)])
    async with aiokafka.AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True) as producer:
        await producer.send_and_wait("v", b"value", key=b"k")
    settings: dict[str, Any] = {"group_id": "i", "auto_offset_reset": "earliest"}
    async with aiokafka.AIOKafkaConsumer("v", bootstrap_servers=bootstrap, **settings) as consumer:
        await consumer.getone()
        await consumer.commit()
    await admin.list_consumer_groups()
    await admin.delete_topics(["v"])
    await admin.close()


CLIENTS: dict[str, Callable[[str], None]] = {
    "confluent-kafka": use_confluent,
    "kafka-python": use_kafka_python,
    "aiokafka": use_aiokafka,
}


def main() -> None:
    found: Found = {}
    for name, use in CLIENTS.items():
        with tempfile.TemporaryDirectory() as folder:
            broker = RunningBroker(Path(folder, "data"))
            with Proxy(name, broker, found) as port:
                broker.advertise(port)
                broker.start()
                print(f"recording {name}", flush=True)
                use(f"127.0.0.1:{port}")
                broker.stop()
    FILE.parent.mkdir(exist_ok=True)
    lines = [f"{client} {api} {frame.hex()}\n" for (client, api, _), frame in sorted(found.items())]
    FILE.write_text("".join(lines))
    print(f"{len(lines)} requests are in {FILE}")


if __name__ == "__main__":
    main()
