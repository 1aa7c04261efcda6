-- What a count counts, by the connector's name and version of it. A line refers to its basis by a small integer: 2 bytes a line of
-- about 147 on disk, where the words would be 16 and more.

CREATE TABLE count_basis (
    id INTEGER PRIMARY KEY,
    connector_id TEXT NOT NULL CHECK (connector_id <> ''),
    name TEXT NOT NULL CHECK (name <> ''),
    version INTEGER NOT NULL CHECK (version >= 1),
    UNIQUE (connector_id, name, version)
) STRICT;

CREATE TRIGGER count_basis_is_never_changed BEFORE UPDATE ON count_basis
BEGIN
    SELECT RAISE(ABORT, 'a count basis is never changed: a new version gets a row of its own');
END;

-- Null for lines written before there was a basis, and for those of a service that the connector no longer has.
ALTER TABLE usage_line ADD COLUMN basis INTEGER REFERENCES count_basis (id);
