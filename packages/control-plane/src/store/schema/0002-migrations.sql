CREATE TABLE migration (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  topic TEXT NOT NULL,
  topic_id TEXT NOT NULL, -- of a topic that may be deleted meanwhile
  from_cluster TEXT NOT NULL,
  from_topic TEXT NOT NULL,
  to_cluster TEXT NOT NULL,
  to_topic TEXT NOT NULL, -- recorded before it is made, so that a crash leaves nothing that nobody knows
  state TEXT NOT NULL CHECK (state IN ('running', 'switched', 'done', 'undoing', 'failed', 'cancelled')),
  step TEXT NOT NULL,
  cancel_requested INTEGER NOT NULL DEFAULT 0,
  -- max.message.bytes of the physical topic before the seal: JSON null (no override) or a string. SQL NULL
  -- until it was read, which is before the seal was asked for.
  override_before_seal TEXT,
  seal_ms REAL,
  switch_ms REAL,
  switched_at INTEGER,
  cuts TEXT, -- JSON: decimal strings by partition
  route_version INTEGER,
  error_code TEXT,
  error_detail TEXT,
  created_at INTEGER NOT NULL,
  revision INTEGER NOT NULL
) STRICT;

-- One saga per topic at a time, whatever the code thinks.
CREATE UNIQUE INDEX migration_underway ON migration (topic_id) WHERE state IN ('running', 'undoing');
CREATE INDEX migration_by_state ON migration (state);

-- A row per step and attempt: written when it begins, and again when it has ended.
CREATE TABLE migration_attempt (
  migration_id TEXT NOT NULL REFERENCES migration (id),
  number INTEGER NOT NULL,
  step TEXT NOT NULL,
  direction TEXT NOT NULL CHECK (direction IN ('do', 'undo')),
  attempt INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  error TEXT,
  PRIMARY KEY (migration_id, number)
) STRICT, WITHOUT ROWID;

-- Records beyond the cut of a sealed loglet. They are appended to the active loglet under a producer id of our
-- own with running sequences, so the broker itself refuses to take a batch twice when a crash makes us repeat it.
CREATE TABLE stray (
  migration_id TEXT NOT NULL REFERENCES migration (id),
  partition INTEGER NOT NULL,
  -- physical offsets in the sealed loglet, decimal
  from_offset TEXT NOT NULL,
  to_offset TEXT NOT NULL,
  recovered TEXT NOT NULL,
  producer_id TEXT NOT NULL,
  next_sequence INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  PRIMARY KEY (migration_id, partition)
) STRICT, WITHOUT ROWID;
