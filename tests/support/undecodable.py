"""A record that a client's decoder gives up its batch for, and the way to bring it into a log."""

import struct

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.produce import ProduceRequest
from crc32c import crc32c

from tivo.wire.record_batch import CHECKED_AT, CRC_AT, Record, build


def undecodable() -> bytes:
    """A batch of three records; the second one has a header with a name that is not UTF-8."""
    records = [
        Record(0, 1_700_000_000_000, b"key", b"before"),
        Record(1, 1_700_000_000_000, b"key", b"value", (("AB", b""),)),
        Record(2, 1_700_000_000_000, b"key", b"behind"),
    ]
    batch = build(records)
    at = batch.index(b"AB")
    batch[at : at + 2] = b"\xff\xfe"
    struct.pack_into(">I", batch, CRC_AT, crc32c(bytes(batch[CHECKED_AT:])))
    return bytes(batch)


async def append(bootstrap: str, topic: str, partition: int, batch: bytes) -> None:
    """Produce a batch as it is, and wait until it is acknowledged."""
    client = AIOKafkaClient(bootstrap_servers=bootstrap)
    await client.bootstrap()
    try:
        asked = [(topic, [(partition, batch)])]
        request = ProduceRequest(transactional_id=None, required_acks=-1, timeout=5_000, topics=asked)
        answer = await client.send(client.get_random_node(), request)
    finally:
        await client.close()
    ((_, ((_, error_code, *_),)),) = answer.topics
    assert 0 == error_code
