-- Rows that waited when a worker took a partition over that had not been given back: whoever had it may have handed them
-- over, and what it handed over may still be written, behind newer rows of the same keys. Once that is over, the newest are
-- sent once more.
CREATE TABLE suspects (
    store_id INTEGER NOT NULL,
    lane     TEXT    NOT NULL CHECK (lane IN ('orders', 'catalog')),
    first    INTEGER NOT NULL, -- rows of feed_outbox
    last     INTEGER NOT NULL,
    due      INTEGER NOT NULL,
    PRIMARY KEY (store_id, lane, first)
) STRICT, WITHOUT ROWID;
