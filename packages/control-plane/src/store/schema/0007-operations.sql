-- Drains, rebalances and applies: what they are, and the moves that they consist of. Their steps are a saga's.

CREATE TABLE operation (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('drain', 'rebalance', 'apply')),
  title TEXT NOT NULL,
  cluster TEXT, -- that is drained
  -- The saga's own pausing, and its way back, are shown in its place while it runs.
  state TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed', 'cancelled')),
  saga TEXT NOT NULL, -- another one after a retry
  round INTEGER NOT NULL DEFAULT 1,
  concurrency INTEGER NOT NULL,
  options TEXT NOT NULL, -- JSON, by kind
  state_before TEXT, -- of the cluster, for when the drain is cancelled
  planned_for TEXT, -- of the world that the moves which wait were planned for
  work TEXT NOT NULL DEFAULT '{}', -- JSON, by kind: what an apply makes, changes and deletes
  error_code TEXT,
  error_detail TEXT,
  created_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  ended_at INTEGER,
  revision INTEGER NOT NULL,
  number INTEGER NOT NULL -- the order in which they were started
) STRICT;
CREATE INDEX operation_by_number ON operation (number);
CREATE INDEX operation_by_state ON operation (state);

-- One drain of a cluster at a time, and one apply or rebalance, whatever the code thinks.
CREATE UNIQUE INDEX operation_drain_underway ON operation (cluster) WHERE state = 'running' AND kind = 'drain';
CREATE UNIQUE INDEX operation_underway ON operation (kind) WHERE state = 'running' AND kind <> 'drain';

CREATE TABLE operation_move (
  operation TEXT NOT NULL REFERENCES operation (id),
  number INTEGER NOT NULL,
  tenant TEXT NOT NULL,
  topic TEXT NOT NULL,
  from_cluster TEXT NOT NULL,
  to_cluster TEXT NOT NULL,
  reason TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'moving', 'moved', 'failed', 'skipped')),
  alone INTEGER NOT NULL DEFAULT 0, -- its group failed: it is tried once more by itself
  migration TEXT,
  error_code TEXT,
  error TEXT,
  PRIMARY KEY (operation, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX operation_move_by_state ON operation_move (operation, state, number);
