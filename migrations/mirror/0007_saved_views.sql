-- Questions to the orders that somebody gave a name, for everyone at this desk.
CREATE TABLE saved_views (
    name      TEXT PRIMARY KEY,
    query     TEXT    NOT NULL,   -- JSON
    saved_by  TEXT    NOT NULL,
    saved_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
