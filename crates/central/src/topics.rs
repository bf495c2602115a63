//! The topics as they must be: made and checked here, never by accident.

use std::time::Duration;

use aisle_contract::{TopicAdmin, TopicSpec, TopicState};
use aisle_domain::{Lane, StoreId, store::Durability};
use serde::Serialize;

use crate::{Centre, error::CentralError, ledger::Feed};

const WITHIN: Duration = Duration::from_secs(30);

/// Which topics there must be, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicsOptions {
    /// Make what is missing and correct what is not as it must be.
    pub create: bool,
    /// Partitions of `aisle.changes`; it only ever grows.
    pub partitions: i32,
    /// Copies of each partition.
    pub replication: i32,
    /// When a change counts as written.
    pub durability: Durability,
    /// The stores whose feeds there must be; all that central knows where none is named.
    pub stores: Vec<StoreId>,
}

impl Default for TopicsOptions {
    fn default() -> Self {
        Self { create: false, partitions: 12, replication: 3, durability: Durability::All, stores: Vec::new() }
    }
}

/// The topics as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TopicsReport {
    /// Whether all are as they must be.
    pub ok: bool,
    /// Each.
    pub topics: Vec<TopicReport>,
}

/// A topic as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TopicReport {
    /// Its name.
    pub name: String,
    /// Its partitions; 0 when it is missing.
    pub partitions: i32,
    /// Copies of each.
    pub replication: i32,
    /// What is wrong with it, in words.
    pub problems: Vec<String>,
}

impl From<TopicState> for TopicReport {
    fn from(state: TopicState) -> Self {
        Self {
            name: state.name,
            partitions: state.partitions,
            replication: state.replication,
            problems: state.problems,
        }
    }
}

impl Centre {
    /// Every topic as it must be.
    pub fn topic_specs(&self, options: &TopicsOptions) -> Result<Vec<TopicSpec>, CentralError> {
        if options.partitions < 1 || options.replication < 1 {
            return Err(CentralError::BadValue {
                what: "there is at least one partition and one copy of it".into(),
            });
        }
        let stores = if options.stores.is_empty() {
            self.ledger()?.read(|tx| Ok(tx.stores()?.into_iter().map(|s| s.store_id).collect()))?
        } else {
            options.stores.clone()
        };
        let names = self.names();
        let mut specs = vec![
            names.changes_spec(options.partitions, options.replication, options.durability),
            names.dead_letters_spec(options.replication),
        ];
        specs.extend(stores.into_iter().flat_map(|store| names.feed_specs(store, options.replication)));
        Ok(specs)
    }

    /// Checks the topics, and makes and corrects them where that is wished.
    pub fn topics(&self, admin: &dyn TopicAdmin, options: &TopicsOptions) -> Result<TopicsReport, CentralError> {
        let specs = self.topic_specs(options)?;
        let states = if options.create { self.create(admin, &specs)? } else { admin.check(&specs, WITHIN)? };
        let topics: Vec<TopicReport> = states.into_iter().map(Into::into).collect();
        Ok(TopicsReport { ok: topics.iter().all(|t| t.problems.is_empty()), topics })
    }

    /// Makes and corrects topics. A feed that had been there before is empty then, and nobody else would fill it again: that
    /// is noted first, since once the topic is there nobody can tell any more.
    fn create(&self, admin: &dyn TopicAdmin, specs: &[TopicSpec]) -> Result<Vec<TopicState>, CentralError> {
        let before = admin.check(specs, WITHIN)?;
        let missing: Vec<&str> = before.iter().filter(|t| t.partitions == 0).map(|t| t.name.as_str()).collect();
        if !missing.is_empty() {
            self.ledger()?.write(|tx| {
                for store in tx.stores()? {
                    for lane in Lane::ALL {
                        let feed = Feed { store: store.store_id, lane };
                        if missing.contains(&self.names().feed(feed.store, lane).as_str()) {
                            tx.refill_if_published(feed)?;
                        }
                    }
                }
                Ok(())
            })?;
        }
        Ok(admin.create(specs, WITHIN)?)
    }
}
