-- name: schema
PRAGMA user_version

-- name: topic
SELECT topic FROM topics WHERE topic_id = ?

-- name: partitions
SELECT partition, images_next FROM frontier WHERE topic = ?

-- name: state
SELECT images_next, images_version FROM frontier WHERE topic = ? AND partition = ?

-- name: heads
SELECT image, at_us, events, raw_bytes FROM images
WHERE topic = ? AND partition = ? AND events IS NOT NULL ORDER BY at_us

-- name: before
SELECT image, at_us, events, raw_bytes FROM images
WHERE topic = ? AND partition = ? AND at_us <= ? AND events IS NOT NULL ORDER BY at_us DESC LIMIT 1

-- name: image
SELECT topic, partition, events IS NOT NULL FROM images WHERE image = ?

-- name: part_from
SELECT part, events, raw_bytes, packed FROM image_parts WHERE image = ? AND last_key >= ? ORDER BY last_key LIMIT 1

-- name: last_part
SELECT part, events, raw_bytes, packed FROM image_parts WHERE image = ? ORDER BY last_key DESC LIMIT 1

-- name: insert_image
INSERT INTO images (topic, partition, at_us) VALUES (?, ?, ?)

-- name: insert_part
INSERT INTO image_parts (image, last_key, events, raw_bytes, packed) VALUES (?, ?, ?, ?, ?)

-- name: delete_part
DELETE FROM image_parts WHERE part = ?

-- name: unfinished
SELECT image FROM images WHERE topic = ? AND partition = ? AND events IS NULL

-- name: replaced
SELECT image FROM images WHERE topic = :topic AND partition = :partition AND at_us = :at_us AND image <> :image

-- name: beyond
SELECT image FROM images WHERE topic = :topic AND partition = :partition AND at_us > (SELECT min(min_us) FROM pages
    WHERE topic = :topic AND partition = :partition AND next > :at)

-- name: delete_image
DELETE FROM images WHERE image = ?

-- name: gone
WITH RECURSIVE held (image) AS (
    SELECT min(image) FROM image_parts
    UNION ALL
    SELECT (SELECT min(image) FROM image_parts WHERE image > held.image) FROM held WHERE held.image IS NOT NULL
)
SELECT image FROM held WHERE image IS NOT NULL AND image NOT IN (SELECT image FROM images) LIMIT 1

-- name: delete_parts
DELETE FROM image_parts WHERE part IN (SELECT part FROM image_parts WHERE image = ? LIMIT ?)

-- name: finish
UPDATE images SET
    events = (SELECT coalesce(sum(events), 0) FROM image_parts WHERE image = :image),
    raw_bytes = (SELECT coalesce(sum(raw_bytes), 0) FROM image_parts WHERE image = :image)
WHERE image = :image
RETURNING events, raw_bytes

-- name: resize
UPDATE images SET events = events + ?, raw_bytes = raw_bytes + ? WHERE image = ?

-- name: count_up
UPDATE frontier SET images_version = images_version + 1 WHERE topic = ? AND partition = ?
RETURNING images_next

-- name: move
UPDATE frontier SET images_next = :upto, images_version = images_version + 1
WHERE topic = :topic AND partition = :partition

-- name: cut
UPDATE frontier SET images_next = min(images_next, :at), images_version = images_version + 1
WHERE topic = :topic AND partition = :partition
