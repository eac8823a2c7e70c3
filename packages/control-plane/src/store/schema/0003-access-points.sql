CREATE TABLE access_point (
  id TEXT PRIMARY KEY,
  number INTEGER NOT NULL UNIQUE, -- for ever
  bootstrap TEXT NOT NULL,
  listeners TEXT NOT NULL, -- JSON: cluster -> host:port
  present INTEGER NOT NULL -- in the routes
) STRICT;
