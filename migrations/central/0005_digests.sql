-- Which record in the outbox the last digest of a feed is: while it waits it goes when rows come behind it, since it would
-- speak of what was before them wherever it is sent again.
ALTER TABLE digests ADD COLUMN cut_row INTEGER;
