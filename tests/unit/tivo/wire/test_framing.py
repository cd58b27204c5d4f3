"""Headers of requests and responses, plain and flexible."""

import pytest

from tests.unit.tivo.wire.sample import SampleRequest, SampleResponse
from tivo.model.errors import WireError
from tivo.wire.framing import Address, read_address, read_client_id, read_response, request_frame, response_frame
from tivo.wire.messages.api_versions import ApiVersionsResponse
from tivo.wire.primitives import uvarint

ADDRESS = b"\0\x63\0\2\0\0\0\7"


def frame(rest: bytes) -> memoryview:
    return memoryview(ADDRESS + rest)


def test_an_address_is_read() -> None:
    assert Address(api_key=99, api_version=2, correlation_id=7) == read_address(frame(b""))


def test_a_client_id_is_read() -> None:
    assert ("me", 12) == read_client_id(frame(b"\0\2mebody"), flexible=False)


def test_a_client_id_may_be_null() -> None:
    assert (None, 10) == read_client_id(frame(b"\xff\xff"), flexible=False)


def test_a_flexible_header_ends_with_tagged_fields_and_its_client_id_is_plain() -> None:
    assert ("me", 16) == read_client_id(frame(b"\0\2me\1\0\1x"), flexible=True)


@pytest.mark.parametrize(
    ("rest", "evidence"),
    [
        (b"\0", "cut short: it has 9 bytes"),
        (b"\xff\xfe", "the length of client_id is -2"),
        (b"\0\3me", "the length of client_id is 3, 2 bytes are left"),
        (b"\0\1\xff", "client_id is not UTF-8"),
    ],
)
def test_a_bad_header_is_refused(rest: bytes, evidence: str) -> None:
    with pytest.raises(WireError, match=evidence):
        read_client_id(frame(rest), flexible=False)


def test_countless_tagged_fields_of_a_header_are_refused() -> None:
    with pytest.raises(WireError, match="1001 tagged fields, at most 1000"):
        read_client_id(frame(b"\0\2me" + uvarint(1_001) + bytes(2_002)), flexible=True)


@pytest.mark.parametrize(("version", "tags"), [(2, b""), (3, b"\0")])
def test_a_request_frame_tells_its_size_and_opens_with_its_header(version: int, tags: bytes) -> None:
    written = b"".join(request_frame(SampleRequest(), version, correlation_id=7, client_id="me"))

    assert len(written) - 4 == int.from_bytes(written[:4])
    assert written[4:].startswith(b"\0\x63" + version.to_bytes(2) + b"\0\0\0\7" + b"\0\2me" + tags)


def test_a_request_frame_may_have_no_client_id() -> None:
    written = memoryview(b"".join(request_frame(SampleRequest(), 2, correlation_id=7, client_id=None)))

    assert (None, 10) == read_client_id(written[4:], flexible=False)


@pytest.mark.parametrize(("version", "written"), [(2, "00000006 00000007 0005"), (3, "00000008 00000007 00 0005 00")])
def test_a_response_frame_is_written_and_read(version: int, written: str) -> None:
    response = SampleResponse(error_code=5)

    frame = b"".join(response_frame(response, version, correlation_id=7))

    assert bytes.fromhex(written) == frame
    assert (7, response) == read_response(SampleResponse, version, memoryview(frame)[4:])


def test_the_header_of_api_versions_has_no_tagged_fields_in_any_version() -> None:
    response = ApiVersionsResponse(error_code=1)

    frame = b"".join(response_frame(response, 3, correlation_id=7))

    assert bytes.fromhex("00000007 0001") == frame[4:10]
    assert (7, response) == read_response(ApiVersionsResponse, 3, memoryview(frame)[4:])


def test_a_response_without_a_header_is_refused() -> None:
    with pytest.raises(WireError, match="the response header is cut short: it has 3 bytes"):
        read_response(SampleResponse, 0, memoryview(b"\0\0\0"))
