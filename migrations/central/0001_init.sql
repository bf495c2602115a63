-- Central's tables, for all stores. Money is minor units, quantities are thousandths, instants are epoch
-- milliseconds in UTC, statuses and kinds are words. No foreign key leaves a mirrored row.

CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Every partition count there ever was: a store's changes may lie where it lived under any of them.
CREATE TABLE partition_counts (
    partitions INTEGER PRIMARY KEY,
    since      INTEGER NOT NULL
) STRICT;

-- While the topic grows: how far the old partitions must be read before homes move.
CREATE TABLE partition_growth (
    partition INTEGER PRIMARY KEY,
    read_to   INTEGER NOT NULL
) STRICT;

CREATE TABLE stores (
    store_id     INTEGER PRIMARY KEY,
    name         TEXT NOT NULL,
    address1     TEXT NOT NULL CHECK (length(address1) BETWEEN 1 AND 255),
    address2     TEXT,
    city         TEXT,
    state        TEXT,
    country      TEXT,
    postal_code  TEXT,
    currency     TEXT NOT NULL,
    time_zone    TEXT NOT NULL,
    day_starts   INTEGER NOT NULL,
    durability   TEXT NOT NULL CHECK (durability IN ('all', 'majority')),
    policies     TEXT NOT NULL,
    reasons      TEXT NOT NULL,
    paused_until INTEGER,
    busy_minutes INTEGER,
    busy_until   INTEGER,
    version      INTEGER NOT NULL
) STRICT;

CREATE TABLE orders (
    store_id         INTEGER NOT NULL,
    order_id         INTEGER NOT NULL,
    user_id          INTEGER NOT NULL,
    creation_time    INTEGER NOT NULL,
    status           TEXT NOT NULL
        CHECK (status IN ('new', 'running', 'pending', 'approved', 'rejected', 'confirmed')),
    queued_time      INTEGER NOT NULL,
    accept_by        INTEGER,
    due_at           INTEGER,
    display_no       TEXT NOT NULL,
    customer_name    TEXT,
    note             TEXT,
    substitution     TEXT,
    payment_expected INTEGER NOT NULL CHECK (payment_expected IN (0, 1)),
    decision         TEXT CHECK (decision IN ('approved', 'rejected')),
    reason           TEXT,
    decided_by       TEXT,
    decided_at       INTEGER,
    claimed_by       TEXT,
    version          INTEGER NOT NULL,
    closed_at        INTEGER, -- by central's clock; counts towards the tombstone
    gone_at          INTEGER, -- when the tombstone was sent; the row stays as central's archive
    PRIMARY KEY (store_id, order_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX orders_by_id ON orders (order_id);
CREATE INDEX orders_to_miss ON orders (accept_by) WHERE status = 'new' AND accept_by IS NOT NULL;
CREATE INDEX orders_to_forget ON orders (closed_at) WHERE closed_at IS NOT NULL AND gone_at IS NULL;

CREATE TABLE client_order_items (
    store_id         INTEGER NOT NULL,
    order_id         INTEGER NOT NULL,
    item_id          INTEGER NOT NULL,
    line_no          INTEGER NOT NULL,
    name             TEXT NOT NULL,
    barcode          TEXT,
    order_unit_price INTEGER NOT NULL,
    quantity         INTEGER NOT NULL,
    unit             TEXT NOT NULL,
    note             TEXT,
    state            TEXT NOT NULL
        CHECK (state IN ('to_pick', 'found', 'short', 'substituted', 'out_of_stock')),
    picked_quantity  INTEGER,
    substitute       INTEGER,
    PRIMARY KEY (store_id, order_id, item_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE payments (
    payment_id INTEGER PRIMARY KEY,
    order_id   INTEGER NOT NULL,
    store_id   INTEGER NOT NULL,
    amount     INTEGER NOT NULL,
    made_at    INTEGER NOT NULL,
    decide_by  INTEGER,
    status     TEXT CHECK (status IN ('approved', 'rejected')),
    reason     TEXT,
    decided_by TEXT,
    decided_at INTEGER
) STRICT;

CREATE INDEX payments_by_order ON payments (store_id, order_id);

CREATE TABLE shoppers (
    store_id   INTEGER NOT NULL,
    order_id   INTEGER NOT NULL,
    shopper_id INTEGER NOT NULL,
    rating     INTEGER CHECK (rating BETWEEN 1 AND 5),
    PRIMARY KEY (store_id, order_id, shopper_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE shopper_order_details (
    store_id       INTEGER NOT NULL,
    transaction_id INTEGER NOT NULL,
    order_id       INTEGER NOT NULL,
    datetime       INTEGER NOT NULL,
    amount         INTEGER NOT NULL,
    PRIMARY KEY (store_id, transaction_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX receipts_by_order ON shopper_order_details (store_id, order_id);

CREATE TABLE shopper_order_items (
    store_id       INTEGER NOT NULL,
    transaction_id INTEGER NOT NULL,
    line_no        INTEGER NOT NULL,
    order_id       INTEGER NOT NULL,
    item_id        INTEGER,
    name           TEXT NOT NULL,
    unit_price     INTEGER NOT NULL,
    quantity       INTEGER NOT NULL,
    PRIMARY KEY (store_id, transaction_id, line_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE amount_ranges (
    store_id  INTEGER NOT NULL,
    order_id  INTEGER NOT NULL,
    amount_lo INTEGER NOT NULL,
    amount_hi INTEGER NOT NULL,
    version   INTEGER NOT NULL,
    set_at    INTEGER NOT NULL,
    set_by    TEXT NOT NULL,
    PRIMARY KEY (store_id, order_id)
) STRICT, WITHOUT ROWID;

-- Ranges that are no longer in force: a decision may still name one.
CREATE TABLE range_history (
    store_id  INTEGER NOT NULL,
    order_id  INTEGER NOT NULL,
    version   INTEGER NOT NULL,
    amount_lo INTEGER NOT NULL,
    amount_hi INTEGER NOT NULL,
    set_at    INTEGER NOT NULL,
    set_by    TEXT NOT NULL,
    PRIMARY KEY (store_id, order_id, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE items (
    store_id        INTEGER NOT NULL,
    item_id         INTEGER NOT NULL,
    unit_price      INTEGER NOT NULL,
    barcode         TEXT,
    name            TEXT NOT NULL,
    category        TEXT,
    availability    TEXT NOT NULL CHECK (availability IN ('available', 'out_of_stock')),
    available_until INTEGER,
    version         INTEGER NOT NULL,
    deleted         INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    changed         TEXT NOT NULL, -- JSON: who changed each field last
    deleted_at      INTEGER,       -- by central's clock; counts towards the tombstone
    gone_at         INTEGER,       -- when the tombstone was sent
    PRIMARY KEY (store_id, item_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX items_to_forget ON items (deleted_at) WHERE deleted_at IS NOT NULL AND gone_at IS NULL;

-- Count and sum over what a store's feed holds, kept with every write.
CREATE TABLE digests (
    store_id INTEGER NOT NULL,
    lane     TEXT NOT NULL CHECK (lane IN ('orders', 'catalog')),
    count    INTEGER NOT NULL,
    sum      INTEGER NOT NULL, -- 64 bits, read as unsigned
    changed  INTEGER NOT NULL CHECK (changed IN (0, 1)), -- since it was last sent
    sent_at  INTEGER NOT NULL,
    PRIMARY KEY (store_id, lane)
) STRICT, WITHOUT ROWID;

CREATE TABLE desks (
    desk_id          TEXT NOT NULL PRIMARY KEY,
    store_id         INTEGER NOT NULL,
    name             TEXT,
    incarnation      TEXT NOT NULL, -- the one heard last
    incarnations     TEXT NOT NULL, -- JSON: all, in the order they were first heard
    last_heard       INTEGER,
    outbox           INTEGER,
    oldest_age_s     INTEGER,
    behind           INTEGER,
    version          TEXT,
    positions        TEXT,          -- JSON, as the heartbeat says
    clock_offset_ms  INTEGER,
    forked_at        INTEGER,       -- one number was used for two changes
    retired          INTEGER NOT NULL CHECK (retired IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE INDEX desks_by_store ON desks (store_id);

-- The number that is taken next.
CREATE TABLE numbering (
    desk_id     TEXT NOT NULL,
    incarnation TEXT NOT NULL,
    lane        TEXT NOT NULL CHECK (lane IN ('orders', 'catalog')),
    expected    INTEGER NOT NULL,
    PRIMARY KEY (desk_id, incarnation, lane)
) STRICT, WITHOUT ROWID;

-- The first outcome of every change.
CREATE TABLE dedup (
    change_id   TEXT NOT NULL PRIMARY KEY,
    outcome     TEXT NOT NULL CHECK (outcome IN ('applied', 'already', 'refused')),
    refusal     TEXT, -- JSON, of a refused one
    store_id    INTEGER NOT NULL,
    desk_id     TEXT NOT NULL,
    incarnation TEXT NOT NULL,
    lane        TEXT NOT NULL,
    seq         INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    forgotten   INTEGER NOT NULL DEFAULT 0 -- a refusal's tombstone was sent
) STRICT, WITHOUT ROWID;

CREATE INDEX dedup_by_age ON dedup (at);
CREATE INDEX refusals_to_forget ON dedup (at) WHERE outcome = 'refused' AND forgotten = 0;

-- How far each partition of `aisle.changes` is applied.
CREATE TABLE positions (
    partition   INTEGER PRIMARY KEY,
    cluster     TEXT NOT NULL,
    next_offset INTEGER NOT NULL
) STRICT;

-- Who works on a partition: a transaction of any other term is turned away.
CREATE TABLE leases (
    partition INTEGER PRIMARY KEY,
    term      INTEGER NOT NULL,
    holder    TEXT NOT NULL,
    expires   INTEGER NOT NULL
) STRICT;

CREATE TABLE feed_outbox (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    store_id  INTEGER NOT NULL,
    lane      TEXT NOT NULL,
    key       TEXT NOT NULL,
    type      TEXT,
    data      TEXT, -- null: a tombstone
    at        INTEGER NOT NULL,
    published INTEGER -- when; null: waits
) STRICT;

CREATE INDEX feed_outbox_waiting ON feed_outbox (store_id, lane, id) WHERE published IS NULL;

CREATE TABLE dead_letters (
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
    state        TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'replayed', 'skipped')),
    UNIQUE (cluster, partition, offset)
) STRICT;

CREATE INDEX dead_letters_waiting ON dead_letters (partition, id) WHERE published IS NULL;

CREATE TABLE audit (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    at        INTEGER NOT NULL,
    store_id  INTEGER NOT NULL,
    subject   TEXT NOT NULL, -- order/<id>, item/<id>, store
    kind      TEXT NOT NULL, -- a change's type, or what central did
    by        TEXT NOT NULL,
    desk_id   TEXT,
    change_id TEXT,
    acted_at  INTEGER,
    outcome   TEXT NOT NULL, -- applied, already, refused; done: an act of central itself
    code      TEXT,          -- of a refusal
    detail    TEXT           -- JSON: the change's body, or the facts of central's act
) STRICT;

CREATE INDEX audit_by_subject ON audit (store_id, subject, id);

-- The simulated store's days: where each released order stands.
CREATE TABLE simulated_orders (
    store_id     INTEGER NOT NULL,
    order_id     INTEGER NOT NULL,
    line_no      INTEGER NOT NULL, -- in orders.jsonl
    released_at  INTEGER NOT NULL,
    accepted_at  INTEGER,          -- when the simulation saw the accept
    settled      TEXT CHECK (settled IN ('answered', 'cancelled')),
    PRIMARY KEY (store_id, order_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX simulated_orders_open ON simulated_orders (store_id, line_no) WHERE settled IS NULL;

CREATE TABLE simulated_items (
    store_id INTEGER PRIMARY KEY,
    items    INTEGER NOT NULL
) STRICT;
