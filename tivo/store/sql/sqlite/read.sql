-- name: topic
SELECT topic, name FROM topics WHERE topic_id = ?

-- name: topics
SELECT name, topic_id, sum(events), sum(value_bytes), min(first_us), max(last_us)
FROM topics JOIN frontier USING (topic) GROUP BY topic ORDER BY name, topic_id

-- name: frontier
SELECT partition, next FROM frontier WHERE topic = ?

-- name: owned
SELECT partition, owner_epoch, leader_epoch FROM frontier WHERE topic = ?

-- name: span
SELECT max(max_span_us) FROM buckets WHERE topic = ? AND start_us = ?

-- name: pages_oldest_first
SELECT page, partition, min_us, max_us, base, next, raw_bytes FROM pages INDEXED BY pages_by_time
WHERE topic = :topic AND min_us >= :from_us AND min_us < :end_us AND max_us >= :start_us
ORDER BY min_us

-- name: pages_newest_first
SELECT page, partition, min_us, max_us, base, next, raw_bytes FROM pages INDEXED BY pages_by_time
WHERE topic = :topic AND min_us >= :from_us AND min_us < :end_us AND max_us >= :start_us
ORDER BY min_us DESC

-- name: page_counts
SELECT page, partition, min_us, max_us, base, next, raw_bytes, events FROM pages INDEXED BY pages_by_time
WHERE topic = :topic AND min_us >= :from_us AND min_us < :end_us AND max_us >= :start_us

-- name: packed
SELECT packed FROM pages WHERE page = ?

-- name: ledger
SELECT partition, base, next, min_us, max_us, events, loss, quarantined FROM ledger
WHERE topic = :topic AND partition = :partition AND base < :upto AND next > :above
    AND base >= coalesce((SELECT max(base) FROM ledger
        WHERE topic = :topic AND partition = :partition AND base <= :above), :above)
ORDER BY base

-- name: losses
SELECT base, next, loss, min_us, max_us,
    CASE WHEN min_us IS NULL THEN (SELECT min_us FROM ledger
        WHERE topic = :topic AND partition = :partition AND base < lost.base AND min_us IS NOT NULL
        ORDER BY base DESC LIMIT 1) END,
    CASE WHEN min_us IS NULL THEN (SELECT max_us FROM ledger
        WHERE topic = :topic AND partition = :partition AND base > lost.base AND min_us IS NOT NULL
        ORDER BY base LIMIT 1) END
FROM ledger AS lost INDEXED BY ledger_losses
WHERE topic = :topic AND partition = :partition AND loss IS NOT NULL AND base < :upto AND next > :above
    AND base >= coalesce((SELECT max(base) FROM ledger INDEXED BY ledger_losses
        WHERE topic = :topic AND partition = :partition AND loss IS NOT NULL AND base <= :above), :above)
    AND (min_us IS NULL OR (min_us < :end_us AND max_us >= :start_us))
ORDER BY base

-- name: hull
SELECT count(*),
    min(min_us) FILTER (WHERE min_us < :end_us AND max_us >= :start_us),
    max(max_us) FILTER (WHERE min_us < :end_us AND max_us >= :start_us)
FROM (SELECT min_us, max_us FROM ledger
    WHERE topic = :topic AND partition = :partition AND base < :upto
        AND base >= coalesce((SELECT max(base) FROM ledger
            WHERE topic = :topic AND partition = :partition AND base <= :above), :above)
    LIMIT :limit)

-- name: counts
SELECT (start_us - :origin_us) / :width_us AS slice, sum(events) FROM counts
WHERE topic = :topic AND level_us = :level_us AND start_us >= :start_us AND start_us < :end_us
GROUP BY slice
