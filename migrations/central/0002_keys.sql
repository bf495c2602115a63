-- What stores sign with, the users they have at the cluster, and what was turned away for it.

-- A store's changes must be signed once it has a row here, whether the key is retired or not.
CREATE TABLE store_keys (
    store_id INTEGER NOT NULL,
    key_id   TEXT NOT NULL,
    secret   TEXT NOT NULL CHECK (length(secret) = 64), -- hexadecimal
    made     INTEGER NOT NULL,
    retired  INTEGER, -- nothing is taken with it from then on
    PRIMARY KEY (store_id, key_id)
) STRICT, WITHOUT ROWID;

-- One user a store: enrolling another desk must not change the password of those that are at work.
CREATE TABLE store_users (
    store_id INTEGER PRIMARY KEY,
    username TEXT NOT NULL,
    password TEXT NOT NULL,
    made     INTEGER NOT NULL
) STRICT;

-- Store and desk are what the record claimed; an empty desk is one that cannot be read, or one of too many.
CREATE TABLE alarms (
    store_id INTEGER NOT NULL,
    kind     TEXT NOT NULL CHECK (kind IN ('unsigned', 'unknown_key', 'bad_signature', 'foreign_desk')),
    desk_id  TEXT NOT NULL,
    first_at INTEGER NOT NULL,
    last_at  INTEGER NOT NULL,
    count    INTEGER NOT NULL,
    PRIMARY KEY (store_id, kind, desk_id)
) STRICT, WITHOUT ROWID;
