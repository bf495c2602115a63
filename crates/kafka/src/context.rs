//! What librdkafka tells of itself: errors are kept for whoever asks why nothing happens, logs go to tracing.

use std::sync::{Arc, Mutex, PoisonError};

use aisle_contract::PortError;
use rdkafka::{ClientContext, config::RDKafkaLogLevel, consumer::ConsumerContext, error::KafkaError};

use crate::error_class::classify_kafka;

/// Why the cluster turned a client away, until something works again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Health(Arc<Mutex<Option<PortError>>>);

impl Health {
    /// Why the cluster turned this client away, if it did so last.
    pub(crate) fn refusal(&self) -> Option<PortError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn works(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
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
