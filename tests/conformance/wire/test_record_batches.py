"""Record batches that aiokafka and kafka-python write are read by us, and ours by them, with every codec they have."""

from itertools import product

import aiokafka.record.default_records as aiokafka_records
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conformance.wire.oracles import KAFKA_PYTHON_RECORDS
from tivo.wire.compression import Codec
from tivo.wire.control import Marker, build_marker
from tivo.wire.record_batch import Record, batches, build, records, verify

LIBRARIES = {"aiokafka": aiokafka_records, "kafka-python": KAFKA_PYTHON_RECORDS}
LEFT_OUT = {
    ("kafka-python", Codec.SNAPPY): "needs python-snappy, which builds against a C library",
    ("kafka-python", Codec.LZ4): "needs lz4, which nothing else of ours uses",
}
"""What a library cannot do as it is installed here."""
CASES = [case for case in product(LIBRARIES, Codec) if case not in LEFT_OUT]
every_case = pytest.mark.parametrize(("library", "codec"), CASES)

HEADERS = st.lists(st.tuples(st.text(max_size=5), st.none() | st.binary(max_size=5)), max_size=3).map(tuple)
RECORDS = st.lists(
    st.builds(
        Record,
        offset=st.just(0),
        timestamp_ms=st.integers(0, 1 << 40),
        key=st.none() | st.binary(max_size=80),
        value=st.none() | st.binary(max_size=80),
        headers=HEADERS,
    ),
    min_size=1,
    max_size=5,
).map(lambda found: [record._replace(offset=offset) for offset, record in enumerate(found)])


def theirs(library: str, codec: Codec, sent: list[Record]) -> bytes:
    builder = LIBRARIES[library].DefaultRecordBatchBuilder(2, int(codec), 0, 7, 3, 40, 1 << 20)
    for record in sent:
        appended = builder.append(record.offset, record.timestamp_ms, record.key, record.value, list(record.headers))
        assert appended is not None
    return bytes(builder.build())


def ours(codec: Codec, sent: list[Record]) -> bytes:
    return bytes(build(sent, codec=codec, producer_id=7, producer_epoch=3, base_sequence=40))


@every_case
@settings(max_examples=20)
@given(sent=RECORDS)
def test_what_they_write_is_read(library: str, codec: Codec, sent: list[Record]) -> None:
    batch = theirs(library, codec, sent)

    ((position, header),) = batches(batch)

    verify(batch, position, header)
    assert (7, 3, 40) == (header.producer_id, header.producer_epoch, header.base_sequence)
    assert sent == list(records(batch, position, header))


@every_case
@settings(max_examples=20)
@given(sent=RECORDS)
def test_what_we_write_is_read_by_them(library: str, codec: Codec, sent: list[Record]) -> None:
    batch = LIBRARIES[library].DefaultRecordBatch(ours(codec, sent))

    assert batch.validate_crc()
    assert sent == [
        Record(record.offset, record.timestamp, record.key, record.value, tuple(record.headers)) for record in batch
    ]


@pytest.mark.parametrize(("library", "codec"), LEFT_OUT)
def test_what_is_left_out_is_not_possible(library: str, codec: Codec) -> None:
    with pytest.raises(Exception, match=r"Libraries for .* not found"):
        theirs(library, codec, [Record(0, 0, None, bytes(1000))])


@pytest.mark.parametrize("library", LIBRARIES)
@settings(max_examples=20)
@given(sent=RECORDS)
def test_uncompressed_batches_are_the_same_byte_for_byte(library: str, sent: list[Record]) -> None:
    expected = theirs(library, Codec.NONE, sent)

    written = ours(Codec.NONE, sent)

    # the leader epoch is the broker's to write, each library puts something else there
    assert expected[:12] + expected[16:] == written[:12] + written[16:]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("marker", Marker)
def test_markers_are_told_apart_by_them(library: str, marker: Marker) -> None:
    batch = LIBRARIES[library].DefaultRecordBatch(
        bytes(build_marker(marker, producer_id=7, producer_epoch=3, timestamp_ms=0))
    )

    assert batch.is_control_batch
    assert batch.is_transactional
    assert [b"\0\0\0" + bytes([marker])] == [bytes(record.key) for record in batch]
