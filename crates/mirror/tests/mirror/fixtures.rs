//! A desk of store 367 in a folder of its own, and what central and staff send it.

use std::{
    os::unix::process::ExitStatusExt,
    path::Path,
    process::Child,
    time::{Duration, Instant},
};

use aisle_contract::{ChangeRefused, DeskAck, DownBody, DownMessage, Incoming, down::CentralPosition};
use aisle_domain::{
    AmountRange, Availability, Barcode, Change, ChangeId, Currency, DeskId, Epoch, Incarnation, Item, ItemId,
    Lane, LineState, Money, Order, OrderId, OrderLine, OrderStatus, Payment, PaymentId, Quantity, Refusal, Store,
    StoreId, Timestamp, UserId,
    change::{Audience, ItemChanged, OrderAccepted, OrderNoted, PaymentApproved},
    item::{Edit, ItemEdits},
};
use aisle_mirror::{Check, FeedApplied, FeedEntry, Mirror, MirrorError, NewChange, NewDesk, verify};
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) const CLUSTER: &str = "cluster-a";
pub(crate) const NOON: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// `NOON` and some seconds.
pub(crate) const fn at(seconds: i64) -> Timestamp {
    NOON.plus_millis(seconds * 1000)
}

pub(crate) fn store_id() -> StoreId {
    StoreId::new(367).unwrap()
}

pub(crate) fn order_id(number: i64) -> OrderId {
    OrderId::new(number).unwrap()
}

pub(crate) fn item_id(number: i64) -> ItemId {
    ItemId::new(number).unwrap()
}

pub(crate) fn money(text: &str) -> Money {
    text.parse().unwrap()
}

pub(crate) fn new_desk() -> NewDesk {
    NewDesk {
        store_id: store_id(),
        desk_id: DeskId(Uuid::from_u128(7)),
        incarnation: Incarnation(0xa1),
        desk_name: "Front desk".into(),
        at: NOON,
    }
}

/// A desk in a folder that goes with it.
pub(crate) struct Desk {
    pub(crate) mirror: Mirror,
    pub(crate) folder: TempDir,
    offset: i64,
    changes: u128,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mirror = Mirror::create(&folder.path().join("desk"), &new_desk()).unwrap();
        Self { mirror, folder, offset: 0, changes: 0 }
    }

    /// With the order and the item that most tests need.
    pub(crate) fn with_rows() -> Self {
        let mut desk = Self::new();
        desk.orders(vec![DownBody::Store(Box::new(store(1))), DownBody::Order(Box::new(order(1, 1)))]);
        desk.catalog(vec![DownBody::Item(Box::new(item(10, 1)))]);
        desk
    }

    pub(crate) fn dir(&self) -> std::path::PathBuf {
        self.folder.path().join("desk")
    }

    /// What comes down the orders feed next.
    pub(crate) fn orders(&mut self, bodies: Vec<DownBody>) -> FeedApplied {
        self.feed(Lane::Orders, bodies)
    }

    /// What comes down the catalog feed next.
    pub(crate) fn catalog(&mut self, bodies: Vec<DownBody>) -> FeedApplied {
        self.feed(Lane::Catalog, bodies)
    }

    pub(crate) fn feed(&mut self, lane: Lane, bodies: Vec<DownBody>) -> FeedApplied {
        let entries: Vec<_> = bodies.into_iter().map(|body| self.entry(body)).collect();
        self.mirror.apply_feed(lane, CLUSTER, &entries, at(self.offset)).unwrap()
    }

    pub(crate) fn entry(&mut self, body: DownBody) -> FeedEntry {
        self.offset += 1;
        entry(self.offset, body)
    }

    pub(crate) fn new_change(&mut self, change: Change) -> NewChange {
        self.changes += 1;
        NewChange {
            change_id: ChangeId(Uuid::from_u128(self.changes)),
            change,
            by: "Ada".into(),
            at: at(100 + i64::try_from(self.changes).unwrap()),
            held: false,
            replaces: None,
        }
    }

    /// Acts; answers the change.
    pub(crate) fn act(&mut self, change: Change) -> ChangeId {
        let new = self.new_change(change);
        self.mirror.act(&new).unwrap();
        new.change_id
    }

    /// Numbers all that is ready in a lane.
    pub(crate) fn cut(&self, lane: Lane) -> Vec<aisle_mirror::NumberedChange> {
        let incarnation = self.mirror.identity().incarnation;
        self.mirror.write(|tx| aisle_mirror::outbox::cut(tx, lane, incarnation, 500, 256 * 1024, at(500))).unwrap()
    }

    pub(crate) fn row(&self, id: ChangeId) -> aisle_mirror::OutboxRow {
        self.mirror.read(|conn| aisle_mirror::outbox::load(conn, id)).unwrap().unwrap()
    }

    pub(crate) fn order(&self, number: i64) -> Order {
        self.mirror.read(|conn| aisle_mirror::orders::load(conn, order_id(number))).unwrap().unwrap()
    }

    pub(crate) fn item(&self, number: i64) -> Item {
        self.mirror.read(|conn| aisle_mirror::items::load(conn, item_id(number))).unwrap().unwrap()
    }

    /// Every rule of the database holds.
    pub(crate) fn assert_sound(&self) {
        assert_sound(&self.mirror);
    }
}

/// Kills a victim. One that had ended by itself was killed by nobody and shows nothing.
/// Opens a folder that nobody has open. A process that another test is just starting holds whatever this one had open, locks as
/// well, until it runs its own program: that is waited for.
pub(crate) fn open_alone(dir: &Path, seconds: i64) -> aisle_mirror::Result<Mirror> {
    let end = Instant::now() + Duration::from_secs(5);
    loop {
        match Mirror::open(dir, at(seconds)) {
            Err(MirrorError::FolderInUse { .. }) if Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(20));
            }
            opened => return opened,
        }
    }
}

pub(crate) fn kill_victim(victim: &mut Child) {
    victim.kill().unwrap();
    let status = victim.wait().unwrap();
    assert_eq!(status.signal(), Some(9), "the victim ended by itself: {status}");
}

pub(crate) fn checks(mirror: &Mirror, deep: bool) -> Vec<Check> {
    mirror.read(|conn| verify::run(conn, deep, Some(mirror.ranges()))).unwrap()
}

pub(crate) fn assert_sound(mirror: &Mirror) {
    let broken: Vec<_> = checks(mirror, true).into_iter().filter(|check| !check.ok).collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

pub(crate) fn entry(offset: i64, body: DownBody) -> FeedEntry {
    let record = Incoming {
        topic: "aisle.store.367".into(),
        partition: 0,
        offset,
        written_at: at(offset),
        key: body.key().map(String::into_bytes),
        headers: Vec::new(),
        value: Some(b"{}".to_vec()),
    };
    let message = Ok(DownMessage { epoch: Some(Epoch(Uuid::from_u128(99))), body });
    FeedEntry { offset, written_at: at(offset), record, message }
}

pub(crate) fn unreadable(offset: i64, key: &str) -> FeedEntry {
    let mut entry = entry(offset, DownBody::Gone);
    entry.record.key = Some(key.as_bytes().to_vec());
    entry.record.value = Some(vec![0xff, 0x00]);
    entry.record.headers = vec![("ce_type".into(), b"aisle.order.state.v9".to_vec())];
    entry.message = Err("the type aisle.order.state.v9 is not known".into());
    entry
}

pub(crate) fn store(version: i64) -> Store {
    Store {
        store_id: store_id(),
        name: "Corner Market".into(),
        address1: "1 Main Street".into(),
        address2: None,
        city: Some("Springfield".into()),
        state: None,
        country: None,
        postal_code: None,
        currency: Currency("USD".into()),
        time_zone: "America/Chicago".into(),
        day_starts: 240,
        durability: aisle_domain::store::Durability::All,
        policies: aisle_domain::Policies::default(),
        reasons: aisle_domain::Reasons::default(),
        paused_until: None,
        busy_minutes: None,
        busy_until: None,
        version,
    }
}

pub(crate) fn line(item: i64, price: &str, thousandths: i64) -> OrderLine {
    OrderLine {
        item_id: item_id(item),
        name: format!("Item {item}"),
        barcode: Some(barcode(item)),
        order_unit_price: money(price),
        quantity: Quantity::from_thousandths(thousandths).unwrap(),
        unit: "each".into(),
        note: None,
        state: LineState::ToPick,
        picked_quantity: None,
        substitute: None,
    }
}

/// An order over 20.00 with its range, in this version.
pub(crate) fn order(number: i64, version: i64) -> Order {
    Order {
        order_id: order_id(number),
        store_id: store_id(),
        user_id: UserId::new(500 + number).unwrap(),
        creation_time: at(-60),
        status: OrderStatus::New,
        queued_time: at(number),
        accept_by: Some(at(number + 600)),
        due_at: None,
        display_no: format!("{:04}", number % 10_000),
        customer_name: Some(format!("Mary Miller {number}")),
        note: None,
        substitution: Some("best match".into()),
        payment_expected: true,
        decision: None,
        reason: None,
        decided_by: None,
        decided_at: None,
        claimed_by: None,
        accepted_by: None,
        accepted_at: None,
        version,
        lines: vec![line(10, "5.00", 2000), line(11, "10.00", 1000)],
        range: Some(AmountRange {
            amount_lo: money("14.00"),
            amount_hi: money("22.00"),
            version: 1,
            set_at: at(number),
            set_by: "central".into(),
        }),
        payments: Vec::new(),
        receipts: Vec::new(),
        shopper: None,
    }
}

/// The same order with a payment waiting.
pub(crate) fn pending_order(number: i64, version: i64, amount: &str) -> Order {
    let mut order = order(number, version);
    order.status = OrderStatus::Pending;
    order.payments = vec![Payment {
        payment_id: payment_id(number),
        order_id: order.order_id,
        store_id: store_id(),
        amount: money(amount),
        made_at: at(50),
        decide_by: None,
        status: None,
        reason: None,
        decided_by: None,
        decided_at: None,
    }];
    order
}

pub(crate) fn payment_id(order: i64) -> PaymentId {
    PaymentId::new(9000 + order).unwrap()
}

pub(crate) fn barcode(item: i64) -> Barcode {
    format!("20{item:011}").parse().unwrap()
}

pub(crate) fn item(number: i64, version: i64) -> Item {
    Item {
        item_id: item_id(number),
        store_id: store_id(),
        unit_price: money("1.99"),
        barcode: Some(barcode(number)),
        name: format!("Whole milk {number}"),
        category: Some("Dairy".into()),
        availability: Availability::Available,
        available_until: None,
        version,
        deleted: false,
        changed: std::collections::BTreeMap::new(),
    }
}

pub(crate) fn accept(number: i64) -> Change {
    Change::OrderAccepted(OrderAccepted { order: order_id(number), from: OrderStatus::New })
}

pub(crate) fn note(number: i64, text: &str) -> Change {
    Change::OrderNoted(OrderNoted { order: order_id(number), audience: Audience::Staff, text: text.into() })
}

pub(crate) fn approve(number: i64, amount: &str) -> Change {
    Change::PaymentApproved(PaymentApproved {
        order: order_id(number),
        payment: Some(payment_id(number)),
        amount: Some(money(amount)),
        range_version: Some(1),
        reason: None,
        override_: None,
    })
}

pub(crate) fn price(number: i64, from: &str, to: &str) -> Change {
    let unit_price = Some(Edit { from: money(from), to: money(to) });
    Change::ItemChanged(ItemChanged {
        item: item_id(number),
        changes: ItemEdits { unit_price, ..ItemEdits::default() },
    })
}

pub(crate) fn rename(number: i64, from: &str, to: &str) -> Change {
    let name = Some(Edit { from: from.to_owned(), to: to.to_owned() });
    Change::ItemChanged(ItemChanged { item: item_id(number), changes: ItemEdits { name, ..ItemEdits::default() } })
}

/// Central's word to this desk's first numbering: everything below `expected` has an outcome.
pub(crate) fn ack(lane: Lane, expected: i64) -> DownBody {
    ack_of(new_desk().desk_id, new_desk().incarnation, lane, expected)
}

pub(crate) fn ack_of(desk: DeskId, incarnation: Incarnation, lane: Lane, expected: i64) -> DownBody {
    DownBody::Ack(Box::new(DeskAck {
        desk,
        incarnation,
        lane,
        expected,
        position: CentralPosition { cluster: CLUSTER.into(), partition: 3, offset: 40 },
        elsewhere: Vec::new(),
        central_time: at(600),
        heartbeat: None,
        last: None,
        forked: false,
        numberings: None,
        refused: Vec::new(),
    }))
}

pub(crate) fn refused(change_id: ChangeId, refusal: Refusal) -> DownBody {
    let message = refusal.to_string();
    DownBody::Refused(Box::new(ChangeRefused {
        change_id,
        desk: new_desk().desk_id,
        refusal,
        message,
        at: at(600),
    }))
}

/// Every file of a folder with its content.
pub(crate) fn contents(dir: &Path) -> std::collections::BTreeMap<std::path::PathBuf, Vec<u8>> {
    std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect()
}
