-- Usage that is handed in instead of asked for: pushed by the vendor's own systems, or uploaded by an operator.

-- One row a delivery. The content is kept of a partner's newest alone; of the others what tells a repeated delivery from a new one.
CREATE TABLE usage_delivery (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    partner_id TEXT NOT NULL REFERENCES partner (id),
    channel TEXT NOT NULL CHECK (channel IN ('push', 'upload')),
    idempotency_key TEXT CHECK (length(idempotency_key) BETWEEN 1 AND 255),
    sha256 TEXT NOT NULL CHECK (length(sha256) = 64 AND sha256 NOT GLOB '*[^0-9a-f]*'),
    size INTEGER NOT NULL CHECK (size > 0),
    accounts INTEGER NOT NULL CHECK (accounts > 0),
    counts INTEGER NOT NULL CHECK (counts >= 0),
    received_at INTEGER NOT NULL,
    received_from TEXT NOT NULL,
    -- Null when a run was under way already, or the partner was not connected.
    started_run TEXT REFERENCES sync_run (id),
    content BLOB,
    CONSTRAINT usage_delivery_content_has_its_size CHECK (content IS NULL OR length(content) = size),
    CONSTRAINT usage_delivery_push_has_key CHECK (channel <> 'push' OR idempotency_key IS NOT NULL)
) STRICT;

CREATE UNIQUE INDEX usage_delivery_one_a_key ON usage_delivery (partner_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE UNIQUE INDEX usage_delivery_one_content_a_partner ON usage_delivery (partner_id) WHERE content IS NOT NULL;
CREATE INDEX usage_delivery_by_age ON usage_delivery (partner_id, received_at);
