"""Counters and gauges of all rooms, in one place, so that one page can list them.

Names follow Prometheus: prefix `tivo_`, base units. Labels are topics, partitions, APIs and
codes, never clients. `docs/reference/metrics.md` is checked against this file.
"""

from prometheus_client import Counter, Gauge, Histogram

__all__ = ["Counter", "Gauge", "Histogram"]

# ---------------------------------------------------------------- gateway
GATEWAY_SESSIONS = Gauge("tivo_gateway_sessions", "Playback sessions and event streams that are open")
GATEWAY_CLOSED = Counter("tivo_gateway_sockets_closed_total", "Sockets closed by the gateway or the viewer", ["code"])
GATEWAY_EVENTS_SENT = Counter("tivo_gateway_events_sent_total", "Events sent to viewers")
GATEWAY_LATENESS = Histogram(
    "tivo_gateway_frame_lateness_seconds",
    "How long after it was due a frame was handed to the socket",
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5),
)
GATEWAY_PRODUCED = Counter("tivo_gateway_records_produced_total", "Records posted over HTTP", ["result"])
