-- The last changes of the routes, for readers that were away and for other control planes. As many as one keeps.
CREATE TABLE route_delta (
  version INTEGER PRIMARY KEY, -- the route version that it leads to
  delta TEXT NOT NULL -- JSON
) STRICT;

-- The control plane that writes: the others forward to it.
CREATE TABLE leader (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  id TEXT NOT NULL, -- of the process
  url TEXT NOT NULL,
  term INTEGER NOT NULL, -- one more with each leader
  since INTEGER NOT NULL
) STRICT;

-- The order in which they were started; 0 for those from before this file.
ALTER TABLE migration ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
CREATE INDEX migration_by_number ON migration (number);
