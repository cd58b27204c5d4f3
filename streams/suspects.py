"""Finding the partition whose log cannot be read, and the offset from which on it cannot.

The driver raises for a record that it cannot decode without telling where it lies, and what it took
before, of whatever partition, is not returned. So after a fetch that failed each partition is fetched
alone, in steps that halve until what fails is a single record: all before it has been delivered then.
"""

from faust.types import TP

FAILURES = 3
"""So often a single record may fail to be read before its partition is given up."""


class Suspects:
    """Partitions that are fetched alone, in turn, each with the number of records to ask for."""

    def __init__(self, *, first_step: int, enough: int) -> None:
        self._first_step = first_step
        self._enough = enough
        self._steps: dict[TP, int] = {}
        self._left: dict[TP, int] = {}
        self._failures: dict[TP, int] = {}

    def accuse(self, partitions: set[TP]) -> None:
        """A fetch of these partitions failed: any of them may be at fault."""
        for partition in partitions:
            self._steps.setdefault(partition, self._first_step)
            self._left[partition] = self._enough

    def next(self, partitions: set[TP]) -> tuple[TP, int] | None:
        """The one of these partitions to fetch alone, and how many records at most; None where no one is suspected."""
        for partition in self._steps:
            if partition in partitions:
                return partition, self._steps[partition]
        return None

    def read(self, partition: TP, count: int) -> None:
        """A fetch brought so many records. One that brought none, or enough of them, clears the partition."""
        self._failures.pop(partition, None)
        self._left[partition] -= count
        if count == 0 or self._left[partition] <= 0:
            self.clear(partition)
        else:
            self._steps[partition] = self._steps.pop(partition)  # the others first

    def failed(self, partition: TP) -> bool:
        """A fetch of this partition alone failed; whether it is to be given up."""
        step = self._steps.pop(partition)
        self._steps[partition] = max(step // 2, 1)
        if step == 1:
            self._failures[partition] = self._failures.get(partition, 0) + 1
        return self._failures.get(partition, 0) >= FAILURES

    def clear(self, partition: TP) -> None:
        """Nothing is held against a partition any more."""
        self._steps.pop(partition, None)
        self._left.pop(partition, None)
        self._failures.pop(partition, None)
