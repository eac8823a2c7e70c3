-- What brings topics to what they should be has to remember.

CREATE TABLE topic_reconciliation (
  topic_id TEXT PRIMARY KEY,
  applied TEXT NOT NULL DEFAULT '{}', -- JSON: the configs that were asked for when all was in place
  drift_since INTEGER -- NULL: there is none
) STRICT;

-- Whose partitions or limit is being changed: no migration of it begins meanwhile.
CREATE TABLE topic_hold (
  topic_id TEXT PRIMARY KEY,
  why TEXT NOT NULL,
  since INTEGER NOT NULL
) STRICT;

-- Empty topics that wait for a failover. In no route.
CREATE TABLE standby_topic (
  topic_id TEXT PRIMARY KEY,
  cluster TEXT NOT NULL,
  topic TEXT NOT NULL
) STRICT;
