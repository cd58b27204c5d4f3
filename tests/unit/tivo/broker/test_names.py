"""How long names may be."""

import pytest

from tivo.auth import acl
from tivo.auth.acl import Resource
from tivo.broker import names
from tivo.broker.refusal import Refusal
from tivo.wire.error_codes import ErrorCode


@pytest.mark.parametrize(
    ("kind", "longest", "error"),
    [
        (acl.topic, 249, ErrorCode.INVALID_TOPIC_EXCEPTION),
        (acl.group, 32_767, ErrorCode.INVALID_GROUP_ID),
        (acl.transactional_id, 32_767, ErrorCode.INVALID_REQUEST),
    ],
)
def test_names_are_as_long_as_in_kafka(kind: type[Resource], longest: int, error: ErrorCode) -> None:
    names.check(kind("x" * longest))
    assert ErrorCode.NONE is names.error_of(kind("x" * longest))
    assert error is names.error_of(kind("x" * (longest + 1)))


def test_names_are_measured_in_bytes() -> None:
    assert ErrorCode.NONE is names.error_of(acl.topic("ü" * 124))
    assert ErrorCode.INVALID_TOPIC_EXCEPTION is names.error_of(acl.topic("ü" * 125))


def test_what_is_told_of_a_long_name_is_short() -> None:
    with pytest.raises(Refusal, match=r"of a transactional id has 40000 bytes, it begins with 'x{50}'$"):
        names.check(acl.transactional_id("x" * 40_000))


def test_the_cluster_has_a_name_that_is_short_enough() -> None:
    assert ErrorCode.NONE is names.error_of(acl.CLUSTER)
