"""Compiled when first needed, kept, and able to tell what went wrong where."""

from types import FunctionType, TracebackType

import pytest

from tests.unit.tivo.wire.sample import SampleRequest, SampleResponse
from tivo.model.errors import WireError
from tivo.wire import codec
from tivo.wire.codec import READERS, WRITERS, decode, encode


def test_readers_and_writers_are_compiled_once() -> None:
    decode(SampleResponse, 0, memoryview(b"\0\0"))
    encode(SampleResponse(), 0)
    reader, writer = READERS[SampleResponse, 0], WRITERS[SampleResponse, 0]

    decode(SampleResponse, 0, memoryview(b"\0\0"))
    encode(SampleResponse(), 0)

    assert reader is READERS[SampleResponse, 0]
    assert writer is WRITERS[SampleResponse, 0]


@pytest.mark.parametrize("version", [-1, 5])
def test_a_version_that_is_not_served_is_refused(version: int) -> None:
    with pytest.raises(WireError, match=f"SampleRequest has versions 0 to 4, not {version}"):
        decode(SampleRequest, version, memoryview(b""))
    with pytest.raises(WireError, match=f"SampleRequest has versions 0 to 4, not {version}"):
        encode(SampleRequest(), version)


def test_a_rest_is_refused() -> None:
    with pytest.raises(WireError, match="SampleResponse v0 ends at byte 2, 3 more bytes follow"):
        decode(SampleResponse, 0, memoryview(b"\0\5abc"))


def test_a_rest_is_passed_over_if_it_may_be_there() -> None:
    assert SampleResponse(error_code=5) == decode(SampleResponse, 0, memoryview(b"\0\5abc"), whole=False)


def test_a_failure_names_message_version_field_and_cause() -> None:
    with pytest.raises(WireError, match=r"^SampleResponse v0, error_code: .* 2 bytes") as refused:
        decode(SampleResponse, 0, memoryview(b"\0"))

    assert refused.value.__cause__ is not None


def test_a_failure_to_write_names_message_version_field_and_cause() -> None:
    with pytest.raises(WireError, match=r"^SampleResponse v0, error_code: .* 32767") as refused:
        encode(SampleResponse(error_code=40_000), 0)

    assert refused.value.__cause__ is not None


def test_a_failure_at_a_single_byte_tells_as_much() -> None:
    with pytest.raises(WireError, match=r"^SampleRequest v4, blob: the bytes end before it$"):
        decode(SampleRequest, 4, memoryview(b"\0\0\3ab"))


def test_an_error_from_elsewhere_is_a_fault_of_ours() -> None:
    trace: TracebackType | None = None
    assert isinstance(codec.decode, FunctionType)

    with pytest.raises(AssertionError, match="did not come from the compiled code"):
        codec._failed_line(trace, codec.decode.__code__)
