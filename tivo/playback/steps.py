"""Steps on from a held position: how many units are still to be shown."""

from dataclasses import dataclass

from tivo.playback.commands import StepBy
from tivo.playback.facts import ReadFailed


@dataclass(slots=True)
class Steps:
    """`left` units more. By batch, `at_us` is the instant whose events are being shown."""

    left: int
    by: StepBy
    at_us: int | None = None
    done: bool = False
    failed: ReadFailed | None = None

    def takes(self, time_us: int) -> bool:
        """Whether the next event in order, of this time, is shown; it is counted then."""
        if self.by is StepBy.BATCH and time_us == self.at_us:
            return True
        if not self.left:
            return False
        self.left -= 1
        if self.by is StepBy.BATCH:
            self.at_us = time_us
        return True

    def is_over(self, read_us: int) -> bool:
        """Whether nothing more is to be shown, once everything earlier than this has been."""
        return not self.left and (self.at_us is None or read_us > self.at_us)
