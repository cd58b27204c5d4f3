"""ElectLeaders (43), versions 0-2: let the preferred replicas lead. They do: there is one broker.

Odd: CLUSTER_AUTHORIZATION_FAILED (31) without ALTER of the cluster; per partition:
ELECTION_NOT_NEEDED (84) for each that is there, UNKNOWN_TOPIC_OR_PARTITION (3) for the others.

- Null topics mean all that need an election: none. 1: also unclean elections, which nothing needs either.
"""

from tivo.auth import acl
from tivo.auth.acl import Operation
from tivo.broker.broker import Broker, Caller
from tivo.broker.refusal import code_of
from tivo.model.errors import RequestError
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.elect_leaders import (
    ElectLeadersRequest,
    ElectLeadersResponse,
    PartitionResult,
    ReplicaElectionResult,
)


def handle(broker: Broker, request: ElectLeadersRequest, caller: Caller) -> ElectLeadersResponse:
    error = broker.authorizer.error(caller, Operation.ALTER, acl.CLUSTER)
    if error:
        return ElectLeadersResponse(error_code=error)
    return ElectLeadersResponse(
        replica_election_results=[
            ReplicaElectionResult(
                topic=each.topic,
                partition_result=[_result(broker, each.topic, partition) for partition in each.partitions],
            )
            for each in request.topic_partitions or []
        ]
    )


def _result(broker: Broker, topic: str, partition: int) -> PartitionResult:
    try:
        broker.topics.get(topic).leader(partition)
    except RequestError as error:
        return PartitionResult(partition_id=partition, error_code=code_of(error), error_message=str(error))
    return PartitionResult(
        partition_id=partition,
        error_code=ErrorCode.ELECTION_NOT_NEEDED,
        error_message=f"broker {broker.identity.node_id} leads it",
    )
