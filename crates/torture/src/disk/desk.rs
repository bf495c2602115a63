//! A small desk at work on a simulated disk, with a ledger beside it.

use std::path::{Path, PathBuf};

use aisle_contract::DownBody;
use aisle_domain::{Change, ChangeId, Incarnation, Lane, Timestamp};
use aisle_mirror::{
    ActError, Anew, ChangeState, FeedEntry, Mirror, MirrorError, NewChange, Report, items, outbox, verify,
};
use aisle_testkit::dice::Dice;
use uuid::Uuid;

use super::{
    book::{Book, Kept},
    rows::{
        CLUSTER, ITEMS, ORDERS, accept, ack, approve, at, entry, item, item_id, new_desk, note, order, price,
        refused, store,
    },
};

/// A desk's folder as every run begins with it, and what it promises.
pub(crate) struct Template {
    folder: tempfile::TempDir,
    pub(crate) book: Book,
}

impl Template {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mirror = Mirror::create(folder.path(), &new_desk()).unwrap();
        let mut rows = vec![store(1)];
        rows.extend((1..=ORDERS).map(|n| order(n, 1)));
        feed(&mirror, Lane::Orders, 0, rows, at(0)).unwrap();
        feed(&mirror, Lane::Catalog, 0, (1..=ITEMS).map(|n| item(n, 1)).collect(), at(0)).unwrap();
        let book = Book::read(&mirror).unwrap();
        drop(mirror);
        // Every run's desk is to live where it is copied to, and not to take itself for a copy.
        let database = rusqlite::Connection::open(folder.path().join("aisle.db")).unwrap();
        database.execute("DELETE FROM settings WHERE key = 'home'", []).unwrap();
        Self { folder, book }
    }

    /// Makes the desk in a new folder.
    pub(crate) fn copy(&self, to: &Path) -> PathBuf {
        let dir = to.join("desk");
        std::fs::create_dir(&dir).unwrap();
        std::fs::copy(self.folder.path().join("aisle.db"), dir.join("aisle.db")).unwrap();
        dir
    }
}

fn feed(mirror: &Mirror, lane: Lane, first: i64, rows: Vec<DownBody>, now: Timestamp) -> Result<(), MirrorError> {
    let entries: Vec<FeedEntry> = (first..).zip(rows).map(|(offset, row)| entry(offset, row)).collect();
    mirror.apply_feed(lane, CLUSTER, &entries, now).map(|_| ())
}

/// Who works at the desk.
pub(crate) struct Staff {
    dice: Dice,
    /// What is promised.
    pub(crate) book: Book,
    /// What would be, had the call on its way answered.
    pub(crate) doubt: Option<Book>,
    changes: u128,
    clock: i64,
}

impl Staff {
    pub(crate) fn new(dice: Dice, book: Book) -> Self {
        Self { dice, book, doubt: None, changes: 0, clock: 100 }
    }

    fn now(&mut self) -> Timestamp {
        self.clock += 1;
        at(self.clock)
    }

    /// Does something. Whatever it was, the book follows.
    pub(crate) fn step(&mut self, mirror: &Mirror) -> Result<(), MirrorError> {
        match self.dice.below(20) {
            0..=7 => self.act(mirror),
            8 => self.release(mirror),
            9 => self.withdraw(mirror),
            10..=11 => self.orders(mirror),
            12..=13 => self.catalog(mirror),
            14..=15 => {
                let (lane, most) = (self.lane(), 1 + self.dice.index(5));
                self.cut(mirror, lane, most)
            }
            16 => self.report(mirror),
            17..=18 => {
                let lane = self.lane();
                self.acknowledge(mirror, lane)
            }
            _ if self.dice.chance(1, 4) => self.renumber(mirror),
            _ => self.refuse(mirror),
        }
    }

    /// Takes what a call promised into the book when it has answered, and doubts it when it has not.
    fn after<T>(&mut self, promised: Book, answer: Result<T, MirrorError>) -> Result<(), MirrorError> {
        match answer {
            Ok(_) => self.book = promised,
            Err(error) => {
                self.doubt = Some(promised);
                return Err(error);
            }
        }
        Ok(())
    }

    fn change(&mut self, mirror: &Mirror) -> Result<Change, MirrorError> {
        let number = |dice: &mut Dice, of: i64| 1 + i64::try_from(dice.below(of.unsigned_abs())).unwrap();
        Ok(match self.dice.below(8) {
            0..=2 => {
                let text = "n".repeat(1 + self.dice.index(3000));
                note(number(&mut self.dice, ORDERS), text)
            }
            3 => accept(number(&mut self.dice, 3)),
            4 => approve(3 + number(&mut self.dice, 3)),
            _ => {
                let number = number(&mut self.dice, ITEMS);
                let now = mirror.read(|conn| items::load(conn, item_id(number)))?;
                let to = 100 + i64::try_from(self.dice.below(900)).unwrap();
                price(&now.expect("items are never taken away here"), to)
            }
        })
    }

    pub(crate) fn act(&mut self, mirror: &Mirror) -> Result<(), MirrorError> {
        let change = self.change(mirror)?;
        self.changes += 1;
        let at = self.now();
        let new = NewChange {
            change_id: ChangeId(Uuid::from_u128(self.changes)),
            change,
            by: "Ada".into(),
            at,
            held: self.dice.chance(1, 3),
            replaces: None,
        };
        let mut promised = self.book.clone();
        promised.changes.push(Kept {
            change: new.change_id,
            lane: new.change.lane(),
            subject: new.change.subject(),
            act: format!("{:?}", new.change),
            state: if new.held { ChangeState::Held } else { ChangeState::Ready },
            numbered: None,
            offset: None,
            tried: false,
        });
        promised.log(new.change_id);
        match mirror.act(&new) {
            Err(ActError::Refused(_)) => Ok(()),
            Err(ActError::Mirror(error)) => self.after::<()>(promised, Err(error)),
            Err(error @ ActError::Numbered) => panic!("{error}"),
            Ok(_) => self.after(promised, Ok(())),
        }
    }

    pub(crate) fn release(&mut self, mirror: &Mirror) -> Result<(), MirrorError> {
        let mut promised = self.book.clone();
        for kept in &mut promised.changes {
            if kept.state == ChangeState::Held {
                kept.state = ChangeState::Ready;
            }
        }
        self.after(promised, mirror.release(None))
    }

    fn pick(&mut self, states: &[ChangeState]) -> Option<ChangeId> {
        let found = self.book.in_state(states);
        let index = self.dice.index(found.len());
        found.get(index).map(|kept| kept.change)
    }

    pub(crate) fn withdraw(&mut self, mirror: &Mirror) -> Result<(), MirrorError> {
        let Some(change) = self.pick(&[ChangeState::Held, ChangeState::Ready]) else { return Ok(()) };
        let was_tried = self.book.changes.iter().any(|kept| kept.change == change && kept.tried);
        let mut promised = self.book.clone();
        if !was_tried {
            promised.changes.retain(|kept| kept.change != change);
            promised.log(change);
        }
        let now = self.now();
        let answer = match mirror.withdraw(change, "Ada", now) {
            Err(ActError::Mirror(error)) => Err(error),
            Err(ActError::Numbered) if was_tried => Ok(()),
            Ok(_) if !was_tried => Ok(()),
            other => panic!("a change is taken back unless it ever had a number: {other:?}"),
        };
        self.after(promised, answer)
    }

    /// Rows of central's, in the version after the one that is here.
    fn rows(&mut self, mirror: &Mirror, lane: Lane, keys: &[(&str, i64)]) -> Result<(), MirrorError> {
        let mut promised = self.book.clone();
        let mut rows = Vec::new();
        for (kind, number) in keys {
            let version = promised.versions.entry(((*kind).to_owned(), *number)).or_insert(0);
            *version += 1;
            rows.push(match *kind {
                "order" => order(*number, *version),
                "item" => item(*number, *version),
                _ => store(*version),
            });
        }
        self.feed(mirror, lane, rows, promised)
    }

    fn feed(
        &mut self,
        mirror: &Mirror,
        lane: Lane,
        rows: Vec<DownBody>,
        mut promised: Book,
    ) -> Result<(), MirrorError> {
        let now = self.now();
        let next = promised.positions.entry(lane.word()).or_insert(0);
        let first = *next;
        *next += i64::try_from(rows.len()).unwrap();
        self.after(promised, feed(mirror, lane, first, rows, now))
    }

    pub(crate) fn orders(&mut self, mirror: &Mirror) -> Result<(), MirrorError> {
        let orders = self.book.versions.keys().filter(|(kind, _)| kind == "order").count();
        let newest = i64::try_from(orders).unwrap();
        let mut keys = vec![("order", newest + 1)];
        keys.extend((1..=newest).filter(|_| self.dice.chance(1, 4)).map(|n| ("order", n)));
        if self.dice.chance(1, 5) {
            keys.push(("store", 0));
        }
        self.rows(mirror, Lane::Orders, &keys)
    }

    pub(crate) fn catalog(&mut self, mirror: &Mirror) -> Result<(), MirrorError> {
        let mut keys: Vec<_> = (1..=ITEMS).filter(|_| self.dice.chance(1, 3)).map(|n| ("item", n)).collect();
        keys.push(("item", 1));
        keys.dedup();
        self.rows(mirror, Lane::Catalog, &keys)
    }

    fn lane(&mut self) -> Lane {
        if self.dice.chance(1, 2) { Lane::Orders } else { Lane::Catalog }
    }

    pub(crate) fn cut(&mut self, mirror: &Mirror, lane: Lane, most: usize) -> Result<(), MirrorError> {
        let mut promised = self.book.clone();
        let (incarnation, first) = (promised.incarnation, promised.next_seq(lane));
        let free =
            |k: &Kept| k.lane == lane && k.state == ChangeState::Ready && !self.book.is_behind_held(k.change);
        let ready = promised.changes.iter_mut().filter(|kept| free(kept));
        for (seq, kept) in (first..).zip(ready.take(most)) {
            kept.state = ChangeState::Sent;
            kept.numbered = Some((incarnation, seq));
            kept.tried = true;
        }
        let now = self.now();
        let answer = mirror.write(|tx| outbox::cut(tx, lane, incarnation, most, 256 * 1024, now));
        self.after(promised, answer)
    }

    fn report(&mut self, mirror: &Mirror) -> Result<(), MirrorError> {
        let mut promised = self.book.clone();
        let mut reports = Vec::new();
        for kept in promised.changes.iter_mut().filter(|k| k.state == ChangeState::Sent && k.offset.is_none()) {
            let offset = i64::try_from(reports.len()).unwrap() + 40;
            kept.offset = Some(offset);
            reports.push(Report {
                change_id: kept.change,
                cluster: CLUSTER.into(),
                topic: "aisle.changes".into(),
                partition: 3,
                offset,
            });
        }
        let now = self.now();
        self.after(promised, mirror.write(|tx| outbox::reported(tx, &reports, now)))
    }

    pub(crate) fn acknowledge(&mut self, mirror: &Mirror, lane: Lane) -> Result<(), MirrorError> {
        let mut promised = self.book.clone();
        let next = promised.next_seq(lane);
        let expected = 1 + i64::try_from(self.dice.below(next.unsigned_abs())).unwrap();
        let mut covered = Vec::new();
        for kept in promised.changes.iter_mut().filter(|k| k.lane == lane && k.state == ChangeState::Sent) {
            if kept.numbered.is_some_and(|(of, seq)| of == self.book.incarnation && seq < expected) {
                kept.state = ChangeState::Received;
                covered.push(kept.change);
            }
        }
        for change in covered {
            promised.log(change);
        }
        self.feed(mirror, lane, vec![ack(self.book.incarnation, lane, expected)], promised)
    }

    fn refuse(&mut self, mirror: &Mirror) -> Result<(), MirrorError> {
        let Some(change) = self.pick(&[ChangeState::Sent]) else { return Ok(()) };
        let mut promised = self.book.clone();
        let Some(kept) = promised.changes.iter_mut().find(|kept| kept.change == change) else { return Ok(()) };
        kept.state = ChangeState::Refused;
        let lane = kept.lane;
        promised.log(change);
        self.feed(mirror, lane, vec![refused(change)], promised)
    }

    fn renumber(&mut self, mirror: &Mirror) -> Result<(), MirrorError> {
        let promised = self.numbered_anew();
        let incarnation = promised.incarnation;
        self.after(promised, mirror.renumber(incarnation, Anew::Forgotten, at(700)))
    }

    fn numbered_anew(&mut self) -> Book {
        let mut promised = self.book.clone();
        promised.incarnation = Incarnation(self.dice.bits());
        for kept in promised.changes.iter_mut().filter(|kept| kept.state == ChangeState::Sent) {
            kept.state = ChangeState::Ready;
            kept.numbered = None;
            kept.offset = None;
        }
        promised
    }

    /// Puts a backup of this very moment in the place of the desk that it was made of: nothing is lost by it.
    pub(crate) fn restore(&mut self, dir: &Path, from: &Path) -> Result<(), MirrorError> {
        let mut promised = self.numbered_anew();
        // What waits in a backup may have been sent after it was made.
        for kept in promised.changes.iter_mut().filter(|kept| kept.state == ChangeState::Ready) {
            kept.tried = true;
        }
        let incarnation = promised.incarnation;
        self.after(promised, Mirror::restore(dir, from, incarnation, at(700)))
    }

    /// What a call on its way left is known after the fact: wholly there, or not at all.
    ///
    /// # Errors
    /// In words: what is there is neither.
    pub(crate) fn settle(&mut self, mirror: &Mirror, deep: bool) -> Result<(), Wrong> {
        let found = Book::read(mirror).map_err(|error| Wrong::Torn(format!("it cannot be read: {error}")))?;
        let doubt = self.doubt.take();
        if found != self.book && doubt.as_ref() != Some(&found) {
            let what = self.book.difference(&found);
            let is_lost = !found.has_all_of(&self.book) && doubt.is_none_or(|doubt| !found.has_all_of(&doubt));
            return Err(if is_lost { Wrong::Lost(what) } else { Wrong::Torn(what) });
        }
        self.book = found;
        let checks = mirror
            .read(|conn| verify::run(conn, deep, Some(mirror.ranges())))
            .map_err(|error| Wrong::Torn(format!("it cannot be verified: {error}")))?;
        let broken: Vec<_> = checks.into_iter().filter(|check| !check.ok).collect();
        if broken.is_empty() { Ok(()) } else { Err(Wrong::Torn(format!("{broken:?}"))) }
    }
}

/// What must never be.
#[derive(Debug)]
pub(crate) enum Wrong {
    /// Something that was told as done is not there.
    Lost(String),
    /// Something is there by half, or a rule does not hold.
    Torn(String),
}

/// Every commit is on the disk when it is told.
pub(crate) fn is_durable(mirror: &Mirror) -> bool {
    mirror
        .write(|tx| Ok(tx.query_row("PRAGMA synchronous", [], |row| row.get::<_, i64>(0))?))
        .is_ok_and(|level| level >= 2)
}

/// Has the journal copied into the database after so many pages: what a long day does rarely, a test does often.
pub(crate) fn checkpoint_after(mirror: &Mirror, pages: u64) -> Result<(), MirrorError> {
    mirror.write(|tx| Ok(tx.execute_batch(&format!("PRAGMA wal_autocheckpoint = {pages};"))?))
}
