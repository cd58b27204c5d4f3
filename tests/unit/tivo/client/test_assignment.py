"""Who reads what, as consumers tell each other."""

import pytest

from tivo.client.assignment import AssignedTopic, Assignment, assigned
from tivo.wire.codec import encode

NOBODYS = b"\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff"


def written(**topics: list[int]) -> bytes:
    told = Assignment(assigned_partitions=[AssignedTopic(topic=name, partitions=each) for name, each in topics.items()])
    return b"\x00\x03" + b"".join(encode(told, 0)) + b"\xff\xff\xff\xff"


def test_partitions_of_a_member_in_order() -> None:
    assert [("quakes", 0), ("quakes", 2), ("ships", 1)] == assigned(written(ships=[1], quakes=[2, 0]))


@pytest.mark.parametrize("data", [b"", b"\x00", NOBODYS, b"\x00\x01\x00\x00\x00\x07oops", b"\x00\x00\xff\xff\xff\xfe"])
def test_what_is_not_a_consumers_assigns_nothing(data: bytes) -> None:
    assert [] == assigned(data)
