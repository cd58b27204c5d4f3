"""The machine that measures: figures of another one, or of a busy one, are others."""

import os
import platform


def told() -> str:
    """What it is, its size, and what else it does: one line to print first."""
    memory_gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30)
    return (
        f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores, "
        f"{memory_gib:.0f} GiB, load {os.getloadavg()[0]:.2f}"
    )
