//! Tickets: on accept where a printer is set, and whenever somebody asks.

use std::sync::Arc;

use aisle_domain::OrderId;
use aisle_mirror::settings;

use crate::{
    desk::Desk,
    error::{AppError, RpcError},
    events::Event,
    ticket::{self, Around},
};

/// The printers of this computer.
pub trait Printer: Send + Sync {
    /// Their names.
    ///
    /// # Errors
    /// Why they cannot be told, in words.
    fn queues(&self) -> Result<Vec<String>, String>;

    /// Hands a text to a printer; answers once it is taken.
    ///
    /// # Errors
    /// Why it is not, in words.
    fn print(&self, queue: &str, title: &str, text: &str) -> Result<(), String>;
}

/// A desk without printers, as at the terminal.
#[derive(Debug, Clone, Copy)]
pub struct NoPrinter;

impl Printer for NoPrinter {
    fn queues(&self) -> Result<Vec<String>, String> {
        Ok(Vec::new())
    }

    fn print(&self, _: &str, _: &str, _: &str) -> Result<(), String> {
        Err("there is no printer here".into())
    }
}

pub(crate) const PRINTER: &str = "printer";

fn cannot(why: String) -> AppError {
    AppError::Printer(why)
}

impl Desk {
    /// The printers that can be set.
    pub fn printers(&self) -> Result<Vec<String>, AppError> {
        self.printer.queues().map_err(cannot)
    }

    /// The printer that is set.
    pub(crate) fn set_printer(&self) -> Result<Option<String>, AppError> {
        Ok(self.mirror.read(|conn| settings::get(conn, PRINTER))?.filter(|name| !name.is_empty()))
    }

    /// Refuses a printer that is not there.
    pub(crate) fn check_printer(&self, name: &str) -> Result<(), AppError> {
        if name.is_empty() {
            return Ok(());
        }
        let known = self.printers()?;
        if known.iter().any(|one| one == name) {
            return Ok(());
        }
        let there =
            if known.is_empty() { "there is none".into() } else { format!("there are {}", known.join(", ")) };
        Err(cannot(format!("this computer has no printer \"{name}\"; {there}")))
    }

    fn ticket(&self, id: OrderId) -> Result<(String, String), AppError> {
        let (order, store) = (self.require_order(id)?, self.store()?);
        let detail = self.order(id)?;
        let local = |at| crate::wording::local(&store, at);
        let (due, queued, printed) =
            (order.due_at.map(local), local(order.queued_time), local(self.central_now()));
        let around = Around {
            store: &store.name,
            desk: &self.mirror.identity().desk_name,
            due: due.as_deref(),
            queued: &queued,
            printed: &printed,
        };
        Ok((format!("Pick list {}", order.display_no), ticket::text(&detail, around)))
    }

    /// Prints an order's pick list at the printer that is set.
    ///
    /// # Errors
    /// `printer_failed` where none is set, it is not there or takes nothing.
    pub fn print_order(&self, id: OrderId) -> Result<(), AppError> {
        let queue = self.set_printer()?.ok_or_else(|| cannot("no printer is set for this desk".into()))?;
        let (title, text) = self.ticket(id)?;
        self.printer.print(&queue, &title, &text).map_err(cannot)
    }

    /// Prints an order that was accepted, where a printer is set. Nobody waits for it; that it failed is told.
    pub(crate) fn print_accepted(&self, id: OrderId) {
        let job = self.set_printer().and_then(|queue| match queue {
            Some(queue) => Ok(Some((queue, self.ticket(id)?))),
            None => Ok(None),
        });
        let (queue, (title, text)) = match job {
            Ok(Some(job)) => job,
            Ok(None) => return,
            Err(error) => return self.tell_unprinted(id, error),
        };
        let (printer, hub) = (Arc::clone(&self.printer), Arc::clone(&self.hub));
        let order_id = id.to_string();
        let begun = std::thread::Builder::new().name("print".into()).spawn(move || {
            if let Err(why) = printer.print(&queue, &title, &text) {
                hub.emit(&Event::Unprinted { order_id, error: RpcError::from(cannot(why)) });
            }
        });
        if let Err(why) = begun {
            self.tell_unprinted(id, cannot(why.to_string()));
        }
    }

    fn tell_unprinted(&self, id: OrderId, error: AppError) {
        self.hub.emit(&Event::Unprinted { order_id: id.to_string(), error: error.into() });
    }
}
