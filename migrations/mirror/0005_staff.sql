-- Who works at this desk. Central knows people by their names only; who may do what is the desk's to say. The first
-- table of that name had no rows.
DROP TABLE staff;
CREATE TABLE staff (
    staff_id     INTEGER PRIMARY KEY CHECK (staff_id > 0),
    name         TEXT    NOT NULL,
    role         TEXT    NOT NULL CHECK (role IN ('clerk', 'lead', 'manager')),
    pin          TEXT,                        -- argon2id; what is mixed into it is not in this file
    wrong_pins   INTEGER NOT NULL DEFAULT 0,  -- since the last right one
    wrong_at     INTEGER,                     -- the last of them
    last_here    INTEGER,
    disabled_at  INTEGER
) STRICT;
CREATE UNIQUE INDEX staff_by_name ON staff (name COLLATE NOCASE) WHERE disabled_at IS NULL;

-- The first person is the manager.
INSERT INTO staff (staff_id, name, role)
    SELECT 1, coalesce((SELECT value FROM settings WHERE key = 'person'), 'Manager'), 'manager';
DELETE FROM settings WHERE key = 'person';
