"""DescribeLogDirs (35), versions 1-4: how much of the disk each partition uses.

Odd: CLUSTER_AUTHORIZATION_FAILED (31) without DESCRIBE of the cluster; topics and partitions that
are not there are left out, as with Kafka.

- 3: an error for the whole. 4: size and room of the disk.
"""

from shutil import disk_usage

from tivo.auth import acl
from tivo.auth.acl import Operation
from tivo.broker.broker import Broker, Caller
from tivo.broker.leader import Leader
from tivo.wire.messages.describe_log_dirs import (
    DescribeLogDirsPartition,
    DescribeLogDirsRequest,
    DescribeLogDirsResponse,
    DescribeLogDirsResult,
    DescribeLogDirsTopic,
)


def handle(broker: Broker, request: DescribeLogDirsRequest, caller: Caller) -> DescribeLogDirsResponse:
    error = broker.authorizer.error(caller, Operation.DESCRIBE, acl.CLUSTER)
    if error:
        return DescribeLogDirsResponse(error_code=error)
    disk = disk_usage(broker.data_dir)
    wanted = None if request.topics is None else {topic.topic: frozenset(topic.partitions) for topic in request.topics}
    topics = [
        DescribeLogDirsTopic(
            name=topic.name,
            partitions=[
                _sized(index, leader)
                for index, leader in enumerate(topic.leaders)
                if wanted is None or index in wanted[topic.name]
            ],
        )
        for topic in broker.topics
        if wanted is None or topic.name in wanted
    ]
    result = DescribeLogDirsResult(
        log_dir=broker.data_dir, topics=topics, total_bytes=disk.total, usable_bytes=disk.free
    )
    return DescribeLogDirsResponse(results=[result])


def _sized(index: int, leader: Leader) -> DescribeLogDirsPartition:
    return DescribeLogDirsPartition(partition_index=index, partition_size=leader.log.size_bytes)
