-- name: pages_beyond
SELECT page, min_us, base, packed FROM pages INDEXED BY pages_by_time
WHERE topic = ? AND partition = ? AND next > ?

-- name: ledger_beyond
DELETE FROM ledger WHERE topic = ? AND partition = ? AND base >= ?

-- name: shorten_ledger
UPDATE ledger SET next = :at,
    events = events - (SELECT count(*) FROM json_each(:dropped) WHERE value < next)
WHERE topic = :topic AND partition = :partition AND base < :at AND next > :at

-- name: set_frontier
UPDATE frontier SET next = :at, owner_epoch = owner_epoch + 1,
    events = events - :events, value_bytes = value_bytes - :value_bytes,
    first_us = (SELECT min(min_us) FROM pages WHERE topic = :topic AND partition = :partition),
    last_us = (SELECT max(max_us) FROM pages WHERE topic = :topic AND partition = :partition)
WHERE topic = :topic AND partition = :partition
RETURNING owner_epoch
