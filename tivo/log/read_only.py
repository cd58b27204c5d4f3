"""Why a log takes nothing any more, and whether that may pass."""

import errno
from threading import Lock

from tivo.log.disk import is_full
from tivo.model.errors import LogError


class ReadOnly:
    """Told by any thread of what failed. What cannot be gone on with stays so, whatever fails afterwards."""

    def __init__(self, name: str) -> None:
        self.why: LogError | None = None
        self.is_full = False  # only for want of space
        self._name = name
        self._telling = Lock()

    def check(self) -> None:
        """Raises LogError where nothing is taken."""
        if (why := self.why) is not None:
            raise LogError(str(why)) from why

    def failed(self, what: str, error: OSError, *, for_good: bool = False) -> LogError:
        """Take nothing from now on; gives the error to raise. `for_good`: not even where there is space again."""
        code = errno.errorcode.get(error.errno or 0, "")
        with self._telling:
            is_for_good = self.why is not None and not self.is_full
            may_pass = is_full(error) and not for_good and not is_for_good
            until = "there is space again" if may_pass else "it is opened anew"
            told = LogError(f"{self._name} is read-only until {until}: {what} failed: {code} {error}")
            if not is_for_good:
                self.why, self.is_full = told, may_pass
        return told

    def lift(self) -> bool:
        """There is space again: take what comes; False where something failed meanwhile that does not pass."""
        with self._telling:
            if not self.is_full:
                return False
            self.why, self.is_full = None, False
            return True

    def end(self, why: str) -> None:
        """The log is let go: for this reason, where there was none before."""
        with self._telling:
            self.why = self.why or LogError(f"{self._name} {why}")
            self.is_full = False
