-- A row of the ledger whose offsets are not held, and never will be, tells for which reason: 'retention' or
-- 'quarantine'. `quarantined` tells it at length. Times are then of the events set aside, NULL where nobody saw them.
ALTER TABLE ledger ADD COLUMN loss TEXT;

UPDATE ledger SET loss = 'quarantine' WHERE quarantined IS NOT NULL;

-- Losses alone: asking for those of a topic that has none is one look at an empty stretch.
CREATE INDEX ledger_losses ON ledger (topic, partition, base, next, loss, min_us, max_us) WHERE loss IS NOT NULL;
