"""JoinGroup."""

from pathlib import Path

import pytest

from tests.support.broker import BrokerBench, open_broker
from tests.support.group_member import GroupMember
from tivo.wire.error_codes import ErrorCode


@pytest.mark.parametrize("version", range(4))
def test_older_clients_join_in_one_round(bench: BrokerBench, version: int) -> None:
    joining = GroupMember(bench).join(version)
    bench.runtime.forward(1_000_000)

    response = joining.response
    assert (0, 1, "range") == (response.error_code, response.generation_id, response.protocol_name)
    assert response.member_id == response.leader
    assert response.member_id.startswith("test-")


@pytest.mark.parametrize("version", range(4, 10))
def test_newer_clients_come_back_with_their_id(bench: BrokerBench, version: int) -> None:
    member = GroupMember(bench)
    first = member.join(version).response
    member.member_id = first.member_id

    joining = member.join(version)
    bench.runtime.forward(1_000_000)

    assert ErrorCode.MEMBER_ID_REQUIRED == first.error_code
    assert (0, 1, first.member_id) == (
        joining.response.error_code,
        joining.response.generation_id,
        joining.response.member_id,
    )
    assert [b"topics"] == [each.metadata for each in joining.response.members]


@pytest.mark.parametrize(
    ("member", "error"),
    [
        ({"group_id": ""}, ErrorCode.INVALID_GROUP_ID),
        ({"session_ms": 5_999}, ErrorCode.INVALID_SESSION_TIMEOUT),
        ({"session_ms": 1_800_001}, ErrorCode.INVALID_SESSION_TIMEOUT),
        ({"member_id": "stranger"}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"metadata": bytes(262_145)}, ErrorCode.INVALID_REQUEST),
        ({"metadata": b"", "protocols": tuple(map(str, range(2_000)))}, ErrorCode.INVALID_REQUEST),
        ({"group_id": "g" * 32_768}, ErrorCode.INVALID_GROUP_ID),
        ({"instance_id": "i" * 250}, ErrorCode.INVALID_REQUEST),
        ({"protocol_type": "t" * 32_768}, ErrorCode.INVALID_REQUEST),
        ({"protocols": ("range", "p" * 32_768)}, ErrorCode.INVALID_REQUEST),
    ],
)
def test_what_is_wrong_is_refused(bench: BrokerBench, member: dict[str, object], error: ErrorCode) -> None:
    response = GroupMember(bench, **member).join().response

    assert (error, -1, "") == (response.error_code, response.generation_id, response.protocol_name)


def test_static_member_is_named_after_its_instance(bench: BrokerBench) -> None:
    joining = GroupMember(bench, instance_id="me").join()
    bench.runtime.forward(1_000_000)

    assert joining.response.member_id.startswith("me-")


@pytest.mark.parametrize(
    "longest",
    [
        {"client_id": "c" * 32_767},
        {"client_id": "ü" * 16_383},
        {"group_id": "g" * 32_767},
        {"instance_id": "i" * 249},
        {"protocol_type": "t" * 32_767},
        {"protocols": ("p" * 32_767,)},
    ],
    ids=lambda given: next(iter(given)),
)
def test_longest_names_are_kept(tmp_path: Path, longest: dict[str, object]) -> None:
    before = open_broker(tmp_path / "data")
    member = GroupMember(before, **longest)
    member.settle()
    before.close()

    member.bench = open_broker(tmp_path / "data")

    assert 0 == member.beat()
    member.bench.close()


def test_stable_group_is_not_forgotten_by_a_refused_stranger(bench: BrokerBench) -> None:
    member = GroupMember(bench)
    member.settle()

    GroupMember(bench, member_id="stranger").join()

    assert 0 == member.beat()
