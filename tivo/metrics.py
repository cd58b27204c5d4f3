"""Counters and gauges of all rooms, in one place, so that one page can list them.

Names follow Prometheus: prefix `tivo_`, base units. Labels are topics, partitions, APIs and
codes, never clients. `docs/reference/metrics.md` is checked against this file.
"""

from prometheus_client import Counter, Gauge, Histogram

__all__ = ["Counter", "Gauge", "Histogram"]

# ---------------------------------------------------------------- every process
PROCESS_TASKS = Gauge("tivo_process_tasks", "Tasks of the event loop")

# ---------------------------------------------------------------- gateway
GATEWAY_SESSIONS = Gauge("tivo_gateway_sessions", "Playback sessions and event streams that are open")
GATEWAY_CLOSED = Counter("tivo_gateway_sockets_closed_total", "Sockets closed by the gateway or the viewer", ["code"])
GATEWAY_EVENTS_SENT = Counter("tivo_gateway_events_sent_total", "Events sent to viewers")
GATEWAY_LATENESS = Histogram(
    "tivo_gateway_frame_lateness_seconds",
    "How long after it was due a frame was handed to the socket",
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5),
)
GATEWAY_REFUSED = Counter(
    "tivo_gateway_refused_total",
    "Requests and sockets not let in (nothing shown, wrong or expired, scope), or ended with their token",
    ["why"],
)
GATEWAY_PRODUCED = Counter("tivo_gateway_records_produced_total", "Records posted over HTTP", ["result"])

# ---------------------------------------------------------------- agent
AGENT_EVENTS_STORED = Counter("tivo_agent_events_stored_total", "Events that the store took", ["topic"])
AGENT_PAGES_WRITTEN = Histogram(
    "tivo_agent_pages_per_write", "Pages written in one transaction", buckets=(1, 2, 4, 8, 16, 32, 64)
)
AGENT_WRITE_SECONDS = Histogram("tivo_agent_write_seconds", "One write into the store, retries included")
AGENT_RETRIES = Counter("tivo_agent_store_retries_total", "Attempts at the store that failed because it was away")
AGENT_QUARANTINED = Counter(
    "tivo_agent_quarantined_events_total",
    "Events set aside that cannot be stored, or offsets that cannot be read",
    ["topic"],
)
AGENT_REWINDS = Counter("tivo_agent_rewinds_total", "Partitions placed anew at the store's frontier", ["reason"])
AGENT_GAP_OFFSETS = Counter(
    "tivo_agent_gap_offsets_total", "Offsets that went from the log before they were stored", ["topic", "partition"]
)
AGENT_TRUNCATED = Counter(
    "tivo_agent_truncated_offsets_total",
    "Offsets dropped from the store because the log had lost its end",
    ["topic", "partition"],
)
AGENT_STOPPED = Gauge(
    "tivo_agent_stopped_partitions",
    "1 for a partition that is not fetched because its log went back",
    ["topic", "partition"],
)
AGENT_WAITING = Gauge("tivo_agent_waiting_partitions", "Partitions not fetched because the cluster cannot tell of them")
AGENT_LAG = Gauge(
    "tivo_agent_lag_records", "Records between the frontier and the end of the log", ["topic", "partition"]
)
AGENT_IMAGES = Counter("tivo_agent_images_total", "Images put into the store", ["topic"])
AGENT_IMAGE_LAG = Gauge(
    "tivo_agent_image_lag_offsets",
    "Offsets that are stored and may be lacking in images: whoever reads the state folds them in",
    ["topic", "partition"],
)
AGENT_MERGED = Counter("tivo_agent_merged_pages_total", "Small pages of the store rewritten into larger ones")

# ---------------------------------------------------------------- broker
_DISK_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5)
BROKER_REQUEST_SECONDS = Histogram(
    "tivo_broker_request_duration_seconds",
    "From a request's turn to its reply, waits included (long polls, group commits, rebalances)",
    ["api"],
    buckets=(0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30),
)
BROKER_ERRORS = Counter("tivo_broker_errors_total", "Errors told to clients by any API, by Kafka's code", ["code"])
BROKER_RECORDS = Counter("tivo_broker_produced_records_total", "Records appended")
BROKER_BYTES = Counter("tivo_broker_appended_bytes_total", "Bytes of record batches appended")
BROKER_SYNC_SECONDS = Histogram(
    "tivo_broker_fsync_duration_seconds", "Bringing what was appended to stable storage", buckets=_DISK_SECONDS
)
BROKER_CONNECTIONS = Gauge("tivo_broker_connections", "Connections that are open")
BROKER_HUNG_UP = Counter(
    "tivo_broker_hung_up_total", "Connections closed by the broker: garbage, limits, silence, requests half sent"
)
BROKER_LOGINS = Counter(
    "tivo_broker_logins_total",
    "Logins that were tried, by mechanism and whether they succeeded",
    ["mechanism", "result"],
)
BROKER_DENIALS = Counter(
    "tivo_broker_denials_total", "What clients were kept from by access control", ["operation", "type"]
)
BROKER_THROTTLED = Counter(
    "tivo_broker_throttled_seconds_total", "Seconds for which clients above their rate were held back", ["what"]
)
BROKER_REBALANCES = Counter("tivo_broker_rebalances_total", "Generations of consumer groups that began")
BROKER_TRANSACTIONS = Counter("tivo_broker_transactions_total", "Transactions that ended, by outcome", ["outcome"])
BROKER_LOG_START = Gauge("tivo_broker_log_start_offset", "First offset of a partition", ["topic", "partition"])
BROKER_LOG_END = Gauge("tivo_broker_log_end_offset", "Next offset of a partition", ["topic", "partition"])
BROKER_HIGH_WATERMARK = Gauge(
    "tivo_broker_high_watermark", "First offset that may not be read yet", ["topic", "partition"]
)
BROKER_LOG_BYTES = Gauge("tivo_broker_log_bytes", "Size of a partition's log", ["topic", "partition"])
BROKER_SEGMENTS = Gauge("tivo_broker_segments", "Segments of a partition's log", ["topic", "partition"])
BROKER_READ_ONLY = Gauge(
    "tivo_broker_read_only", "1 where the disk failed and a partition takes nothing more", ["topic", "partition"]
)
BROKER_DAMAGE = Gauge(
    "tivo_broker_damaged_stretches",
    "Stretches of a partition's log that are damaged and skipped",
    ["topic", "partition"],
)
BROKER_CUT_BYTES = Gauge(
    "tivo_broker_recovery_truncated_bytes",
    "Bytes cut off a partition's log when it was opened: never acknowledged",
    ["topic", "partition"],
)
BROKER_CLEANING_SECONDS = Histogram(
    "tivo_broker_cleaning_duration_seconds",
    "One cleaning of a partition that is compacted, the time it leaves to others included",
    buckets=(0.01, 0.1, 1, 10, 60, 600),
)
BROKER_CLEANINGS_FAILED = Counter(
    "tivo_broker_cleanings_failed_total", "Cleanings that came to no end, and are tried again later"
)
BROKER_CLEANED_RECORDS = Counter(
    "tivo_broker_cleaned_records_total", "Records taken out because a later one has their key, or aborted"
)
BROKER_CLEANED_BYTES = Counter("tivo_broker_cleaned_bytes_total", "Bytes by which cleanings made logs smaller")
