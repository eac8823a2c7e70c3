-- What the management layer says of clusters, tenants and topics, who may do what, and who did.

ALTER TABLE cluster ADD COLUMN tier TEXT NOT NULL DEFAULT 'shared';
ALTER TABLE cluster ADD COLUMN dedicated_to TEXT;
ALTER TABLE cluster ADD COLUMN labels TEXT NOT NULL DEFAULT '{}'; -- JSON
ALTER TABLE cluster ADD COLUMN bytes_in_max INTEGER;
ALTER TABLE cluster ADD COLUMN bytes_out_max INTEGER;
ALTER TABLE cluster ADD COLUMN state TEXT NOT NULL DEFAULT 'active';
ALTER TABLE cluster ADD COLUMN security TEXT; -- JSON, with references to secrets; NULL: plaintext

CREATE TABLE sla (
  name TEXT PRIMARY KEY,
  spec TEXT NOT NULL -- JSON, but for the name
) STRICT;

ALTER TABLE tenant ADD COLUMN description TEXT;
ALTER TABLE tenant ADD COLUMN standby_home TEXT REFERENCES cluster (name);
ALTER TABLE tenant ADD COLUMN quotas TEXT NOT NULL DEFAULT '{}'; -- JSON; what is absent has no limit
ALTER TABLE tenant ADD COLUMN policy TEXT NOT NULL DEFAULT '{}'; -- JSON; what is absent is free

-- Asked with every request: which tenants does this principal own?
CREATE TABLE tenant_principal (
  tenant TEXT NOT NULL REFERENCES tenant (name),
  kind TEXT NOT NULL CHECK (kind IN ('owner', 'approver')),
  position INTEGER NOT NULL, -- as they were listed
  principal TEXT NOT NULL,
  PRIMARY KEY (tenant, kind, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX tenant_principal_by_name ON tenant_principal (principal);

ALTER TABLE topic ADD COLUMN sla TEXT;
ALTER TABLE topic ADD COLUMN pinned_to TEXT;
ALTER TABLE topic ADD COLUMN replication_factor INTEGER; -- as asked for
ALTER TABLE topic ADD COLUMN replicas INTEGER NOT NULL DEFAULT 3; -- as it was made
ALTER TABLE topic ADD COLUMN configs TEXT NOT NULL DEFAULT '{}'; -- JSON, as asked for
ALTER TABLE topic ADD COLUMN wanted_partitions INTEGER; -- NULL: as many as there are
ALTER TABLE topic ADD COLUMN expected_bytes_in INTEGER NOT NULL DEFAULT 0; -- per second
ALTER TABLE topic ADD COLUMN expected_readers INTEGER NOT NULL DEFAULT 1;
ALTER TABLE topic ADD COLUMN owner TEXT;
ALTER TABLE topic ADD COLUMN contact TEXT;
ALTER TABLE topic ADD COLUMN standby TEXT;
ALTER TABLE topic ADD COLUMN placement_reasons TEXT; -- JSON; NULL: nobody asked placement
ALTER TABLE topic ADD COLUMN drift TEXT NOT NULL DEFAULT '[]'; -- JSON, as last seen
CREATE INDEX topic_by_sla ON topic (sla);

-- What a token says is given out once; here is its hash.
CREATE TABLE token (
  id TEXT PRIMARY KEY,
  secret_sha256 TEXT NOT NULL, -- hex
  principal TEXT NOT NULL,
  role TEXT NOT NULL,
  tenant TEXT, -- that of an owner exists for as long as the token
  created_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER
) STRICT;

-- Only ever added to.
CREATE TABLE audit (
  number INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  principal TEXT NOT NULL,
  role TEXT NOT NULL,
  source TEXT NOT NULL, -- the address that asked
  action TEXT NOT NULL,
  tenant TEXT,
  what TEXT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('done', 'refused')),
  code TEXT,
  diff TEXT NOT NULL -- JSON
) STRICT;
CREATE INDEX audit_by_tenant ON audit (tenant, number);
CREATE INDEX audit_by_principal ON audit (principal, number);

-- Answers to requests with an Idempotency-Key, kept to be given again.
CREATE TABLE idempotency (
  id TEXT PRIMARY KEY, -- of principal and key: a hash
  request TEXT NOT NULL, -- of method, path and body: a hash
  at INTEGER NOT NULL,
  status INTEGER, -- NULL until it is answered
  answer TEXT -- JSON; NULL where it is empty, or not to be kept
) STRICT;
CREATE INDEX idempotency_by_time ON idempotency (at);
