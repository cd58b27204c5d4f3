"""DescribeTransactions (65), version 0: where transactions stand, by transactional id.

Odd, for one: TRANSACTIONAL_ID_AUTHORIZATION_FAILED (53) without DESCRIBE; TRANSACTIONAL_ID_NOT_FOUND
(105). Topics without DESCRIBE are left out.
"""

from tivo.auth import acl
from tivo.auth.acl import Operation
from tivo.broker.broker import Broker, Caller
from tivo.broker.transaction_format import by_topic
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.describe_transactions import (
    DescribeTransactionsRequest,
    DescribeTransactionsResponse,
    TopicData,
    TransactionState,
)


def handle(broker: Broker, request: DescribeTransactionsRequest, caller: Caller) -> DescribeTransactionsResponse:
    ids = dict.fromkeys(request.transactional_ids)
    return DescribeTransactionsResponse(transaction_states=[_state(broker, caller, each) for each in ids])


def _state(broker: Broker, caller: Caller, transactional_id: str) -> TransactionState:
    error = broker.authorizer.error(caller, Operation.DESCRIBE, acl.transactional_id(transactional_id))
    found = broker.transactions.get(transactional_id)
    if error or found is None:
        error = error or ErrorCode.TRANSACTIONAL_ID_NOT_FOUND
        return TransactionState(error_code=error, transactional_id=transactional_id)
    return TransactionState(
        transactional_id=transactional_id,
        transaction_state=found.state.value,
        transaction_timeout_ms=found.timeout_ms,
        transaction_start_time_ms=found.started_ms,
        producer_id=found.producer.id,
        producer_epoch=found.producer.epoch,
        topics=[
            TopicData(topic=topic, partitions=partitions)
            for topic, partitions in by_topic(found.places).items()
            if broker.authorizer.sees(caller, Operation.DESCRIBE, acl.topic(topic))
        ],
    )
