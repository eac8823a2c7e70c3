-- What is where. Everything that the route table is made from; `route_version` changes with each of it,
-- in the same transaction.

CREATE TABLE store (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  -- Tells the deltas of this store from those of any other.
  id TEXT NOT NULL,
  route_version INTEGER NOT NULL,
  -- Numbers are part of node ids that clients remember, so none is ever given twice.
  last_cluster_number INTEGER NOT NULL,
  last_access_point_number INTEGER NOT NULL
) STRICT;

CREATE TABLE cluster (
  name TEXT PRIMARY KEY,
  number INTEGER NOT NULL UNIQUE,
  bootstrap TEXT NOT NULL, -- JSON: host:port each
  cluster_id TEXT NOT NULL UNIQUE,
  partitions_max INTEGER,
  registered_at INTEGER NOT NULL -- all moments: ms since 1970
) STRICT;

CREATE TABLE tenant (
  name TEXT PRIMARY KEY,
  home TEXT NOT NULL REFERENCES cluster (name)
) STRICT;

CREATE TABLE topic (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL REFERENCES tenant (name),
  name TEXT NOT NULL,
  partitions INTEGER NOT NULL,
  max_message_bytes INTEGER NOT NULL,
  home_topic TEXT NOT NULL,
  prepared_cluster TEXT REFERENCES cluster (name),
  prepared_topic TEXT,
  created_at INTEGER NOT NULL,
  UNIQUE (tenant, name)
) STRICT;

-- One loglet of every partition. Offsets are columns: JSON, one decimal string when all partitions are equal,
-- else an array of them. So the switch of a topic is one row changed and one row added.
CREATE TABLE loglet (
  topic_id TEXT NOT NULL REFERENCES topic (id),
  position INTEGER NOT NULL, -- ascending along the chain; those of retired loglets are not used again
  cluster TEXT NOT NULL REFERENCES cluster (name),
  topic TEXT NOT NULL,
  starts TEXT NOT NULL,
  bases TEXT NOT NULL,
  ends TEXT, -- the cuts; NULL while open
  PRIMARY KEY (topic_id, position),
  UNIQUE (cluster, topic) -- no physical topic is ever in two chains, or twice in one
) STRICT, WITHOUT ROWID;

-- Physical topics that may exist and that no route names: recorded before they are made, and in the transaction
-- that takes them out of the routes. They are deleted in the background until that has worked.
CREATE TABLE leftover (
  cluster TEXT NOT NULL REFERENCES cluster (name),
  topic TEXT NOT NULL,
  recorded_at INTEGER NOT NULL,
  PRIMARY KEY (cluster, topic)
) STRICT, WITHOUT ROWID;
