-- Self-service: wishes for topics, and what became of them.

CREATE TABLE topic_request (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  topic TEXT NOT NULL, -- JSON: as it was asked for, with its defaults
  why TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'granted', 'fulfilled', 'failed', 'denied', 'withdrawn')),
  waits_for TEXT NOT NULL, -- JSON: sentences
  created_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  decided_by TEXT,
  decided_at INTEGER,
  decision_reason TEXT,
  placement TEXT, -- JSON
  error_code TEXT,
  error_detail TEXT,
  revision INTEGER NOT NULL,
  number INTEGER NOT NULL
) STRICT;
CREATE INDEX topic_request_by_number ON topic_request (number);
CREATE INDEX topic_request_by_tenant ON topic_request (tenant, number);
CREATE INDEX topic_request_by_state ON topic_request (state);
