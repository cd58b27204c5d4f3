"""One line of log for each thing that clients do wrong, and few lines where they do it often."""

import logging
from collections.abc import Callable

from tivo.model.timeline import SECOND_US, Now

LINES = 10
PERIOD_US = 10 * SECOND_US


class Complaints:
    """Logs at most LINES lines in PERIOD_US; the next period tells how many were left out.

    What clients sent goes into a line by its `repr`, so that it cannot break or colour the log.
    """

    def __init__(self, logger: logging.Logger, read_now: Callable[[], Now]) -> None:
        self._logger = logger
        self._read_now = read_now
        self._began_us = 0
        self._lines = 0

    def log(self, text: str, *given: object) -> None:
        """A line with `given` put into `text` as logging does."""
        now_us = self._read_now().steady_us
        if now_us - self._began_us >= PERIOD_US:
            left_out = self._lines - LINES
            self._began_us, self._lines = now_us, 0
            if left_out > 0:
                self._logger.warning("%d more lines about clients were left out", left_out)
        self._lines += 1
        if self._lines <= LINES:
            self._logger.warning(text, *given)
