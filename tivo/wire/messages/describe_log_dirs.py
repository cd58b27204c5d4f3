"""DescribeLogDirs: what the partitions take on the disks."""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import Api, Boolean, Int16, Int32, Int64, Message, Since, Struct

API = Api(key=35, name="DescribeLogDirs", first=1, last=4, flexible=2)


class DescribeLogDirsRequest(Message):
    """The partitions asked about; None means all."""

    api = API

    topics: list[DescribableLogDirTopic] | None = []


class DescribableLogDirTopic(Struct):
    """Partitions of one topic."""

    topic: str = ""
    partitions: list[Int32] = []


class DescribeLogDirsResponse(Message):
    """A result per directory."""

    api = API

    throttle_time_ms: Int32 = 0
    error_code: Annotated[Int16, Since(3)] = 0
    results: list[DescribeLogDirsResult] = []


class DescribeLogDirsResult(Struct):
    """One directory, its partitions and, from v4 on, the room on its disk (KIP-827)."""

    error_code: Int16 = 0
    log_dir: str = ""
    topics: list[DescribeLogDirsTopic] = []
    total_bytes: Annotated[Int64, Since(4)] = -1
    usable_bytes: Annotated[Int64, Since(4)] = -1


class DescribeLogDirsTopic(Struct):
    """Partitions of one topic in the directory."""

    name: str = ""
    partitions: list[DescribeLogDirsPartition] = []


class DescribeLogDirsPartition(Struct):
    """One partition's bytes, and how far it lags as a replica."""

    partition_index: Int32 = 0
    partition_size: Int64 = 0
    offset_lag: Int64 = 0
    is_future_key: Boolean = False
