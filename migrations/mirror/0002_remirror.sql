-- A feed that is mirrored anew, in place: every row that it has is noted, and once that is all that central has, what
-- was not seen is swept.

-- One row a lane, while it is.
CREATE TABLE remirrors (
    lane      TEXT    PRIMARY KEY CHECK (lane IN ('orders', 'catalog')),
    why       TEXT    NOT NULL,
    since     INTEGER NOT NULL,
    phase     TEXT    NOT NULL
        CHECK (phase IN ('reading', 'taking', 'waiting', 'putting_back', 'sweeping', 'clearing')),
    cluster   TEXT,                 -- NULL until the feed was opened
    read_to   INTEGER,              -- its end then
    epoch     TEXT,                 -- whose rows are noted
    count     INTEGER NOT NULL,     -- over the rows that are noted
    sum       INTEGER NOT NULL,     -- 64 bits, read as unsigned
    unread    INTEGER NOT NULL,     -- noted rows that could not be read
    agreed    INTEGER NOT NULL CHECK (agreed IN (0, 1)),   -- with central's digest, at some place of this reading
    after     INTEGER NOT NULL,     -- the last row of a phase that goes in steps
    put_back  INTEGER NOT NULL,
    swept     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The last version of each row that the feed has. The store is number 0.
CREATE TABLE seen (
    lane     TEXT    NOT NULL,
    id       INTEGER NOT NULL,
    version  INTEGER,               -- NULL where it could not be read
    row      TEXT,                  -- JSON, where the mirror has another one
    PRIMARY KEY (lane, id)
) STRICT, WITHOUT ROWID;

-- Central's clock when it acknowledged: kept changes are forgotten by it.
ALTER TABLE outbox ADD COLUMN central_at INTEGER;

-- How many of the numbers that were given belong to changes that were forgotten since.
ALTER TABLE numbering ADD COLUMN pruned INTEGER NOT NULL DEFAULT 0;
