//! Central's tables beside a desk's, field by field, read from both with SQL that is none of the system's.

use std::collections::BTreeSet;

use aisle_testkit::mirrored::TABLES;
use rusqlite::Connection;

use super::Seen;
use crate::simulation::world::Failure;

/// Rows as they are, each in one text.
fn rows(conn: &Connection, sql: &str) -> rusqlite::Result<BTreeSet<String>> {
    conn.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}

/// Every field of every row is here what it is at central, and there is no row more or less.
pub(super) fn same(desk: &Seen<'_>, central: &Connection) -> Result<(), Failure> {
    for table in TABLES {
        let there = rows(central, &table.at_central(desk.store.get())).unwrap();
        let here = desk.mirror.read(|conn| Ok(rows(conn, &table.at_desk())?)).unwrap();
        if let Some(words) = difference(&here, &there) {
            return Err(Failure::Wrong(format!("{}, {}: {words}", desk.name, table.name)));
        }
    }
    Ok(())
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
