-- Clusters that are lost and that return, and what monitors found.
ALTER TABLE cluster ADD COLUMN fenced INTEGER NOT NULL DEFAULT 0; -- topics that fail over are not written there

-- What access points know of the topic's class, and where commits are mirrored to.
ALTER TABLE topic ADD COLUMN failover TEXT NOT NULL DEFAULT 'none';
ALTER TABLE topic ADD COLUMN standby_home_topic TEXT;

-- JSON; of a loglet whose cluster was given up. Its `ends` may be NULL though it is not the last.
ALTER TABLE loglet ADD COLUMN away TEXT;
ALTER TABLE loglet ADD COLUMN holes TEXT; -- JSON: batches that are no part of it, by partition

-- Physical topics on standby homes, under whose names commits are mirrored. In the routes from when they are filled.
CREATE TABLE standby_home_topic (
  topic_id TEXT PRIMARY KEY,
  cluster TEXT NOT NULL,
  topic TEXT NOT NULL,
  filled INTEGER NOT NULL DEFAULT 0 -- what groups had committed before they were mirrored is there
) STRICT;

-- Failovers and returns: their steps are sagas of the same id.
CREATE TABLE failover (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('failover', 'return')),
  cluster TEXT NOT NULL,
  requested_by TEXT NOT NULL, -- `automatic`: the failure detector
  reason TEXT NOT NULL,
  votes TEXT NOT NULL, -- JSON, as they were when it was decided
  options TEXT NOT NULL DEFAULT '{}', -- JSON, by kind
  state TEXT NOT NULL CHECK (state IN ('running', 'undoing', 'done', 'failed', 'cancelled')),
  homes TEXT NOT NULL DEFAULT '[]', -- JSON: tenants whose groups go on elsewhere
  fence_ms REAL,
  switch_ms REAL, -- from the decision to the switch
  switched_at INTEGER,
  route_version INTEGER,
  error_code TEXT,
  error_detail TEXT,
  created_at INTEGER NOT NULL,
  ended_at INTEGER,
  revision INTEGER NOT NULL,
  number INTEGER NOT NULL -- the order in which they began
) STRICT;
CREATE INDEX failover_by_number ON failover (number);
CREATE INDEX failover_by_cluster ON failover (cluster, number);
-- One at a time of a cluster, whatever the code thinks.
CREATE UNIQUE INDEX failover_underway ON failover (cluster) WHERE state IN ('running', 'undoing');

-- What it does with each topic; of a return, with each loglet that returns.
CREATE TABLE failover_topic (
  failover TEXT NOT NULL REFERENCES failover (id),
  number INTEGER NOT NULL,
  topic_id TEXT NOT NULL, -- of a topic that may be deleted meanwhile
  tenant TEXT NOT NULL,
  topic TEXT NOT NULL,
  policy TEXT NOT NULL,
  from_cluster TEXT NOT NULL,
  from_topic TEXT NOT NULL,
  to_cluster TEXT, -- NULL: it stays and waits
  to_topic TEXT,
  reason TEXT NOT NULL,
  known_ends TEXT, -- JSON: decimal logical offsets by partition; NULL: nobody knew
  known_at INTEGER, -- when they were so
  base TEXT, -- decimal: where the next loglet begins
  positions TEXT, -- JSON, of `available`: the lowest committed offset by partition, null where no group has any; NULL: unknown
  ends TEXT, -- JSON, of a return: the final physical cuts
  found TEXT, -- JSON, of a return: cuts, and batches that stand twice
  recovery TEXT, -- JSON, of a return: how many records were found, left out and copied
  PRIMARY KEY (failover, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX failover_topic_by_topic ON failover_topic (topic_id, failover);

-- The off switch and the limits.
CREATE TABLE failover_settings (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  settings TEXT NOT NULL -- JSON
) STRICT;

CREATE TABLE monitor_event (
  number INTEGER PRIMARY KEY,
  monitor TEXT NOT NULL,
  id TEXT NOT NULL,
  event TEXT NOT NULL, -- JSON
  UNIQUE (monitor, id)
) STRICT;
