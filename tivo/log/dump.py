"""Gives what stands in a partition's log, batch by batch or record by record, and changes nothing."""

from collections.abc import Iterator, Mapping
from itertools import pairwise

from tivo.log.disk import Disk
from tivo.log.facts import DamageFacts, Facts, batch_facts, record_facts
from tivo.log.meta import Damage
from tivo.log.places import Place
from tivo.log.scan import Found
from tivo.log.segment_check import INDEX_BYTES
from tivo.log.segment_files import LOG, SegmentFiles
from tivo.log.verify import segment_bases, state_of
from tivo.log.walk import Broken, walk
from tivo.model.errors import LogError, WireError
from tivo.wire.control import read_marker
from tivo.wire.record_batch import records

_NEVER = 1 << 63
_MAX_INFLATED = 64 << 20


def dump(place: Place, disk: Disk, *, from_offset: int = 0, as_records: bool = False) -> Iterator[Facts]:
    """The log from an offset on: the batch that holds it first, or its record. Raises LogError where it cannot be read.

    What deletion has taken from the start of the log is not shown, though it may be on disk still.
    """
    try:
        state = state_of(place, disk)
        first = max(from_offset, state.log_start)
        for base, following in pairwise([*segment_bases(place, disk, state.log_start), _NEVER]):
            if following > first:
                known = {one.position: one for one in state.damage if one.segment == base}
                segment = _Segment(place, SegmentFiles(disk, place.directory, base, index_bytes=INDEX_BYTES), base)
                yield from segment.facts(known, first, as_records=as_records)
    except OSError as error:
        raise LogError(f"{place.name} cannot be read: {error}") from error


class _Segment:
    def __init__(self, place: Place, files: SegmentFiles, base: int) -> None:
        self._place = place
        self._base = base
        self._file = files.path(LOG).name
        self._log = files.open_log()

    def facts(self, known: Mapping[int, Damage], first: int, *, as_records: bool) -> Iterator[Facts]:
        for found in walk(self._log, self._base, known):
            if isinstance(found, Broken):
                yield self._damage(found)
            elif found.header.last_offset >= first:
                yield from self._records(found, first) if as_records else self._batch(found)

    def _batch(self, found: Found) -> Iterator[Facts]:
        yield batch_facts(self._place.topic, self._place.partition, self._file, *found)

    def _records(self, found: Found, first: int) -> Iterator[Facts]:
        """The records of a batch as far as they can be read."""
        position, header = found
        try:
            batch = self._log.pread(header.size, position)
            marker = read_marker(batch, 0, header) if header.is_control else None
            for record in records(batch, 0, header, max_inflated=_MAX_INFLATED, name_errors="replace"):
                if record.offset >= first:
                    yield record_facts(
                        self._place.topic, self._place.partition, record, control=header.is_control, marker=marker
                    )
        except WireError as error:
            end, following = position + header.size, header.last_offset + 1
            yield self._damage(Broken(position, end, header.base_offset, following, str(error), is_known=False))

    def _damage(self, broken: Broken) -> DamageFacts:
        return DamageFacts(
            topic=self._place.topic,
            partition=self._place.partition,
            offset=broken.first_offset,
            next_offset=broken.next_offset,
            file=self._file,
            position=broken.position,
            bytes=broken.end - broken.position,
            damage=broken.reason,
        )
