-- Access and keys: the audit trail is chained, data keys can be rotated, operator keys expire, a partner's viewer may only look.

-- SHA-256 over the hash of the entry before and all that this one says. Null only in entries from before the chain, until the
-- first start with this schema has chained them.
ALTER TABLE audit_entry ADD COLUMN hash TEXT;

DROP TRIGGER audit_entry_is_never_changed;

CREATE TRIGGER audit_entry_is_never_changed BEFORE UPDATE ON audit_entry
WHEN OLD.hash IS NOT NULL OR NEW.hash IS NULL OR NEW.sequence IS NOT OLD.sequence OR NEW.at IS NOT OLD.at
    OR NEW.actor IS NOT OLD.actor OR NEW.action IS NOT OLD.action OR NEW.partner_id IS NOT OLD.partner_id
    OR NEW.address IS NOT OLD.address OR NEW.details IS NOT OLD.details
BEGIN
    SELECT RAISE(ABORT, 'audit entries are never changed');
END;

CREATE TRIGGER audit_entry_is_chained BEFORE INSERT ON audit_entry
WHEN NEW.hash IS NULL
BEGIN
    SELECT RAISE(ABORT, 'an audit entry has the hash that chains it');
END;

-- Several data keys while one takes the other's place.
CREATE TABLE data_key_new (
    id TEXT NOT NULL PRIMARY KEY,
    wrapped BLOB NOT NULL,
    check_value BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    -- Set when a newer key took its place; it still opens what it sealed.
    retired_at INTEGER
) STRICT, WITHOUT ROWID;

INSERT INTO data_key_new (id, wrapped, check_value, created_at) SELECT id, wrapped, check_value, created_at FROM data_key;
DROP TABLE data_key;
ALTER TABLE data_key_new RENAME TO data_key;

CREATE UNIQUE INDEX data_key_one_that_seals ON data_key ((retired_at IS NULL)) WHERE retired_at IS NULL;

-- Secrets of the installation itself, sealed like those of partners.
CREATE TABLE sealed_setting (
    name TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

ALTER TABLE operator_key ADD COLUMN expires_at INTEGER;

-- 0: a partner's user who may only look.
ALTER TABLE web_session ADD COLUMN may_change INTEGER NOT NULL DEFAULT 1 CHECK (may_change IN (0, 1));
