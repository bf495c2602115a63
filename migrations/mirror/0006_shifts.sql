-- Shifts of this desk: ranges of time over what the audit log has, with what was left to whoever came next.
CREATE TABLE shifts (
    shift_id   INTEGER PRIMARY KEY,
    opened_at  INTEGER NOT NULL,
    opened_by  TEXT    NOT NULL,
    closed_at  INTEGER,
    closed_by  TEXT,
    note       TEXT,
    remaining  TEXT      -- JSON: what was open and what was unsent
) STRICT;
CREATE UNIQUE INDEX shifts_open ON shifts ((1)) WHERE closed_at IS NULL;
