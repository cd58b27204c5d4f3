"""ListTransactions (66), version 0: the transactional ids there are, all or by state and producer.

Those are listed that the caller may DESCRIBE. A state that there is not is given back among the
unknown ones, and finds nothing.
"""

from tivo.auth import acl
from tivo.auth.acl import Operation
from tivo.broker.broker import Broker, Caller
from tivo.broker.transactions import State
from tivo.wire.messages.list_transactions import (
    ListTransactionsRequest,
    ListTransactionsResponse,
    TransactionState,
)


def handle(broker: Broker, request: ListTransactionsRequest, caller: Caller) -> ListTransactionsResponse:
    states, producers = frozenset(request.state_filters), frozenset(request.producer_id_filters)
    return ListTransactionsResponse(
        unknown_state_filters=sorted(states - {state.value for state in State}),
        transaction_states=[
            TransactionState(
                transactional_id=each.transactional_id,
                producer_id=each.producer.id,
                transaction_state=each.state.value,
            )
            for each in broker.transactions
            if (not states or each.state.value in states)
            and (not producers or each.producer.id in producers)
            and broker.authorizer.sees(caller, Operation.DESCRIBE, acl.transactional_id(each.transactional_id))
        ],
    )
