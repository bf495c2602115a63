-- Who accepted an order: whoever comes too late is told.
ALTER TABLE orders ADD COLUMN accepted_by TEXT;
ALTER TABLE orders ADD COLUMN accepted_at INTEGER;
