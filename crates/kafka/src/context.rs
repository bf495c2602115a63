//! What librdkafka tells of itself: errors are kept for whoever asks why nothing happens, logs go to tracing.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use aisle_contract::PortError;
use rdkafka::{ClientContext, Statistics, config::RDKafkaLogLevel, consumer::ConsumerContext, error::KafkaError};

use crate::error_class::classify_kafka;

/// A client tells of being made to wait each [`STATISTICS`]; what it told long ago is over.
const OVER: Duration = Duration::from_secs(20);
/// How often a sender tells how it fares.
pub(crate) const STATISTICS: Duration = Duration::from_secs(5);

/// Why the cluster turned a client away, until something works again; and how long it makes it wait.
#[derive(Debug, Clone, Default)]
pub(crate) struct Health(Arc<Mutex<Option<PortError>>>, Arc<Mutex<Option<(Instant, Duration)>>>);

impl Health {
    /// Why the cluster turned this client away, if it did so last.
    pub(crate) fn refusal(&self) -> Option<PortError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn works(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// How long the cluster lately makes a client wait.
    pub(crate) fn throttled(&self) -> Option<Duration> {
        let last = *self.1.lock().unwrap_or_else(PoisonError::into_inner);
        last.filter(|(at, wait)| at.elapsed() < OVER && !wait.is_zero()).map(|(_, wait)| wait)
    }

    /// Takes in how a sender fares.
    pub(crate) fn fares(&self, statistics: &Statistics) {
        let waits = statistics.brokers.values().filter_map(|broker| broker.throttle.as_ref());
        let longest = waits.map(|wait| wait.max).max().unwrap_or(0);
        let wait = Duration::from_millis(u64::try_from(longest).unwrap_or(0));
        *self.1.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), wait));
    }

    fn told(&self, error: PortError) {
        // That one machine cannot be reached is ordinary while others answer: whoever asks finds out.
        if !matches!(error, PortError::AuthFailed(_) | PortError::NotAuthorized { .. }) {
            tracing::debug!(%error, "the cluster's client reports");
            return;
        }
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none() {
            tracing::warn!(%error, "the cluster turns this desk away");
        }
        *last = Some(error);
    }
}

/// Listens to one client.
pub(crate) struct Observer(Health);

impl Observer {
    pub(crate) const fn new(health: Health) -> Self {
        Self(health)
    }
}

impl ClientContext for Observer {
    fn error(&self, error: KafkaError, reason: &str) {
        // The client adds how long it tried, which is another text each time.
        let reason = reason.split(" (after ").next().unwrap_or(reason);
        self.0.told(match classify_kafka(&error, "") {
            PortError::AuthFailed(_) => PortError::AuthFailed(reason.into()),
            PortError::Unreachable(_) => PortError::Unreachable(reason.into()),
            other => other,
        });
    }

    fn log(&self, level: RDKafkaLogLevel, fac: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
                tracing::error!(fac, "{message}");
            }
            // Every refused connection is logged by the client itself, many times a minute.
            _ => tracing::debug!(fac, "{message}"),
        }
    }
}

impl ConsumerContext for Observer {}
