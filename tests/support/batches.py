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


def keyed(
    *pairs: tuple[bytes | None, bytes | None], time_ms: int = 1_000, producer_id: int = -1, **how: int
) -> bytearray:
    """One batch of records with these keys and values; `how` as of `build`."""
    some = [Record(at, time_ms, key, value) for at, (key, value) in enumerate(pairs)]
    return build(some, producer_id=producer_id, producer_epoch=0 if producer_id >= 0 else -1, **how)


def pairs_of(data: bytes | memoryview) -> dict[int, tuple[bytes | None, bytes | None]]:
    """Offset, key and value of every record of some batches."""
    return {
        record.offset: (record.key, record.value)
        for position, header in batches_of(data)
        for record in records(data, position, header)
    }
