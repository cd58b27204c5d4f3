"""ListGroups."""

import pytest

from tests.support.broker import BrokerBench
from tests.support.group_member import GroupMember
from tests.unit.tivo.broker.handlers.test_offset_commit import committed, request
from tivo.wire.messages.list_groups import ListGroupsRequest


@pytest.fixture
def filled(bench: BrokerBench) -> BrokerBench:
    """`g` has a member, `h` has offsets only."""
    GroupMember(bench).settle()
    committed(bench, request(group_id="h"))
    return bench


@pytest.mark.parametrize("version", range(5))
def test_all_groups(filled: BrokerBench, version: int) -> None:
    groups = filled.ask(ListGroupsRequest(), version).groups

    assert [("g", "consumer"), ("h", "")] == [(each.group_id, each.protocol_type) for each in groups]


@pytest.mark.parametrize(("states", "found"), [(["Stable"], ["g"]), (["empty"], ["h"]), (["Dead"], [])])
def test_groups_by_state(filled: BrokerBench, states: list[str], found: list[str]) -> None:
    assert found == [each.group_id for each in filled.ask(ListGroupsRequest(states_filter=states)).groups]
