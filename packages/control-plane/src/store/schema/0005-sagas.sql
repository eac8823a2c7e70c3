-- Sagas of every kind, and their attempts at their steps. The migrations of one group are one saga up to its SWITCH
-- (its id is the group's); from there each has one of its own, `<migration>.retirement`, to drain and retire.

CREATE TABLE saga (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('running', 'undoing', 'done', 'undone')),
  step TEXT NOT NULL, -- that it is in, or ended in
  round INTEGER NOT NULL DEFAULT 1, -- one more each time that it begins again after it was undone
  cancel_requested INTEGER NOT NULL DEFAULT 0,
  pause_requested INTEGER NOT NULL DEFAULT 0,
  cancelled INTEGER NOT NULL DEFAULT 0, -- that it goes back, or went, is because somebody wished it
  error TEXT, -- why it goes back, or went
  created_at INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  number INTEGER NOT NULL -- the order in which they were started
) STRICT;
CREATE INDEX saga_by_state ON saga (state);
CREATE INDEX saga_by_number ON saga (number);

CREATE TABLE saga_attempt (
  saga_id TEXT NOT NULL REFERENCES saga (id),
  number INTEGER NOT NULL,
  round INTEGER NOT NULL DEFAULT 1,
  step TEXT NOT NULL,
  direction TEXT NOT NULL CHECK (direction IN ('do', 'undo')),
  attempt INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  error TEXT,
  PRIMARY KEY (saga_id, number)
) STRICT, WITHOUT ROWID;

ALTER TABLE migration ADD COLUMN group_id TEXT NOT NULL DEFAULT '';
ALTER TABLE migration ADD COLUMN operation TEXT;
UPDATE migration SET group_id = id;
CREATE INDEX migration_by_group ON migration (group_id);
CREATE INDEX migration_by_operation ON migration (operation);

INSERT INTO saga (id, kind, state, step, cancel_requested, cancelled, error, created_at, revision, number)
  SELECT id, 'migration',
    CASE state WHEN 'running' THEN 'running' WHEN 'undoing' THEN 'undoing'
      WHEN 'failed' THEN 'undone' WHEN 'cancelled' THEN 'undone' ELSE 'done' END,
    CASE WHEN step IN ('DRAIN', 'RETIRE') THEN 'SWITCH' ELSE step END,
    cancel_requested, CASE error_code WHEN 'MIGRATION_CANCELLED' THEN 1 ELSE 0 END, error_detail,
    created_at, 1, number
  FROM migration;
INSERT INTO saga_attempt (saga_id, number, step, direction, attempt, started_at, ended_at, error)
  SELECT migration_id, number, step, direction, attempt, started_at, ended_at, error
  FROM migration_attempt WHERE step NOT IN ('DRAIN', 'RETIRE');
INSERT INTO saga (id, kind, state, step, created_at, revision, number)
  SELECT id || '.retirement', 'retirement', CASE state WHEN 'done' THEN 'done' ELSE 'running' END,
    CASE step WHEN 'RETIRE' THEN 'RETIRE' ELSE 'DRAIN' END, coalesce(switched_at, created_at), 1, number
  FROM migration WHERE state IN ('switched', 'done');
INSERT INTO saga_attempt (saga_id, number, step, direction, attempt, started_at, ended_at, error)
  SELECT migration_id || '.retirement', number, step, direction, attempt, started_at, ended_at, error
  FROM migration_attempt WHERE step IN ('DRAIN', 'RETIRE');

DROP TABLE migration_attempt;
ALTER TABLE migration DROP COLUMN step;
ALTER TABLE migration DROP COLUMN cancel_requested;
