//! A computer's line to the cluster, with the ways in which it breaks.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use aisle_bus::Bus;
use aisle_contract::{
    Bounds, ClusterView, Delivery, Incoming, Membership, Outgoing, PortError, Reader, Sender, Start, Transport,
};

/// How a line is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Nothing answers.
    Dead,
    /// What is sent arrives; the word of it does not come back.
    NoReports,
    /// What is sent is lost on the way, and nothing tells of it.
    Swallowed,
    /// The cluster takes no writes: too few machines are in sync, which metadata does not show yet.
    NoWrites,
    /// The feeds may not be seen.
    NoFeeds,
    /// Every second record of a batch is written, up to a failure.
    Half,
    /// One record at a time comes down.
    Trickle,
}

impl Cut {
    pub(crate) const ALL: [Self; 7] =
        [Self::Dead, Self::NoReports, Self::Swallowed, Self::NoWrites, Self::NoFeeds, Self::Half, Self::Trickle];
}

/// One computer's line.
#[derive(Clone)]
pub(crate) struct Line {
    bus: Bus,
    cut: Arc<Mutex<Option<Cut>>>,
}

fn lost() -> PortError {
    PortError::TimedOut("the line is cut".into())
}

impl Line {
    pub(crate) fn new(bus: &Bus) -> Self {
        Self { bus: bus.clone(), cut: Arc::default() }
    }

    pub(crate) fn set(&self, cut: Option<Cut>) {
        *self.cut.lock().unwrap() = cut;
    }

    fn cut(&self) -> Option<Cut> {
        *self.cut.lock().unwrap()
    }

    fn alive(&self) -> Result<(), PortError> {
        if self.cut() == Some(Cut::Dead) { Err(PortError::Unreachable("the line is cut".into())) } else { Ok(()) }
    }

    /// Feeds have a store in their name.
    fn seen(&self, topic: &str) -> Result<(), PortError> {
        self.alive()?;
        if self.cut() == Some(Cut::NoFeeds) && topic.contains(".store.") {
            return Err(PortError::TopicMissing { topic: topic.into() });
        }
        Ok(())
    }

    fn write(&self, batch: Vec<Outgoing>) -> Vec<Delivery> {
        let count = batch.len();
        match self.cut() {
            Some(Cut::Dead | Cut::Swallowed) => vec![Err(lost()); count],
            Some(Cut::NoWrites) => vec![Err(PortError::NotEnoughReplicas); count],
            Some(Cut::NoReports) => {
                self.bus.append(batch);
                vec![Err(lost()); count]
            }
            Some(Cut::Half) => {
                // The first ones are there with their reports, some more without, the rest is not: in order, as an idempotent
                // producer leaves it.
                let (told, there) = (count / 3, count * 2 / 3);
                let mut answers = self.bus.append(batch.into_iter().take(there.max(1)).collect());
                answers.truncate(told);
                answers.resize(count, Err(lost()));
                answers
            }
            Some(Cut::NoFeeds | Cut::Trickle) | None => self.bus.append(batch),
        }
    }
}

impl Transport for Line {
    fn metadata(&self, topics: &[String], timeout: Duration) -> Result<ClusterView, PortError> {
        self.alive()?;
        let mut view = self.bus.metadata(topics, timeout)?;
        view.topics.retain(|topic| self.seen(&topic.name).is_ok());
        Ok(view)
    }

    fn bounds(&self, topic: &str, partition: i32, timeout: Duration) -> Result<Bounds, PortError> {
        self.seen(topic)?;
        self.bus.bounds(topic, partition, timeout)
    }

    fn sender(&self) -> Result<Box<dyn Sender>, PortError> {
        self.alive()?;
        Ok(Box::new(LineSender { line: self.clone(), answers: Vec::new() }))
    }

    fn reader(&self, topic: &str, partition: i32, start: Start) -> Result<Box<dyn Reader>, PortError> {
        self.seen(topic)?;
        let reader = self.bus.reader(topic, partition, start)?;
        Ok(Box::new(LineReader { line: self.clone(), topic: topic.into(), reader }))
    }

    fn join(&self, group: &str, topic: &str) -> Result<Box<dyn Membership>, PortError> {
        self.seen(topic)?;
        self.bus.join(group, topic)
    }
}

struct LineSender {
    line: Line,
    answers: Vec<Delivery>,
}

impl Sender for LineSender {
    fn hand_over(&mut self, batch: Vec<Outgoing>) {
        let count = batch.len();
        // Behind a record that failed nothing is taken until every answer was fetched.
        let answers = if self.answers.iter().any(Result::is_err) {
            vec![Err(PortError::Broken("an earlier record failed".into())); count]
        } else {
            self.line.write(batch)
        };
        self.answers.extend(answers);
    }

    fn answers(&mut self, _count: usize, _timeout: Duration) -> Vec<Delivery> {
        std::mem::take(&mut self.answers)
    }
}

struct LineReader {
    line: Line,
    topic: String,
    reader: Box<dyn Reader>,
}

impl Reader for LineReader {
    fn read(&mut self, max: usize, wait: Duration) -> Result<Vec<Incoming>, PortError> {
        match self.line.cut() {
            // As librdkafka does it: nothing comes, and nothing tells why.
            Some(Cut::Dead | Cut::NoFeeds) if self.line.seen(&self.topic).is_err() => Ok(Vec::new()),
            Some(Cut::Trickle) => self.reader.read(1, wait),
            _ => self.reader.read(max, wait),
        }
    }
}
