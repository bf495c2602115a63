//! The rows a transaction works on: each is read once, changed in memory, and written and sent once at the end.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    rc::Rc,
};

use aisle_contract::DownBody;
use aisle_domain::{
    AmountRange, Item, ItemId, Lane, Order, OrderId, Planted, Store, StoreId, Subject, Timestamp, is_planted,
};

use crate::{
    error::CentralError,
    ledger::{Feed, Tx},
};

/// A row as it was read and as it is to be.
struct Held<T> {
    before: Option<T>,
    now: Option<T>,
}

impl<T: Clone + PartialEq> Held<T> {
    fn of(row: Option<T>) -> Self {
        Self { before: row.clone(), now: row }
    }

    /// The row to write, where it is another one than was read.
    fn changed(self) -> Option<(Option<T>, T)> {
        if self.before == self.now { None } else { self.now.map(|now| (self.before, now)) }
    }
}

/// The rows of one transaction.
pub(crate) struct Rows<'t, 'c> {
    tx: &'t Tx<'c>,
    at: Timestamp,
    stores: HashMap<StoreId, Option<Rc<Store>>>,
    changed_stores: BTreeSet<StoreId>,
    orders: Vec<Held<Order>>,
    order_places: HashMap<(StoreId, OrderId), usize>,
    items: Vec<Held<Item>>,
    item_places: HashMap<(StoreId, ItemId), usize>,
}

impl<'t, 'c> Rows<'t, 'c> {
    pub(crate) fn new(tx: &'t Tx<'c>, at: Timestamp) -> Self {
        Self {
            tx,
            at,
            stores: HashMap::new(),
            changed_stores: BTreeSet::new(),
            orders: Vec::new(),
            order_places: HashMap::new(),
            items: Vec::new(),
            item_places: HashMap::new(),
        }
    }

    /// The store, where central knows it.
    pub(crate) fn store(&mut self, store: StoreId) -> Result<Option<Rc<Store>>, CentralError> {
        if let Some(held) = self.stores.get(&store) {
            return Ok(held.clone());
        }
        let row = self.tx.store(store)?.map(Rc::new);
        self.stores.insert(store, row.clone());
        Ok(row)
    }

    /// The store, which must be known.
    pub(crate) fn known_store(&mut self, store: StoreId) -> Result<Rc<Store>, CentralError> {
        self.store(store)?.ok_or_else(|| CentralError::NotFound { what: format!("store {store}") })
    }

    /// Replaces the store's row; its version is written one higher.
    pub(crate) fn set_store(&mut self, store: Store) {
        self.changed_stores.insert(store.store_id);
        self.stores.insert(store.store_id, Some(Rc::new(store)));
    }

    /// The order's ranges that are no longer in force.
    pub(crate) fn superseded_ranges(
        &self,
        store: StoreId,
        order: OrderId,
    ) -> Result<Vec<AmountRange>, CentralError> {
        self.tx.superseded_ranges(store, order)
    }

    /// The order, to change it.
    pub(crate) fn order(&mut self, store: StoreId, order: OrderId) -> Result<Option<&mut Order>, CentralError> {
        let key = (store, order);
        if !self.order_places.contains_key(&key) {
            self.order_places.insert(key, self.orders.len());
            self.orders.push(Held::of(self.tx.order(store, order)?));
        }
        let place = self.order_places.get(&key).copied().unwrap_or_default();
        Ok(self.orders.get_mut(place).and_then(|held| held.now.as_mut()))
    }

    /// Puts a new order in.
    pub(crate) fn add_order(&mut self, order: Order) {
        self.order_places.insert((order.store_id, order.order_id), self.orders.len());
        self.orders.push(Held { before: None, now: Some(order) });
    }

    /// The item, to change, make or remove it.
    pub(crate) fn item(&mut self, store: StoreId, item: ItemId) -> Result<&mut Option<Item>, CentralError> {
        let key = (store, item);
        if !self.item_places.contains_key(&key) {
            self.item_places.insert(key, self.items.len());
            self.items.push(Held::of(self.tx.item(store, item)?));
        }
        let place = self.item_places.get(&key).copied().unwrap_or_default();
        self.items
            .get_mut(place)
            .map(|held| &mut held.now)
            .ok_or_else(|| CentralError::NotFound { what: format!("item {item} among the rows in hand") })
    }

    /// Writes every row that changed, with its version one higher, and puts it into its feed.
    pub(crate) fn write(&mut self) -> Result<(), CentralError> {
        let mut steps: BTreeMap<StoreId, Vec<_>> = BTreeMap::new();
        for held in self.orders.drain(..) {
            let Some((before, mut order)) = held.changed() else { continue };
            let version = before.as_ref().map(|b| b.version);
            order.version = version.unwrap_or(0) + 1;
            self.tx.save_order(before.as_ref(), &order, self.at)?;
            let (store, subject) = (order.store_id, Subject::Order(order.order_id));
            steps.entry(store).or_default().push((subject, (version, Some(order.version))));
            self.tx.enqueue(Feed { store, lane: Lane::Orders }, &DownBody::Order(Box::new(order)), self.at)?;
        }
        for held in self.items.drain(..) {
            let Some((before, mut item)) = held.changed() else { continue };
            let version = before.as_ref().map(|b| b.version);
            item.version = version.unwrap_or(0) + 1;
            self.tx.save_item(&item, self.at)?;
            let (store, subject) = (item.store_id, Subject::Item(item.item_id));
            steps.entry(store).or_default().push((subject, (version, Some(item.version))));
            let body = if item.deleted && is_planted(Planted::TombstoneDelete) {
                DownBody::ItemGone(item.item_id)
            } else {
                DownBody::Item(Box::new(item))
            };
            self.tx.enqueue(Feed { store, lane: Lane::Catalog }, &body, self.at)?;
        }
        self.order_places.clear();
        self.item_places.clear();
        self.write_stores()?;
        for (store, steps) in steps {
            self.tx.shift_digest(store, steps.into_iter())?;
            self.tx.cut_digests(store, false, self.at)?;
        }
        Ok(())
    }

    fn write_stores(&mut self) -> Result<(), CentralError> {
        for store in std::mem::take(&mut self.changed_stores) {
            let Some(Some(row)) = self.stores.get(&store) else { continue };
            let mut row = (**row).clone();
            row.version += 1;
            self.tx.save_store(&row)?;
            self.stores.insert(store, Some(Rc::new(row.clone())));
            self.tx.enqueue(Feed { store, lane: Lane::Orders }, &DownBody::Store(Box::new(row)), self.at)?;
        }
        Ok(())
    }
}
