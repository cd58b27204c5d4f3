"""DescribeLogDirs: TODO."""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import Api, Boolean, Int16, Int32, Int64, Message, Since, Struct

API = Api(key=35, name="DescribeLogDirs", first=1, last=4, flexible=2)


class DescribeLogDirsRequest(Message):
    """TODO."""

    api = API

    topics: list[DescribableLogDirTopic] | None = []


class DescribableLogDirTopic(Struct):
    """TODO."""

    topic: str = ""
    partitions: list[Int32] = []


class DescribeLogDirsResponse(Message):
    """TODO."""

    api = API

    throttle_time_ms: Int32 = 0
    error_code: Annotated[Int16, Since(3)] = 0
    results: list[DescribeLogDirsResult] = []


class DescribeLogDirsResult(Struct):
    """TODO."""

    error_code: Int16 = 0
    log_dir: str = ""
    topics: list[DescribeLogDirsTopic] = []
    total_bytes: Annotated[Int64, Since(4)] = -1
    usable_bytes: Annotated[Int64, Since(4)] = -1


class DescribeLogDirsTopic(Struct):
    """TODO."""

    name: str = ""
    partitions: list[DescribeLogDirsPartition] = []


class DescribeLogDirsPartition(Struct):
    """TODO."""

    partition_index: Int32 = 0
    partition_size: Int64 = 0
    offset_lag: Int64 = 0
    is_future_key: Boolean = False
