-- What a desk needs to notice a copy of itself: the change that was taken under the number before the expected one,
-- and whether one number was used for two changes.
ALTER TABLE numbering ADD COLUMN last TEXT;
ALTER TABLE numbering ADD COLUMN forked INTEGER NOT NULL DEFAULT 0 CHECK (forked IN (0, 1));

-- Feeds that are filled again from their beginning: for a history that is another one, and for a cluster that has lost
-- its topics. While one is, its digest waits.
CREATE TABLE refills (
    store_id INTEGER NOT NULL,
    lane     TEXT NOT NULL CHECK (lane IN ('orders', 'catalog')),
    after    INTEGER NOT NULL, -- the last row that was sent; 0 before the first
    PRIMARY KEY (store_id, lane)
) STRICT, WITHOUT ROWID;
