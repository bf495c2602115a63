-- The desk's mirror. Money is minor units, quantities are thousandths, instants are epoch milliseconds UTC.
-- No foreign key leaves a mirrored row: nothing depends on what arrives first.

-- Who this desk is. One row.
CREATE TABLE identity (
    one          INTEGER PRIMARY KEY CHECK (one = 1),
    store_id     INTEGER NOT NULL CHECK (store_id > 0),
    desk_id      TEXT    NOT NULL,
    incarnation  TEXT    NOT NULL,
    desk_name    TEXT    NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE settings (
    key    TEXT PRIMARY KEY,
    value  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE staff (
    staff_id     INTEGER PRIMARY KEY,
    name         TEXT    NOT NULL UNIQUE,
    role         TEXT    NOT NULL CHECK (role IN ('clerk', 'lead', 'manager')),
    pin_hash     TEXT,               -- argon2id; NULL while there is one person without a PIN
    disabled_at  INTEGER
) STRICT;

-- Central's rows, as they are shown: folded with this desk's unacknowledged changes.

CREATE TABLE stores (
    store_id       INTEGER PRIMARY KEY CHECK (store_id > 0),
    name           TEXT    NOT NULL,
    address1       TEXT    NOT NULL CHECK (length(address1) BETWEEN 1 AND 255),
    address2       TEXT,
    city           TEXT,
    state          TEXT,
    country        TEXT,
    postal_code    TEXT,
    currency       TEXT    NOT NULL,
    time_zone      TEXT    NOT NULL,   -- IANA name
    day_starts     INTEGER NOT NULL,   -- minutes after midnight
    durability     TEXT    NOT NULL CHECK (durability IN ('all', 'majority')),
    policies       TEXT    NOT NULL,   -- JSON
    reasons        TEXT    NOT NULL,   -- JSON
    paused_until   INTEGER,
    busy_minutes   INTEGER,
    busy_until     INTEGER,
    version        INTEGER NOT NULL
) STRICT;

CREATE TABLE orders (
    order_id          INTEGER PRIMARY KEY CHECK (order_id > 0),
    store_id          INTEGER NOT NULL,
    user_id           INTEGER NOT NULL,
    creation_time     INTEGER NOT NULL,
    status            TEXT    NOT NULL CHECK (status IN ('new', 'running', 'pending', 'approved', 'rejected', 'confirmed')),
    queued_time       INTEGER NOT NULL,
    accept_by         INTEGER,
    due_at            INTEGER,
    display_no        TEXT    NOT NULL,
    customer_name     TEXT,
    note              TEXT,
    substitution      TEXT,
    payment_expected  INTEGER NOT NULL CHECK (payment_expected IN (0, 1)),
    decision          TEXT    CHECK (decision IN ('approved', 'rejected')),
    reason            TEXT,
    decided_by        TEXT,
    decided_at        INTEGER,
    claimed_by        TEXT,
    version           INTEGER NOT NULL
) STRICT;
CREATE INDEX orders_by_status ON orders (status, queued_time, order_id);
CREATE INDEX orders_by_queue ON orders (queued_time, order_id);
CREATE INDEX orders_by_decision ON orders (decided_at) WHERE decided_at IS NOT NULL;
CREATE INDEX orders_by_user ON orders (user_id);
-- By the number that people say and by any part of a customer's name, without reading the table.
CREATE INDEX orders_by_words ON orders (display_no, customer_name);

-- ClientOrderItem: what the customer ordered.
CREATE TABLE client_order_items (
    order_id          INTEGER NOT NULL,
    item_id           INTEGER NOT NULL,
    line_no           INTEGER NOT NULL,   -- place in the order, from 1
    name              TEXT    NOT NULL,
    barcode           TEXT,
    order_unit_price  INTEGER NOT NULL,
    quantity          INTEGER NOT NULL CHECK (quantity >= 0),
    unit              TEXT    NOT NULL,
    note              TEXT,
    state             TEXT    NOT NULL CHECK (state IN ('to_pick', 'found', 'short', 'substituted', 'out_of_stock')),
    picked_quantity   INTEGER CHECK (picked_quantity >= 0),
    substitute        INTEGER,
    PRIMARY KEY (order_id, item_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE payments (
    payment_id  INTEGER PRIMARY KEY CHECK (payment_id > 0),
    order_id    INTEGER NOT NULL,
    store_id    INTEGER NOT NULL,
    amount      INTEGER NOT NULL,
    made_at     INTEGER NOT NULL,
    decide_by   INTEGER,
    status      TEXT CHECK (status IN ('approved', 'rejected')),   -- NULL until decided
    reason      TEXT,
    decided_by  TEXT,
    decided_at  INTEGER,
    place       INTEGER NOT NULL    -- among the order's payments, oldest first, from 1
) STRICT;
CREATE INDEX payments_by_order ON payments (order_id, place);
CREATE INDEX payments_undecided ON payments (payment_id) WHERE status IS NULL;

CREATE TABLE shoppers (
    shopper_id  INTEGER NOT NULL,
    order_id    INTEGER NOT NULL,
    rating      INTEGER CHECK (rating BETWEEN 1 AND 5),
    PRIMARY KEY (shopper_id, order_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX shoppers_by_order ON shoppers (order_id);

-- What the shopper really bought.
CREATE TABLE shopper_order_details (
    transaction_id  INTEGER PRIMARY KEY CHECK (transaction_id > 0),
    order_id        INTEGER NOT NULL,
    store_id        INTEGER NOT NULL,
    datetime        INTEGER NOT NULL,
    amount          INTEGER NOT NULL,
    place           INTEGER NOT NULL
) STRICT;
CREATE INDEX shopper_order_details_by_order ON shopper_order_details (order_id, place);

CREATE TABLE shopper_order_items (
    transaction_id  INTEGER NOT NULL,
    line_no         INTEGER NOT NULL,
    order_id        INTEGER NOT NULL,
    item_id         INTEGER,
    name            TEXT    NOT NULL,
    unit_price      INTEGER NOT NULL,
    quantity        INTEGER NOT NULL,
    PRIMARY KEY (transaction_id, line_no)
) STRICT, WITHOUT ROWID;

-- The range cache is rebuilt from this table.
CREATE TABLE amount_ranges (
    order_id   INTEGER NOT NULL,
    store_id   INTEGER NOT NULL,
    amount_lo  INTEGER NOT NULL,
    amount_hi  INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    set_at     INTEGER NOT NULL,
    set_by     TEXT    NOT NULL,
    PRIMARY KEY (order_id, store_id),
    CHECK (amount_lo <= amount_hi)
) STRICT, WITHOUT ROWID;

CREATE TABLE items (
    item_id          INTEGER PRIMARY KEY CHECK (item_id > 0),
    store_id         INTEGER NOT NULL,
    unit_price       INTEGER NOT NULL CHECK (unit_price >= 0),
    barcode          TEXT,
    name             TEXT    NOT NULL,
    category         TEXT,
    availability     TEXT    NOT NULL CHECK (availability IN ('available', 'out_of_stock')),
    available_until  INTEGER,
    version          INTEGER NOT NULL,
    deleted          INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    changed          TEXT    NOT NULL    -- JSON: who changed each field last
) STRICT;
CREATE INDEX items_by_barcode ON items (barcode) WHERE barcode IS NOT NULL;
-- The grid's order; the item's number, which every index ends with, tells equal names apart.
CREATE INDEX items_by_name ON items (name COLLATE NOCASE) WHERE deleted = 0;

-- What can be found by words: never a deleted item.
CREATE VIEW items_live AS SELECT item_id, name, category FROM items WHERE deleted = 0;

-- Search over words, kept beside the items by triggers. Not ordered by rank: that costs 100 times as much. Six
-- lengths of prefixes take half the time of three at a million items, for a third more space. Marks belong to
-- words, so that scripts which write vowels with them are not cut apart.
CREATE VIRTUAL TABLE items_words USING fts5 (
    name, category, content = 'items_live', content_rowid = 'item_id', columnsize = 0, detail = none,
    prefix = '1 2 3 4 5 6', tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co M*'"
);
CREATE TRIGGER items_words_insert AFTER INSERT ON items WHEN new.deleted = 0 BEGIN
    INSERT INTO items_words (rowid, name, category) VALUES (new.item_id, new.name, new.category);
END;
CREATE TRIGGER items_words_delete AFTER DELETE ON items WHEN old.deleted = 0 BEGIN
    INSERT INTO items_words (items_words, rowid, name, category) VALUES ('delete', old.item_id, old.name, old.category);
END;
CREATE TRIGGER items_words_update AFTER UPDATE OF name, category, deleted ON items
WHEN old.deleted = 0 AND (old.name IS NOT new.name OR old.category IS NOT new.category OR new.deleted = 1) BEGIN
    INSERT INTO items_words (items_words, rowid, name, category) VALUES ('delete', old.item_id, old.name, old.category);
    INSERT INTO items_words (rowid, name, category)
        SELECT new.item_id, new.name, new.category WHERE new.deleted = 0;
END;
CREATE TRIGGER items_words_restore AFTER UPDATE OF deleted ON items WHEN old.deleted = 1 AND new.deleted = 0 BEGIN
    INSERT INTO items_words (rowid, name, category) VALUES (new.item_id, new.name, new.category);
END;

CREATE TABLE price_history (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    item_id  INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    old      INTEGER,
    new      INTEGER NOT NULL,
    by       TEXT,
    source   TEXT    NOT NULL CHECK (source IN ('here', 'central', 'import'))
) STRICT;
CREATE INDEX price_history_by_item ON price_history (item_id);

-- Central's last row, kept beside the shown one while changes on it are unacknowledged.
CREATE TABLE bases (
    kind     TEXT    NOT NULL CHECK (kind IN ('order', 'item', 'store')),
    id       INTEGER NOT NULL,
    version  INTEGER,             -- NULL where central has no row
    row      TEXT,                -- JSON; NULL where central has no row
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

-- One import is one set.
CREATE TABLE change_sets (
    set_id      TEXT PRIMARY KEY,
    name        TEXT    NOT NULL,
    by          TEXT    NOT NULL,
    at          INTEGER NOT NULL,
    undone_at   INTEGER
) STRICT;

-- Changes in the order of acting. AUTOINCREMENT: a number is never used again.
CREATE TABLE outbox (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    change_id        TEXT    NOT NULL UNIQUE,
    lane             TEXT    NOT NULL CHECK (lane IN ('orders', 'catalog')),
    type             TEXT    NOT NULL,
    kind             TEXT    NOT NULL CHECK (kind IN ('order', 'item', 'store')),
    subject          INTEGER NOT NULL,
    body             TEXT    NOT NULL,    -- JSON, as it travels
    by               TEXT    NOT NULL,
    at               INTEGER NOT NULL,
    state            TEXT    NOT NULL CHECK (state IN ('held', 'ready', 'sent', 'received', 'refused')),
    replaces         TEXT,
    set_id           TEXT,
    incarnation      TEXT,
    seq              INTEGER CHECK (seq > 0),
    cluster          TEXT,
    topic            TEXT,
    partition        INTEGER,
    offset           INTEGER,
    attempts         INTEGER NOT NULL DEFAULT 0,
    last_attempt_at  INTEGER,
    sent_at          INTEGER,
    acked_at         INTEGER,
    refusal          TEXT,                -- JSON
    message          TEXT,
    will_be_refused  TEXT,                -- JSON
    closed_at        INTEGER,
    UNIQUE (incarnation, lane, seq),
    CHECK ((state IN ('held', 'ready')) = (seq IS NULL))
) STRICT;
CREATE INDEX outbox_by_state ON outbox (state, lane);
CREATE INDEX outbox_by_subject ON outbox (kind, subject);
CREATE INDEX outbox_by_sending ON outbox (sent_at) WHERE sent_at IS NOT NULL;
CREATE INDEX outbox_by_ack ON outbox (state, acked_at) WHERE acked_at IS NOT NULL;
CREATE INDEX outbox_by_replaced ON outbox (replaces) WHERE replaces IS NOT NULL;

CREATE TABLE numbering (
    incarnation  TEXT    NOT NULL,
    lane         TEXT    NOT NULL,
    next_seq     INTEGER NOT NULL CHECK (next_seq > 0),
    PRIMARY KEY (incarnation, lane)
) STRICT, WITHOUT ROWID;

-- Where each feed is read: written in the transaction of the rows.
CREATE TABLE feed_positions (
    lane         TEXT PRIMARY KEY,
    cluster      TEXT    NOT NULL,
    next_offset  INTEGER NOT NULL,
    received_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Messages that could not be applied, as they came. A newer row of the same key clears them.
CREATE TABLE parked (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    lane       TEXT    NOT NULL,
    topic      TEXT    NOT NULL,
    partition  INTEGER NOT NULL,
    offset     INTEGER NOT NULL,
    key        TEXT,
    headers    TEXT    NOT NULL,   -- JSON: pairs of name and value as hex
    value      BLOB,
    why        TEXT    NOT NULL,
    at         INTEGER NOT NULL
) STRICT;
CREATE INDEX parked_by_key ON parked (lane, key);

CREATE TABLE conflicts (
    conflict_id  INTEGER PRIMARY KEY AUTOINCREMENT,
    item_id      INTEGER NOT NULL,
    field        TEXT    NOT NULL,
    change_id    TEXT    NOT NULL,
    at           INTEGER NOT NULL,
    closed_at    INTEGER
) STRICT;
CREATE UNIQUE INDEX conflicts_open ON conflicts (item_id, field) WHERE closed_at IS NULL;

-- Alarms that nobody has acknowledged.
CREATE TABLE alarms (
    order_id  INTEGER PRIMARY KEY,
    kind      TEXT    NOT NULL CHECK (kind IN ('new', 'cancelled', 'late')),
    at        INTEGER NOT NULL
) STRICT;

CREATE TABLE pushes (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    at     INTEGER NOT NULL,
    sent   INTEGER NOT NULL,
    error  TEXT
) STRICT;

CREATE TABLE digests (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    lane    TEXT    NOT NULL,
    offset  INTEGER NOT NULL,
    count   INTEGER NOT NULL,
    sum     TEXT    NOT NULL,
    at      INTEGER NOT NULL
) STRICT;
CREATE INDEX digests_by_lane ON digests (lane);

-- What happened, for ever. Each entry's hash covers the one before it in its incarnation.
CREATE TABLE audit_log (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    incarnation  TEXT    NOT NULL,
    at           INTEGER NOT NULL,
    kind         TEXT    NOT NULL,
    subject      TEXT    NOT NULL,
    by           TEXT,
    desk         TEXT,
    change_id    TEXT,
    body         TEXT    NOT NULL,   -- JSON
    hash         BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE INDEX audit_by_subject ON audit_log (subject);
CREATE INDEX audit_by_change ON audit_log (change_id) WHERE change_id IS NOT NULL;
