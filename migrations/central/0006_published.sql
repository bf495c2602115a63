-- How far each feed is published, one row a feed: rows of the outbox are written once, and a feed is published in order.
CREATE TABLE feeds (
    store_id     INTEGER NOT NULL,
    lane         TEXT NOT NULL CHECK (lane IN ('orders', 'catalog')),
    published_to INTEGER NOT NULL, -- the last row that was published; 0 before the first
    known_to     INTEGER NOT NULL DEFAULT 0, -- the last row that was known to be published ..
    known_at     INTEGER NOT NULL DEFAULT 0, -- .. at this moment: what is forgotten is counted from it
    PRIMARY KEY (store_id, lane)
) STRICT, WITHOUT ROWID;

CREATE INDEX feed_outbox_by_feed ON feed_outbox (store_id, lane);

-- What was published may be forgotten by now; the feed is one that something was published in all the same.
INSERT INTO feeds (store_id, lane, published_to)
SELECT s.store_id, l.lane,
    CASE WHEN NOT EXISTS (SELECT 1 FROM published_feeds p WHERE p.store_id = s.store_id AND p.lane = l.lane) THEN 0
    ELSE coalesce(
        (SELECT max(f.id) FROM feed_outbox f
         WHERE f.store_id = s.store_id AND f.lane = l.lane AND f.published IS NOT NULL),
        (SELECT min(f.id) - 1 FROM feed_outbox f WHERE f.store_id = s.store_id AND f.lane = l.lane),
        (SELECT seq FROM sqlite_sequence WHERE name = 'feed_outbox'),
        0)
    END
FROM stores s, (SELECT 'orders' AS lane UNION ALL SELECT 'catalog') l;

DROP TABLE published_feeds;
DROP INDEX feed_outbox_waiting;
ALTER TABLE feed_outbox DROP COLUMN published;

-- A worker of an older program that is still at work would refuse every change, since it does not find what was here before:
-- without this column it holds no lease and waits.
ALTER TABLE leases RENAME COLUMN expires TO expires_at;
