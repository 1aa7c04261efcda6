-- Lines of old runs leave the ledger; the run stays, with its counts by state and its totals by service.

-- When the first of the run's lines were removed; null while all of them are there.
ALTER TABLE sync_run ADD COLUMN lines_removed_at INTEGER;

-- 0 once no line of the run is left, so that removing never looks at it again.
ALTER TABLE sync_run ADD COLUMN may_have_lines INTEGER NOT NULL DEFAULT 1 CHECK (may_have_lines IN (0, 1));

-- Changed when a run ends and when its lines are removed, never while it sends.
CREATE INDEX sync_run_with_lines ON sync_run (finished_at) WHERE may_have_lines = 1 AND finished_at IS NOT NULL;
