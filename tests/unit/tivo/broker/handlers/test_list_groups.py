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


@pytest.mark.parametrize("version", range(6))
def test_all_groups(filled: BrokerBench, version: int) -> None:
    groups = filled.ask(ListGroupsRequest(), version).groups

    assert [("g", "consumer"), ("h", "")] == [(each.group_id, each.protocol_type) for each in groups]


@pytest.mark.parametrize(("states", "found"), [(["Stable"], ["g"]), (["empty"], ["h"]), (["Dead"], [])])
def test_groups_by_state(filled: BrokerBench, states: list[str], found: list[str]) -> None:
    assert found == [each.group_id for each in filled.ask(ListGroupsRequest(states_filter=states)).groups]


@pytest.mark.parametrize(("types", "found"), [(["Classic"], ["g", "h"]), (["consumer", "share"], []), ([], ["g", "h"])])
def test_groups_by_type(filled: BrokerBench, types: list[str], found: list[str]) -> None:
    groups = filled.ask(ListGroupsRequest(types_filter=types)).groups

    assert found == [each.group_id for each in groups]
    assert {"classic"} >= {each.group_type for each in groups}
