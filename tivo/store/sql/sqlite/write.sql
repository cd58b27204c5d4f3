-- name: topic
SELECT topic, name FROM topics WHERE topic_id = ?

-- name: insert_topic
INSERT INTO topics (topic_id, name) VALUES (?, ?)

-- name: frontier
SELECT next, owner_epoch FROM frontier WHERE topic = ? AND partition = ?

-- name: move_frontier
INSERT INTO frontier (topic, partition, next, leader_epoch, events, value_bytes, first_us, last_us)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (topic, partition) DO UPDATE SET
    next = excluded.next,
    leader_epoch = excluded.leader_epoch,
    events = events + excluded.events,
    value_bytes = value_bytes + excluded.value_bytes,
    first_us = min(coalesce(first_us, excluded.first_us), coalesce(excluded.first_us, first_us)),
    last_us = max(coalesce(last_us, excluded.last_us), coalesce(excluded.last_us, last_us))

-- name: insert_ledger
INSERT INTO ledger (topic, partition, base, next, min_us, max_us, events, loss, quarantined)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: insert_page
INSERT INTO pages (topic, partition, min_us, max_us, base, next, events, raw_bytes, packed)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: add_to_bucket
INSERT INTO buckets (topic, start_us, partition, max_span_us, small_pages) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (topic, start_us, partition) DO UPDATE SET
    max_span_us = max(max_span_us, excluded.max_span_us),
    small_pages = small_pages + excluded.small_pages

-- name: add_to_counts
INSERT INTO counts (topic, level_us, start_us, events) VALUES (?, ?, ?, ?)
ON CONFLICT (topic, level_us, start_us) DO UPDATE SET events = events + excluded.events

-- name: insert_quarantine
INSERT INTO quarantine (topic, partition, base, next, reason, page) VALUES (?, ?, ?, ?, ?, ?)
