"""What a look at a partition's files found."""

from dataclasses import dataclass

from tivo.log.places import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something in a file that is not as it should be.

    `position` to before `end` are bytes of the file, `first_offset` to before `next_offset` offsets that cannot be
    served; None where it says nothing. What is `set_aside` is known to the partition, which serves what lies around it.
    """

    file: str
    what: str
    position: int | None = None
    end: int | None = None
    first_offset: int | None = None
    next_offset: int | None = None
    set_aside: bool = False

    def __str__(self) -> str:
        where = []
        if self.position is not None and self.end is not None:
            where.append(f"bytes {self.position} to {self.end - 1}")
        if self.first_offset is not None:
            last = "on" if self.next_offset is None else f"to {self.next_offset - 1}"
            where.append(f"offsets {self.first_offset} {last}")
        told = ", ".join([*where, "set aside"] if self.set_aside else where)
        return f"{self.file}: {self.what}{f' ({told})' if told else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a partition holds, counted from the batches themselves, and the troubles found on the way."""

    place: Place
    segments: int
    batches: int
    records: int
    bytes: int
    log_start: int
    log_end: int
    troubles: tuple[Trouble, ...]

    @property
    def is_good(self) -> bool:
        """Whether nothing is damaged but what is set aside already."""
        return all(trouble.set_aside for trouble in self.troubles)
