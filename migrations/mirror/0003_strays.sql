-- Whether a parked message is no row of this store's central at all: of another store, or in the wrong feed. No row is
-- missing for it, so that it explains no difference from central's digest.
ALTER TABLE parked ADD COLUMN stray INTEGER NOT NULL DEFAULT 0 CHECK (stray IN (0, 1));
