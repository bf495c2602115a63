//! The tables that central and its desks both have, as SQL that reads them from either side: every field of which central
//! is the author, a row a text.

/// One table.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Its name, the same on both sides.
    pub name: &'static str,
    /// Those that both have.
    columns: &'static str,
    /// Which of a store's rows its desks have: what was sent its tombstone stays at central as an archive.
    is_shown: &'static str,
}

const OF_ITSELF: &str = "gone_at IS NULL";
const OF_ITS_ORDER: &str = "(store_id, order_id) IN (SELECT store_id, order_id FROM orders WHERE gone_at IS NULL)";

/// All of them.
pub const TABLES: [Table; 9] = [
    Table {
        name: "stores",
        columns: "store_id, name, address1, address2, city, state, country, postal_code, currency, time_zone, day_starts,
            durability, policies, reasons, paused_until, busy_minutes, busy_until, version",
        is_shown: "TRUE",
    },
    Table {
        name: "orders",
        columns: "store_id, order_id, user_id, creation_time, status, queued_time, accept_by, due_at, display_no,
            customer_name, note, substitution, payment_expected, decision, reason, decided_by, decided_at, claimed_by,
            accepted_by, accepted_at, version",
        is_shown: OF_ITSELF,
    },
    Table {
        name: "client_order_items",
        columns: "order_id, item_id, line_no, name, barcode, order_unit_price, quantity, unit, note, state,
            picked_quantity, substitute",
        is_shown: OF_ITS_ORDER,
    },
    Table {
        name: "payments",
        columns: "payment_id, order_id, store_id, amount, made_at, decide_by, status, reason, decided_by, decided_at",
        is_shown: OF_ITS_ORDER,
    },
    Table { name: "shoppers", columns: "order_id, shopper_id, rating", is_shown: OF_ITS_ORDER },
    Table {
        name: "shopper_order_details",
        columns: "transaction_id, order_id, store_id, datetime, amount",
        is_shown: OF_ITS_ORDER,
    },
    Table {
        name: "shopper_order_items",
        columns: "transaction_id, line_no, order_id, item_id, name, unit_price, quantity",
        is_shown: OF_ITS_ORDER,
    },
    Table {
        name: "amount_ranges",
        columns: "order_id, store_id, amount_lo, amount_hi, version, set_at, set_by",
        is_shown: OF_ITS_ORDER,
    },
    Table {
        name: "items",
        columns: "store_id, item_id, unit_price, barcode, name, category, availability, available_until, version,
            deleted, changed",
        is_shown: OF_ITSELF,
    },
];

impl Table {
    /// Every row that a desk has.
    pub fn at_desk(&self) -> String {
        format!("SELECT json_array({}) FROM {} ORDER BY 1;", self.columns, self.name)
    }

    /// Every row of a store that its desks are to have.
    pub fn at_central(&self, store: i64) -> String {
        let Self { name, columns, is_shown } = self;
        format!("SELECT json_array({columns}) FROM {name} WHERE store_id = {store} AND {is_shown} ORDER BY 1;")
    }
}
