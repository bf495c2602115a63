//! A topic: partitions that are only ever appended to, and compacted where the topic is made so.

use std::collections::BTreeMap;

use aisle_contract::{Bounds, Incoming, Outgoing, PortError, TopicSpec};
use aisle_domain::Timestamp;

#[derive(Debug, Default)]
struct Partition {
    records: BTreeMap<i64, Incoming>,
    low: i64,
    next: i64,
}

#[derive(Debug, Default)]
pub(crate) struct Topic {
    partitions: Vec<Partition>,
    settings: BTreeMap<&'static str, String>,
}

impl Topic {
    pub(crate) fn partitions(&self) -> i32 {
        i32::try_from(self.partitions.len()).unwrap_or(i32::MAX)
    }

    pub(crate) fn become_like(&mut self, spec: &TopicSpec) {
        let wanted = usize::try_from(spec.partitions).unwrap_or(0).max(self.partitions.len());
        self.partitions.resize_with(wanted, Partition::default);
        self.settings.clone_from(&spec.settings);
    }

    pub(crate) fn problems(&self, spec: &TopicSpec) -> Vec<String> {
        let mut problems = Vec::new();
        if self.partitions() < spec.partitions {
            problems.push(format!("it has {} partitions, must have {}", self.partitions(), spec.partitions));
        }
        for (name, wanted) in &spec.settings {
            match self.settings.get(name) {
                Some(found) if found == wanted => {}
                found => problems
                    .push(format!("{name} is {}, must be {wanted}", found.map_or("not set", String::as_str))),
            }
        }
        problems
    }

    fn partition(&self, id: i32) -> Option<&Partition> {
        self.partitions.get(usize::try_from(id).ok()?)
    }

    pub(crate) fn bounds(&self, id: i32) -> Result<Bounds, PortError> {
        let partition =
            self.partition(id).ok_or_else(|| PortError::TopicMissing { topic: format!("partition {id}") })?;
        // Compaction leaves holes, never a later beginning.
        Ok(Bounds { low: partition.low, high: partition.next })
    }

    /// Whether the topic, as it is made, takes a record as large as this.
    fn takes(&self, record: &Outgoing) -> bool {
        let headers: usize = record.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        let bytes = headers + record.key.len() + record.value.as_ref().map_or(0, Vec::len);
        let most = self.settings.get("max.message.bytes").and_then(|text| text.parse::<usize>().ok());
        most.is_none_or(|most| bytes <= most)
    }

    pub(crate) fn append(&mut self, record: Outgoing, at: Timestamp) -> Result<i64, PortError> {
        if !self.takes(&record) {
            return Err(PortError::TooLarge);
        }
        let partition = usize::try_from(record.partition)
            .ok()
            .and_then(|id| self.partitions.get_mut(id))
            .ok_or_else(|| PortError::TopicMissing { topic: record.topic.clone() })?;
        let offset = partition.next;
        partition.next += 1;
        let kept = Incoming {
            topic: record.topic,
            partition: record.partition,
            offset,
            written_at: at,
            key: Some(record.key),
            headers: record.headers,
            value: record.value,
        };
        partition.records.insert(offset, kept);
        Ok(offset)
    }

    pub(crate) fn read(&self, id: i32, from: i64, max: usize) -> Vec<Incoming> {
        self.partition(id)
            .map(|partition| partition.records.range(from..).take(max).map(|(_, record)| record.clone()).collect())
            .unwrap_or_default()
    }

    pub(crate) fn trim(&mut self, id: i32, before: i64) {
        let partition = usize::try_from(id).ok().and_then(|id| self.partitions.get_mut(id));
        if let Some(partition) = partition {
            partition.low = before.clamp(partition.low, partition.next);
            partition.records = partition.records.split_off(&partition.low);
        }
    }

    pub(crate) fn clear(&mut self) {
        for partition in &mut self.partitions {
            *partition = Partition::default();
        }
    }

    pub(crate) fn compact(&mut self) {
        if self.settings.get("cleanup.policy").is_none_or(|policy| policy != "compact") {
            return;
        }
        for partition in &mut self.partitions {
            let newest: BTreeMap<Option<Vec<u8>>, i64> =
                partition.records.iter().map(|(offset, record)| (record.key.clone(), *offset)).collect();
            let is_kept = |offset: &i64, record: &Incoming| {
                record.value.is_some() && newest.get(&record.key) == Some(offset)
            };
            partition.records.retain(|offset, record| is_kept(offset, record));
        }
    }
}
