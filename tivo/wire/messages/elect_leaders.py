"""ElectLeaders: let the preferred replica of each partition lead it (KIP-183)."""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import Api, Int8, Int16, Int32, Message, Since, Struct

API = Api(key=43, name="ElectLeaders", first=0, last=2, flexible=2)


class ElectLeadersRequest(Message):
    """The partitions; None means all. From v1 on also an unclean election may be asked for (KIP-460)."""

    api = API

    election_type: Annotated[Int8, Since(1)] = 0
    topic_partitions: list[TopicPartitions] | None = []
    timeout_ms: Int32 = 60_000


class TopicPartitions(Struct):
    """Partitions of one topic."""

    topic: str = ""
    partitions: list[Int32] = []


class ElectLeadersResponse(Message):
    """A result per partition."""

    api = API

    throttle_time_ms: Int32 = 0
    error_code: Annotated[Int16, Since(1)] = 0
    replica_election_results: list[ReplicaElectionResult] = []


class ReplicaElectionResult(Struct):
    """Partitions of one topic."""

    topic: str = ""
    partition_result: list[PartitionResult] = []


class PartitionResult(Struct):
    """Whether a leader was elected for one partition."""

    partition_id: Int32 = 0
    error_code: Int16 = 0
    error_message: str | None = ""
