"""What the agent counts."""

from tivo.metrics import Counter, Gauge, Histogram

EVENTS_STORED = Counter("tivo_agent_events_stored_total", "Events that the store took", ["topic"])
PAGES_WRITTEN = Histogram(
    "tivo_agent_pages_per_write", "Pages written in one transaction", buckets=(1, 2, 4, 8, 16, 32, 64)
)
WRITE_SECONDS = Histogram("tivo_agent_write_seconds", "One write into the store, retries included")
RETRIES = Counter("tivo_agent_store_retries_total", "Attempts at the store that failed because it was away")
QUARANTINED = Counter("tivo_agent_quarantined_events_total", "Events set aside that could not be stored", ["topic"])
REWINDS = Counter("tivo_agent_rewinds_total", "Partitions placed anew at the store's frontier", ["reason"])
GAP_OFFSETS = Counter(
    "tivo_agent_gap_offsets_total", "Offsets that went from the log before they were stored", ["topic", "partition"]
)
STOPPED = Gauge("tivo_agent_stopped_partitions", "Partitions not fetched because their log went back")
LAG = Gauge("tivo_agent_lag_records", "Records between the frontier and the end of the log", ["topic", "partition"])
MERGED = Counter("tivo_agent_merged_pages_total", "Small pages of the store rewritten into larger ones")
