-- Every table is keyed by the number that `topics` gives a topic id, so a topic made anew under an
-- old name is another topic. Times are integer microseconds since 1970.

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value NOT NULL
) WITHOUT ROWID;

CREATE TABLE topics (
    topic INTEGER PRIMARY KEY,
    topic_id BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL
);

-- Per partition the next offset that is not held yet, and sums over what is held.
CREATE TABLE frontier (
    topic INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    next INTEGER NOT NULL,
    events INTEGER NOT NULL,
    value_bytes INTEGER NOT NULL,
    first_us INTEGER,
    last_us INTEGER,
    PRIMARY KEY (topic, partition)
) WITHOUT ROWID;

-- Offsets written in one go. Rows of a partition follow each other without a hole.
CREATE TABLE ledger (
    topic INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    base INTEGER NOT NULL,
    next INTEGER NOT NULL,
    min_us INTEGER,
    max_us INTEGER,
    events INTEGER NOT NULL,
    quarantined TEXT,
    PRIMARY KEY (topic, partition, base)
) WITHOUT ROWID;

-- Packed pages. Ids are never used twice: readers keep unpacked pages by id.
CREATE TABLE pages (
    page INTEGER PRIMARY KEY AUTOINCREMENT,
    topic INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    min_us INTEGER NOT NULL,
    max_us INTEGER NOT NULL,
    base INTEGER NOT NULL,
    next INTEGER NOT NULL,
    events INTEGER NOT NULL,
    raw_bytes INTEGER NOT NULL,
    packed BLOB NOT NULL
);

-- Holds all that choosing pages needs, so that no blob is touched before it is wanted.
CREATE INDEX pages_by_time ON pages (topic, min_us, max_us, partition, base, next, events, raw_bytes);

-- Per bucket and partition: the longest span of a page, which bounds how far before a time pages
-- that reach it may begin, and how many small pages wait to be merged.
CREATE TABLE buckets (
    topic INTEGER NOT NULL,
    start_us INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    max_span_us INTEGER NOT NULL,
    small_pages INTEGER NOT NULL,
    PRIMARY KEY (topic, start_us, partition)
) WITHOUT ROWID;

CREATE INDEX buckets_to_merge ON buckets (start_us) WHERE small_pages > 0;

-- The pyramid: events per cell of each level.
CREATE TABLE counts (
    topic INTEGER NOT NULL,
    level_us INTEGER NOT NULL,
    start_us INTEGER NOT NULL,
    events INTEGER NOT NULL,
    PRIMARY KEY (topic, level_us, start_us)
) WITHOUT ROWID;

-- Pages that could not be stored as events, as they came. Never deleted.
CREATE TABLE quarantine (
    number INTEGER PRIMARY KEY,
    topic INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    base INTEGER NOT NULL,
    next INTEGER NOT NULL,
    reason TEXT NOT NULL,
    page BLOB NOT NULL
);
