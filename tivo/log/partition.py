"""One partition's log: appended to, synced, read, and cut at its start.

Threads. One thread appends. Any thread may read. `sync`, `truncate_before`, `enforce_retention`, `close` and
`delete` block on the disk and belong on worker threads; they wait for each other, and an append never waits for
their disk. `synced` and `log_end` may be read at any time. A cleaning (`compactor.py`) goes on beside all of them
and lets go when the log is to be let go. Locks are taken in this order: `_syncing`, `_cleaning`, `_changing_state`,
`_appending`; those within `Segment`, `Segments` and `ReadOnly` last.

Parts. What they share is in `held.py`. Upon it stand `reading.py`, `appending.py`, `replacing.py` (cleanings) and
`log_start.py`, which appends in so far as it seals what is old.

Files are found by name, and a topic made anew has the names of the one before. So once `close` or `delete` has
returned, nothing is written any more.

The promise. When `sync` has returned, everything below what it returned is on stable storage, names of
files included. An append is one write of the client's bytes. After a write or a sync that failed, the
partition takes nothing more and acknowledges nothing more until it is opened anew; a failed sync is never
tried again, for the second try may succeed without having written anything. Reads go on. Only a disk that
was full, and lost nothing that it had taken, is tried again without: see `resume`.
"""

from pathlib import Path

from tivo.log.disk import Disk, OsDisk
from tivo.log.log_start import LogStart
from tivo.log.reading import Reading
from tivo.log.recovery import Recovery
from tivo.log.replacing import Replacing
from tivo.log.settings import LogSettings
from tivo.model.errors import LogError


class Partition(Reading, LogStart, Replacing):
    """The log of one partition. Made by `open`."""

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        topic: str,
        partition: int,
        settings: LogSettings,
        clean: bool,
        disk: Disk | None = None,
    ) -> "Partition":
        """Open a partition, made where there is none. `clean`: see `Catalog.was_clean`.

        Raises LogError where the disk fails. Damage is no error: it is set aside and told in `damage`.
        """
        disk = disk or OsDisk()
        name = f"{topic}-{partition}"
        is_new = not disk.exists(directory)
        try:
            if is_new:
                disk.mkdir(directory)
            recovered = Recovery(disk, directory, settings=settings).run(clean=clean or is_new)
        except OSError as error:
            raise LogError(f"{name}: cannot open its log: {error}") from error
        return cls(name, directory, recovered, settings=settings, disk=disk, is_new=is_new)
