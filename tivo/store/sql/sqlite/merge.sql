-- name: due
SELECT topic, start_us, partition FROM buckets INDEXED BY buckets_to_merge
WHERE small_pages > 0 AND (start_us <= :ended_us OR small_pages > :enough)
ORDER BY start_us

-- name: small_pages
SELECT page FROM pages INDEXED BY pages_by_time
WHERE topic = :topic AND min_us >= :start_us AND min_us < :end_us AND partition = :partition
    AND events < :small_events AND raw_bytes < :small_bytes
ORDER BY min_us

-- name: page
SELECT 1 FROM pages WHERE page = ?

-- name: delete_page
DELETE FROM pages WHERE page = ?

-- name: bucket
SELECT coalesce(max(max_us - min_us), 0),
    count(*) FILTER (WHERE events < :small_events AND raw_bytes < :small_bytes)
FROM pages INDEXED BY pages_by_time
WHERE topic = :topic AND min_us >= :start_us AND min_us < :end_us AND partition = :partition

-- name: update_bucket
UPDATE buckets SET max_span_us = ?, small_pages = ? WHERE topic = ? AND start_us = ? AND partition = ?

-- name: ledger_kept
SELECT base FROM ledger WHERE topic = ? AND partition = ? ORDER BY base DESC LIMIT 1 OFFSET ?

-- name: ledger_between
SELECT partition, base, next, min_us, max_us, events, loss, quarantined FROM ledger
WHERE topic = ? AND partition = ? AND base >= ? AND base < ? ORDER BY base

-- name: delete_ledger
DELETE FROM ledger WHERE topic = ? AND partition = ? AND base >= ? AND base < ?
