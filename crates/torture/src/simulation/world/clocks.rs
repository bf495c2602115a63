//! Clocks that jump, and what came of a run but for its times.

use std::fmt::Write;

use aisle_mirror::outbox;

use super::{World, oracle};

const SECOND: i64 = 1_000;
const DAY: i64 = 24 * 60 * 60 * SECOND;
/// A step back by the network's time, the change of summer time, a dead battery, a wrong year.
const JUMPS: [i64; 8] =
    [-SECOND / 2, SECOND, -3_600 * SECOND, 3_600 * SECOND, -DAY, DAY, -3_650 * DAY, 3_650 * DAY];

impl World<'_> {
    /// Some desk's clock jumps, now and then.
    pub(super) fn jump(&mut self) {
        let Some(dice) = &mut self.jumps else { return };
        if dice.chance(30, 100) {
            let desk = dice.index(self.desks.len());
            let by = if dice.chance(20, 100) { 0 } else { *dice.pick(&JUMPS).unwrap() };
            self.desks[desk].watch.set_wrong_by(by);
            self.faults += 1;
        }
    }

    /// What came of every act, and every row of central's, without any time.
    pub(super) fn outcome(&self) -> String {
        let mut text = String::new();
        for desk in &self.desks {
            for done in &desk.done {
                let row = desk.mirror.read(|conn| outbox::load(conn, done.id)).unwrap();
                let came_to = row.map(|row| (row.state.word(), row.refusal.map(|refusal| refusal.code())));
                writeln!(text, "{} {} {came_to:?}", desk.name, done.change.type_word()).unwrap();
            }
        }
        let conn = oracle::central_db(self.centre);
        for sql in [
            "SELECT store_id || ' ' || order_id || ' ' || status || ' ' || coalesce(decision, '') || ' ' || version
             FROM orders ORDER BY store_id, order_id",
            "SELECT store_id || ' ' || item_id || ' ' || unit_price || ' ' || name || ' ' || version || ' ' || deleted
             FROM items ORDER BY store_id, item_id",
            "SELECT payment_id || ' ' || order_id || ' ' || amount || ' ' || coalesce(status, '')
             FROM payments ORDER BY payment_id",
        ] {
            let mut statement = conn.prepare(sql).unwrap();
            let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
            rows.for_each(|row| writeln!(text, "{}", row.unwrap()).unwrap());
        }
        text
    }
}
