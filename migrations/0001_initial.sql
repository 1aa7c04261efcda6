-- Instants are milliseconds since 1970 in UTC, counts are canonical decimal text, flags are 0 or 1.
-- A word that a CHECK lists is the raw value of a Swift enum of the Store.

CREATE TABLE data_key (
    -- One data key a database.
    singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
    id TEXT NOT NULL,
    wrapped BLOB NOT NULL,
    check_value BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- Written by the readiness check, which must reach the disk.
CREATE TABLE write_check (
    singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
    counter INTEGER NOT NULL
) STRICT;

INSERT INTO write_check (singleton, counter) VALUES (1, 0);

-- Who uses the service ---------------------------------------------------------------------------------------------

CREATE TABLE partner (
    id TEXT NOT NULL PRIMARY KEY,
    vendor_reference TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE connection (
    partner_id TEXT NOT NULL PRIMARY KEY REFERENCES partner (id),
    state TEXT NOT NULL CHECK (state IN ('notConnected', 'connected', 'needsNewKey', 'disabled')),
    state_since INTEGER NOT NULL,
    state_reason TEXT,
    partner_key BLOB,
    key_last_four TEXT,
    key_saved_at INTEGER,
    key_version INTEGER NOT NULL CHECK (key_version >= 0),
    organization_id TEXT,
    organization_name TEXT,
    reported_status TEXT,
    status_read_at INTEGER,
    mapping_lost_at INTEGER,
    CONSTRAINT connection_has_key_unless_not_connected CHECK ((state = 'notConnected') = (partner_key IS NULL)),
    CONSTRAINT connection_key_has_last_four CHECK ((partner_key IS NULL) = (key_last_four IS NULL)),
    CONSTRAINT connection_key_has_saved_at CHECK ((partner_key IS NULL) = (key_saved_at IS NULL)),
    CONSTRAINT connection_status_has_read_at CHECK (reported_status IS NULL OR status_read_at IS NOT NULL)
) STRICT, WITHOUT ROWID;

CREATE TABLE vendor_credential (
    partner_id TEXT NOT NULL PRIMARY KEY REFERENCES partner (id),
    connector_id TEXT NOT NULL,
    open_fields TEXT NOT NULL CHECK (json_valid(open_fields)),
    sealed_fields BLOB NOT NULL,
    saved_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE schedule (
    partner_id TEXT NOT NULL PRIMARY KEY REFERENCES partner (id),
    cadence TEXT NOT NULL CHECK (cadence IN ('daily', 'weekly', 'monthly')),
    weekday INTEGER NOT NULL CHECK (weekday BETWEEN 1 AND 7),
    day_of_month INTEGER NOT NULL CHECK (day_of_month BETWEEN 1 AND 31),
    minute_of_day INTEGER NOT NULL CHECK (minute_of_day BETWEEN 0 AND 1439),
    is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    next_run_at INTEGER,
    CONSTRAINT schedule_has_next_run_exactly_when_active CHECK ((is_active = 1) = (next_run_at IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX schedule_due ON schedule (next_run_at) WHERE next_run_at IS NOT NULL;

-- What Synthesize was last seen to hold ----------------------------------------------------------------------------

CREATE TABLE account (
    partner_id TEXT NOT NULL REFERENCES partner (id),
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    is_mapped INTEGER CHECK (is_mapped IN (0, 1)),
    last_seen_at INTEGER NOT NULL,
    PRIMARY KEY (partner_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE service (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    category TEXT NOT NULL,
    subcategory TEXT NOT NULL,
    is_overridden INTEGER NOT NULL CHECK (is_overridden IN (0, 1)),
    -- Set when an operator renamed it: the name by which the connector's catalogue still means it.
    catalogue_name TEXT,
    last_seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Runs and their ledger --------------------------------------------------------------------------------------------

CREATE TABLE sync_run (
    -- The order of insertion, and the short key of a run in the tables with many rows.
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    partner_id TEXT NOT NULL REFERENCES partner (id),
    purpose TEXT NOT NULL CHECK (purpose IN ('connect', 'usage', 'zeros')),
    trigger_kind TEXT NOT NULL CHECK (trigger_kind IN ('partner', 'schedule', 'operator', 'commandLine')),
    started_by TEXT,
    state TEXT NOT NULL
        CHECK (state IN ('queued', 'running', 'succeeded', 'partial', 'failed', 'cancelled', 'held')),
    stage TEXT NOT NULL CHECK (stage IN ('verify', 'fetch', 'accounts', 'services', 'usage', 'finish')),
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    failure_code TEXT,
    failure_message TEXT,
    -- Counts of the run's usage lines by state, changed in the transaction that changes the lines.
    tally_accepted INTEGER NOT NULL CHECK (tally_accepted >= 0),
    tally_not_mapped INTEGER NOT NULL CHECK (tally_not_mapped >= 0),
    tally_rejected INTEGER NOT NULL CHECK (tally_rejected >= 0),
    tally_failed INTEGER NOT NULL CHECK (tally_failed >= 0),
    tally_excluded INTEGER NOT NULL CHECK (tally_excluded >= 0),
    tally_dropped_to_zero INTEGER NOT NULL CHECK (tally_dropped_to_zero >= 0),
    tally_not_sent INTEGER NOT NULL CHECK (tally_not_sent >= 0),
    tally_open INTEGER NOT NULL CHECK (tally_open >= 0),
    findings TEXT NOT NULL CHECK (json_valid(findings)),
    cancel_requested INTEGER NOT NULL CHECK (cancel_requested IN (0, 1)),
    lease_owner TEXT,
    lease_expires_at INTEGER,
    interruptions INTEGER NOT NULL CHECK (interruptions >= 0),
    interrupted_at TEXT,
    CONSTRAINT sync_run_has_finished_at_exactly_when_not_active
        CHECK ((finished_at IS NULL) = (state IN ('queued', 'running'))),
    CONSTRAINT sync_run_has_started_at_when_running CHECK (state <> 'running' OR started_at IS NOT NULL),
    CONSTRAINT sync_run_has_lease_exactly_when_running CHECK ((lease_owner IS NOT NULL) = (state = 'running')),
    CONSTRAINT sync_run_lease_has_owner_and_end CHECK ((lease_owner IS NULL) = (lease_expires_at IS NULL)),
    CONSTRAINT sync_run_failure_has_code_and_message CHECK ((failure_code IS NULL) = (failure_message IS NULL)),
    CONSTRAINT sync_run_interruption_has_place CHECK (interruptions = 0 OR interrupted_at IS NOT NULL)
) STRICT;

CREATE UNIQUE INDEX sync_run_one_active_a_partner ON sync_run (partner_id) WHERE finished_at IS NULL;
CREATE INDEX sync_run_active ON sync_run (created_at) WHERE finished_at IS NULL;
CREATE INDEX sync_run_history ON sync_run (partner_id, created_at);
CREATE INDEX sync_run_counted ON sync_run (partner_id, created_at)
    WHERE purpose = 'usage' AND tally_accepted > 0 AND finished_at IS NOT NULL;

CREATE TABLE usage_line (
    run INTEGER NOT NULL REFERENCES sync_run (sequence),
    position INTEGER NOT NULL CHECK (position >= 0),
    account_id TEXT NOT NULL,
    account_name TEXT NOT NULL,
    service_id TEXT NOT NULL,
    service_name TEXT NOT NULL,
    raw_count TEXT NOT NULL CHECK (raw_count GLOB '*[0-9]' AND raw_count NOT GLOB '*[^0-9.-]*'),
    sent_count TEXT CHECK (sent_count GLOB '*[0-9]' AND sent_count NOT GLOB '*[^0-9.-]*'),
    state TEXT NOT NULL
        CHECK (state IN ('excluded', 'droppedToZero', 'planned', 'sending', 'accepted', 'notMapped', 'rejected',
            'failed', 'notSent')),
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    http_status INTEGER,
    message TEXT,
    intent_at INTEGER,
    outcome_at INTEGER,
    PRIMARY KEY (run, position),
    CONSTRAINT usage_line_has_sent_count_exactly_when_to_send
        CHECK ((sent_count IS NULL) = (state IN ('excluded', 'droppedToZero'))),
    CONSTRAINT usage_line_has_intent_once_sent
        CHECK (intent_at IS NOT NULL OR state IN ('excluded', 'droppedToZero', 'planned', 'notSent')),
    CONSTRAINT usage_line_has_outcome_exactly_when_settled
        CHECK ((outcome_at IS NOT NULL) = (state IN ('accepted', 'notMapped', 'rejected', 'failed')))
) STRICT, WITHOUT ROWID;

CREATE INDEX usage_line_by_state ON usage_line (run, state, position);

CREATE TABLE last_count (
    partner_id TEXT NOT NULL REFERENCES partner (id),
    account_id TEXT NOT NULL,
    service_id TEXT NOT NULL,
    account_name TEXT NOT NULL,
    service_name TEXT NOT NULL,
    count TEXT NOT NULL CHECK (count GLOB '*[0-9]' AND count NOT GLOB '*[^0-9.-]*'),
    run INTEGER NOT NULL REFERENCES sync_run (sequence),
    accepted_at INTEGER NOT NULL,
    PRIMARY KEY (partner_id, account_id, service_id)
) STRICT, WITHOUT ROWID;

-- Sums of accepted counts, made when a usage run finishes: the chart never reads the ledger.
CREATE TABLE service_total (
    run INTEGER NOT NULL REFERENCES sync_run (sequence),
    service_name TEXT NOT NULL,
    total TEXT NOT NULL CHECK (total GLOB '*[0-9]' AND total NOT GLOB '*[^0-9.-]*'),
    PRIMARY KEY (run, service_name)
) STRICT, WITHOUT ROWID;

-- The alert outbox -------------------------------------------------------------------------------------------------

CREATE TABLE alert (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    partner_id TEXT NOT NULL REFERENCES partner (id),
    account_id TEXT NOT NULL,
    alert_id TEXT NOT NULL,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    priority INTEGER NOT NULL CHECK (priority BETWEEN 1 AND 4),
    status_code INTEGER NOT NULL CHECK (status_code BETWEEN 1 AND 6),
    is_test INTEGER NOT NULL CHECK (is_test IN (0, 1)),
    state TEXT NOT NULL
        CHECK (state IN ('queued', 'sending', 'unknown', 'accepted', 'delivered', 'notMapped', 'failed', 'overdue')),
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    next_action_at INTEGER,
    message_id TEXT,
    ticket_id TEXT,
    errors TEXT NOT NULL CHECK (json_valid(errors)),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CONSTRAINT alert_has_next_action_exactly_when_not_final
        CHECK ((next_action_at IS NOT NULL) = (state IN ('queued', 'sending', 'accepted')))
) STRICT;

CREATE UNIQUE INDEX alert_one_a_partner_and_alert_id ON alert (partner_id, alert_id);
CREATE INDEX alert_history ON alert (partner_id, created_at);
CREATE INDEX alert_due ON alert (next_action_at) WHERE next_action_at IS NOT NULL;

-- Access -----------------------------------------------------------------------------------------------------------

CREATE TABLE operator_key (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    hash TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE web_session (
    token_hash TEXT NOT NULL PRIMARY KEY,
    partner_id TEXT REFERENCES partner (id),
    operator_key_id TEXT REFERENCES operator_key (id),
    csrf_token TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    CONSTRAINT web_session_has_one_subject CHECK ((partner_id IS NULL) <> (operator_key_id IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX web_session_expiry ON web_session (expires_at);

CREATE TABLE launch_nonce (
    nonce TEXT NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX launch_nonce_expiry ON launch_nonce (expires_at);

CREATE TABLE launch_link (
    token_hash TEXT NOT NULL PRIMARY KEY,
    partner_id TEXT NOT NULL REFERENCES partner (id),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX launch_link_expiry ON launch_link (expires_at);

-- No reference to partner: the trail outlives what it tells of.
CREATE TABLE audit_entry (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    partner_id TEXT,
    address TEXT,
    details TEXT NOT NULL
) STRICT;

CREATE INDEX audit_entry_by_partner ON audit_entry (partner_id, sequence);

CREATE TRIGGER audit_entry_is_never_changed BEFORE UPDATE ON audit_entry
BEGIN
    SELECT RAISE(ABORT, 'audit entries are never changed');
END;

CREATE TRIGGER audit_entry_is_never_removed BEFORE DELETE ON audit_entry
BEGIN
    SELECT RAISE(ABORT, 'audit entries are never removed');
END;

-- An INSERT OR REPLACE removes a row without a DELETE trigger.
CREATE TRIGGER audit_entry_is_never_replaced BEFORE INSERT ON audit_entry
WHEN EXISTS (SELECT 1 FROM audit_entry WHERE sequence = NEW.sequence)
BEGIN
    SELECT RAISE(ABORT, 'audit entries are never replaced');
END;
