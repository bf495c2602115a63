-- Numbers that were taken by changes whose outcome stands under another number: a desk that was restored, or that numbered
-- anew, sent them once more, and the later copy was read first. They have no outcome of their own.
ALTER TABLE numbering ADD COLUMN repeats INTEGER NOT NULL DEFAULT 0 CHECK (repeats >= 0);

-- What is missing so far was not counted.
UPDATE numbering AS n SET repeats = (
    SELECT max(0, n.expected - coalesce(min(d.seq), n.expected) - count(DISTINCT d.seq)) FROM dedup d
    WHERE d.desk_id = n.desk_id AND d.incarnation = n.incarnation AND d.lane = n.lane AND d.seq > 0
);
