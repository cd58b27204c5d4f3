"""One line of log for each thing that clients do wrong, and few lines where they do it often."""

import json
import logging
from collections.abc import Callable

from tivo.model.timeline import SECOND_US, Now

PERIOD_US = 10 * SECOND_US
LONGEST = 300
"""Characters of one fact that go into a line: a client may name itself in 32,767."""


class Complaints:
    """Logs at most `lines` lines in PERIOD_US; the next period tells how many were left out.

    A line is a few words and a JSON object of facts. What clients sent stands inside it, in ASCII with escapes, so
    that it cannot break or colour the log, nor pass for another line.
    """

    def __init__(self, logger: logging.Logger, read_now: Callable[[], Now], *, lines: int) -> None:
        self._logger = logger
        self._read_now = read_now
        self._began_us = 0
        self._lines = 0
        self._most = lines

    def log(self, what: str, **facts: object) -> None:
        """A line about what happened; `facts` that are None are left out."""
        now_us = self._read_now().steady_us
        if now_us - self._began_us >= PERIOD_US:
            left_out = self._lines - self._most
            self._began_us, self._lines = now_us, 0
            if left_out > 0:
                self._logger.warning("%d more lines about clients were left out", left_out)
        self._lines += 1
        if self._lines <= self._most:
            told = {name: _bounded(fact) for name, fact in facts.items() if fact is not None}
            self._logger.warning("%s %s", what, json.dumps(told))


def _bounded(fact: object) -> object:
    return fact[:LONGEST] if isinstance(fact, str) else fact
