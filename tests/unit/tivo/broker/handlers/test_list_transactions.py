"""ListTransactions."""

import pytest

from tests.support.broker import BrokerBench
from tests.support.transactional import TransactionalProducer
from tivo.wire.messages.list_transactions import ListTransactionsRequest


@pytest.fixture
def both(bench: BrokerBench) -> list[TransactionalProducer]:
    """One that is empty, and one that has begun."""
    producers = [TransactionalProducer(bench, name) for name in ("idle", "busy")]
    for producer in producers:
        producer.init()
    producers[1].add(("t", 0))
    return producers


def listed(bench: BrokerBench, **filters: object) -> list[tuple[str, str]]:
    found = bench.ask(ListTransactionsRequest(**filters)).transaction_states
    return [(each.transactional_id, each.transaction_state) for each in found]


def test_all_are_listed(bench: BrokerBench, both: list[TransactionalProducer]) -> None:
    assert [("idle", "Empty"), ("busy", "Ongoing")] == listed(bench)


def test_states_and_producers_are_chosen(bench: BrokerBench, both: list[TransactionalProducer]) -> None:
    idle, busy = (each.producer.id for each in both)

    assert [("busy", "Ongoing")] == listed(bench, state_filters=["Ongoing", "PrepareAbort"])
    assert [("idle", "Empty")] == listed(bench, producer_id_filters=[idle])
    assert [] == listed(bench, state_filters=["Empty"], producer_id_filters=[busy])


def test_unknown_states_are_told(bench: BrokerBench, both: list[TransactionalProducer]) -> None:
    response = bench.ask(ListTransactionsRequest(state_filters=["Strange"]))

    assert (["Strange"], []) == (response.unknown_state_filters, response.transaction_states)
