-- Images: the last event of every key of a partition with a time before `at_us`. One whose `events` is NULL is not
-- finished, and nobody reads it.
CREATE TABLE images (
    image INTEGER PRIMARY KEY AUTOINCREMENT,
    topic INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    at_us INTEGER NOT NULL,
    events INTEGER,
    raw_bytes INTEGER
);

CREATE INDEX images_by_time ON images (topic, partition, at_us);

-- The events of an image in the order of their keys, packed as pages are. `last_key`: the order of a part's last key.
CREATE TABLE image_parts (
    part INTEGER PRIMARY KEY,
    image INTEGER NOT NULL,
    last_key BLOB NOT NULL,
    events INTEGER NOT NULL,
    raw_bytes INTEGER NOT NULL,
    packed BLOB NOT NULL
);

CREATE UNIQUE INDEX image_parts_by_key ON image_parts (image, last_key);

-- Per partition the image frontier, below which every image lacks no offset (NULL: nobody has looked yet), and a
-- version that every change but a patch counts up: who builds images finds out that he is not alone.
ALTER TABLE frontier ADD COLUMN images_next INTEGER;

ALTER TABLE frontier ADD COLUMN images_version INTEGER NOT NULL DEFAULT 0;
