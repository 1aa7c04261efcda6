-- Rows that let somebody in carry a proof that Perch wrote them: HMAC-SHA256 over what they say, under a key that the master key wraps
-- with each data key. Empty in a row from before, until the first start with this schema has proven what it finds, once.

ALTER TABLE partner ADD COLUMN proof TEXT NOT NULL DEFAULT '';
ALTER TABLE operator_key ADD COLUMN proof TEXT NOT NULL DEFAULT '';

-- Sign-ins and links of an older schema end with it: they have no proof, and their form tokens stood here in the clear.
DROP TABLE web_session;

CREATE TABLE web_session (
    token_hash TEXT NOT NULL PRIMARY KEY,
    partner_id TEXT REFERENCES partner (id),
    operator_key_id TEXT REFERENCES operator_key (id),
    -- The operator key whose launch link opened it; it ends with that key.
    launched_by TEXT REFERENCES operator_key (id),
    -- 0: a partner's user who may only look.
    may_change INTEGER NOT NULL CHECK (may_change IN (0, 1)),
    created_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    proof TEXT NOT NULL,
    CONSTRAINT web_session_has_one_subject CHECK ((partner_id IS NULL) <> (operator_key_id IS NULL)),
    CONSTRAINT web_session_launched_is_a_partners CHECK (launched_by IS NULL OR partner_id IS NOT NULL)
) STRICT, WITHOUT ROWID;

CREATE INDEX web_session_expiry ON web_session (expires_at);

DROP TABLE launch_link;

CREATE TABLE launch_link (
    token_hash TEXT NOT NULL PRIMARY KEY,
    partner_id TEXT NOT NULL REFERENCES partner (id),
    -- The operator key that made it; it ends with that key.
    made_by TEXT REFERENCES operator_key (id),
    expires_at INTEGER NOT NULL,
    proof TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX launch_link_expiry ON launch_link (expires_at);
