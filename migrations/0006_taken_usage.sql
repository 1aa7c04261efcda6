-- Which usage that was handed in a sync took, so that no later one goes back to older usage: a file that is removed from the watched
-- folder leaves an older push or upload behind.

-- All three are null where the vendor was asked, and until the run's lines are planned.
ALTER TABLE sync_run ADD COLUMN usage_origin TEXT CHECK (usage_origin IN ('push', 'upload', 'file'));
-- A file's name; the id of what was pushed or uploaded.
ALTER TABLE sync_run ADD COLUMN usage_name TEXT CHECK ((usage_name IS NULL) = (usage_origin IS NULL));
-- When the file was written, or the delivery arrived.
ALTER TABLE sync_run ADD COLUMN usage_counts_from INTEGER CHECK ((usage_counts_from IS NULL) = (usage_origin IS NULL));

CREATE INDEX sync_run_with_usage ON sync_run (partner_id, created_at) WHERE usage_origin IS NOT NULL;
