-- Who may write to a partition, and which log its pages came from. `owner_epoch` counts how often its end was cut off:
-- pages of an earlier one are refused. `leader_epoch` is that of the log when the last page was fetched; -1 is unknown.
ALTER TABLE frontier ADD COLUMN owner_epoch INTEGER NOT NULL DEFAULT 0;

ALTER TABLE frontier ADD COLUMN leader_epoch INTEGER NOT NULL DEFAULT -1;
