//! What is pushed to the window: it never polls.

use std::sync::{
    Mutex,
    mpsc::{Receiver, Sender, channel},
};

use serde::Serialize;
use ts_rs::TS;

use crate::{
    error::RpcError,
    views::{Session, StatusView},
};

/// Why an alarm rings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum AlarmKind {
    /// A new order.
    New,
    /// Central ended an order that somebody works on.
    Cancelled,
    /// A promise is about to be missed.
    Late,
}

impl AlarmKind {
    pub(crate) fn from_word(word: &str) -> Self {
        match word {
            "cancelled" => Self::Cancelled,
            "late" => Self::Late,
            _ => Self::New,
        }
    }
}

/// An event of the desk. It says what changed; the page reads again what it shows of that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// Another desk, or none, is open.
    Session {
        /// The new session.
        session: Box<Session>,
    },
    /// The header's figures.
    Status {
        /// The figures.
        status: Box<StatusView>,
    },
    /// These orders changed.
    Orders {
        /// Which.
        order_ids: Vec<String>,
    },
    /// These items changed; empty means many.
    Items {
        /// Which.
        item_ids: Vec<String>,
    },
    /// States of changes moved.
    Outbox,
    /// Somebody wants to hear how an alarm sounds.
    AlarmTest,
    /// An order was accepted and its ticket did not come out of the printer that is set.
    Unprinted {
        /// The order.
        order_id: String,
        /// Why.
        error: RpcError,
    },
    /// Whether this computer can ring.
    Sound {
        /// It has a sound device.
        is_there: bool,
    },
    /// An alarm begins or ends.
    Alarm {
        /// Why.
        kind: AlarmKind,
        /// The order.
        order_id: String,
        /// Whether it rings from now on.
        ringing: bool,
    },
}

/// Hands every event to every subscriber; one that has gone is forgotten.
#[derive(Debug, Default)]
pub(crate) struct EventHub {
    subscribers: Mutex<Vec<Sender<Event>>>,
}

impl EventHub {
    pub(crate) fn subscribe(&self) -> Receiver<Event> {
        let (sender, receiver) = channel();
        self.lock().push(sender);
        receiver
    }

    pub(crate) fn emit(&self, event: &Event) {
        self.lock().retain(|subscriber| subscriber.send(event.clone()).is_ok());
    }

    /// Whether anybody listens: what nobody hears need not be worked out.
    pub(crate) fn is_heard(&self) -> bool {
        !self.lock().is_empty()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Sender<Event>>> {
        self.subscribers.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
