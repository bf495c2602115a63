//! Central's tables beside a desk's, field by field, each read with the judge's own SQL.

use std::collections::BTreeSet;

use aisle_domain::StoreId;
use rusqlite::Connection;

use super::Seen;
use crate::simulation::world::Failure;

/// A table that both have.
struct Table {
    name: &'static str,
    /// Those that both have and of which central is the author.
    columns: &'static str,
    /// Which of central's rows of a store its desks have: what was sent its tombstone stays at central as an archive.
    is_shown: &'static str,
}

const OF_ITSELF: &str = "gone_at IS NULL";
const OF_ITS_ORDER: &str = "order_id IN (SELECT order_id FROM orders WHERE store_id = ?1 AND gone_at IS NULL)";

const TABLES: [Table; 9] = [
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
            version",
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

/// Rows as they are, each in one text.
fn rows(
    conn: &Connection,
    table: &Table,
    condition: &str,
    of: &[&dyn rusqlite::ToSql],
) -> rusqlite::Result<BTreeSet<String>> {
    let Table { name, columns, .. } = table;
    let mut statement = conn.prepare(&format!("SELECT json_array({columns}) FROM {name} WHERE {condition}"))?;
    statement.query_map(of, |row| row.get(0))?.collect()
}

/// Every field of every row is here what it is at central, and there is no row more or less.
pub(super) fn same(desk: &Seen<'_>, central: &Connection) -> Result<(), Failure> {
    for table in &TABLES {
        let there = at_central(central, table, desk.store);
        let here = desk.mirror.read(|conn| Ok(rows(conn, table, "TRUE", &[])?)).unwrap();
        if let Some(words) = difference(&here, &there) {
            return Err(Failure::Wrong(format!("{}, {}: {words}", desk.name, table.name)));
        }
    }
    Ok(())
}

fn at_central(conn: &Connection, table: &Table, of: StoreId) -> BTreeSet<String> {
    rows(conn, table, &format!("store_id = ?1 AND {}", table.is_shown), &[&of.get()]).unwrap()
}

fn difference(here: &BTreeSet<String>, there: &BTreeSet<String>) -> Option<String> {
    let few = |one: &BTreeSet<String>, other| one.difference(other).take(3).cloned().collect::<Vec<_>>().join(" ");
    (here != there).then(|| format!("only here {}; only at central {}", few(here, there), few(there, here)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_field_that_differs_is_told_from_both_sides() {
        let rows = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<BTreeSet<_>>();
        let (here, there) = (rows(&["[1,\"new\"]", "[2,null]"]), rows(&["[1,\"running\"]", "[2,null]"]));
        assert_eq!(difference(&here, &here), None);
        let words = difference(&here, &there).unwrap();
        assert_eq!(words, "only here [1,\"new\"]; only at central [1,\"running\"]");
    }
}
