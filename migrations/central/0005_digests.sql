-- Which record in the outbox the last digest of a feed is: while it waits it goes when rows come behind it, since it would
-- speak of what was before them wherever it is sent again.
ALTER TABLE digests ADD COLUMN cut_row INTEGER;

UPDATE digests SET cut_row = (SELECT max(f.id) FROM feed_outbox f
                              WHERE f.published IS NULL AND f.store_id = digests.store_id AND f.lane = digests.lane
                                AND f.key = 'digest');
