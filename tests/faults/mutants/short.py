"""Takes a log for shorter than it is when it recovers it: its last batches go, synced or not."""

from tivo.__main__ import main
from tivo.log.segment import Segment

TOO_SHORT_BYTES = 5_000


def file_size(segment: Segment, honest: object = Segment.file_size) -> int:
    assert callable(honest)
    return max(int(honest(segment)) - TOO_SHORT_BYTES, 0)


if __name__ == "__main__":
    Segment.file_size = file_size  # type: ignore[method-assign]  # it is what the fault is about
    main()
