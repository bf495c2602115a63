//! A line that cannot be opened on this computer: everything that is asked of it is answered with the reason.

use std::time::Duration;

use aisle_contract::{Bounds, ClusterView, Membership, PortError, Reader, Sender, Start, Transport};

/// Holds the reason.
pub(crate) struct Closed(pub(crate) PortError);

impl Transport for Closed {
    fn metadata(&self, _: &[String], _: Duration) -> Result<ClusterView, PortError> {
        Err(self.0.clone())
    }

    fn bounds(&self, _: &str, _: i32, _: Duration) -> Result<Bounds, PortError> {
        Err(self.0.clone())
    }

    fn sender(&self) -> Result<Box<dyn Sender>, PortError> {
        Err(self.0.clone())
    }

    fn reader(&self, _: &str, _: i32, _: Start) -> Result<Box<dyn Reader>, PortError> {
        Err(self.0.clone())
    }

    fn join(&self, _: &str, _: &str) -> Result<Box<dyn Membership>, PortError> {
        Err(self.0.clone())
    }
}
