"""Record batches for tests of the log."""

from tivo.wire.record_batch import Record, build, records
from tivo.wire.record_batch import batches as batches_of


def batch(*values: bytes, time_ms: int = 1_000, times_ms: tuple[int, ...] = ()) -> bytearray:
    """One batch, as a producer sends it; its records are `time_ms` old or as `times_ms` says."""
    times = times_ms or (time_ms,) * len(values)
    return build([Record(at, time, None, value) for at, (value, time) in enumerate(zip(values, times, strict=True))])


def values_of(data: bytes | memoryview) -> dict[int, bytes]:
    """Offset and value of every record of some batches."""
    return {
        record.offset: record.value or b""
        for position, header in batches_of(data)
        for record in records(data, position, header)
    }
