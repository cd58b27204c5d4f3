"""Makes the indexes of a segment anew from its log."""

from tivo.log.segment_files import OpenSegment
from tivo.log.stretches import SetAside, marker_at, scan_good
from tivo.log.transactions import OpenTransaction, Transactions


def index_anew(
    opened: OpenSegment, damage: SetAside, *, base: int, size: int, open_before: tuple[OpenTransaction, ...]
) -> None:
    """Fill the indexes, which are empty, with what the log tells from offset `base` to position `size`.

    `open_before` are the transactions that are open where the segment begins. Raises DamagedBatch: then the indexes
    are of no use, and may be made once that is set aside.
    """
    transactions = Transactions(open_before)
    for position, header in scan_good(opened.log, damage, 0, base, end=size):
        last = header.last_offset - base
        opened.indexes.note(position, last, newest_ms=header.max_timestamp, size=header.size)
        if header.is_transactional:
            ended = transactions.note(header, header.base_offset, marker_at(opened.log, position, header))
            if ended is not None and ended.aborted is not None:
                opened.aborted.append(ended.aborted)
