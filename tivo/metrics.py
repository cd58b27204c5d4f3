"""Counters and gauges of all rooms, in one place, so that one page can list them.

Names follow Prometheus: prefix `tivo_`, base units. Labels are topics, partitions, APIs and
codes, never clients. `docs/reference/metrics.md` is checked against this file.
"""

from prometheus_client import Counter, Gauge, Histogram

__all__ = ["Counter", "Gauge", "Histogram"]
