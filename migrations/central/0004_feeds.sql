-- What one desk was refused, for a desk that mirrors another history: without walking through all that was ever applied.
CREATE INDEX refusals_by_desk ON dedup (desk_id, at) WHERE outcome = 'refused' AND forgotten = 0;

-- Feeds that something was published in. One that is made anew is filled again; what was published is forgotten in the
-- outbox, and a store may have no rows of a kind.
CREATE TABLE published_feeds (
    store_id INTEGER NOT NULL,
    lane     TEXT NOT NULL CHECK (lane IN ('orders', 'catalog')),
    PRIMARY KEY (store_id, lane)
) STRICT, WITHOUT ROWID;

INSERT INTO published_feeds
SELECT s.store_id, l.lane FROM stores s, (SELECT 'orders' AS lane UNION ALL SELECT 'catalog') l
WHERE EXISTS (SELECT 1 FROM feed_outbox f
              WHERE f.store_id = s.store_id AND f.lane = l.lane AND f.published IS NOT NULL)
   OR NOT EXISTS (SELECT 1 FROM feed_outbox f
                  WHERE f.store_id = s.store_id AND f.lane = l.lane AND f.published IS NULL);

-- A topic that is made anew in its cluster begins at its first offset again: a place alone does not name a record.
CREATE TABLE letters (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    cluster      TEXT NOT NULL,
    partition    INTEGER NOT NULL,
    offset       INTEGER NOT NULL,
    store_id     INTEGER, -- where the envelope tells it
    change_id    TEXT,
    why          TEXT NOT NULL,
    message_key  BLOB,
    headers      TEXT NOT NULL, -- JSON: [[name, base64 of the value], ..]
    raw          BLOB,          -- the value, byte for byte; null: a tombstone
    at           INTEGER NOT NULL,
    published    INTEGER,
    state        TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'replayed', 'skipped'))
) STRICT;
INSERT INTO letters SELECT id, cluster, partition, offset, store_id, change_id, why, message_key, headers, raw, at,
    published, state FROM dead_letters;
DROP TABLE dead_letters;
ALTER TABLE letters RENAME TO dead_letters;
CREATE INDEX dead_letters_waiting ON dead_letters (partition, id) WHERE published IS NULL;
CREATE INDEX dead_letters_by_place ON dead_letters (cluster, partition, offset);
