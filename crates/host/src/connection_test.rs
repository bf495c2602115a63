//! Tries a connection step by step, and says at which it fails and what to do.

use std::{
    net::{SocketAddr, TcpStream, ToSocketAddrs},
    sync::Arc,
    time::Duration,
};

use aisle_app::{AppError, ConnectionReport, ConnectionSettings, ConnectionStep, RpcError};
use aisle_contract::{PortError, Transport};
use aisle_domain::{Lane, StoreId};

const PATIENCE: Duration = Duration::from_secs(6);
const NAMES: [&str; 5] = ["address", "reach", "sign_in", "topics", "feed"];

/// Runs all steps; those behind the first that fails are not tried.
pub(crate) fn run(
    settings: &ConnectionSettings,
    line: impl FnOnce() -> Result<Arc<dyn Transport>, RpcError>,
) -> ConnectionReport {
    let mut details: Vec<String> = Vec::new();
    let error = steps(settings, line, &mut details).err();
    let steps = NAMES
        .iter()
        .enumerate()
        .map(|(place, name)| match (details.get(place), &error) {
            (Some(detail), _) => ConnectionStep { name, ok: Some(true), detail: detail.clone() },
            (None, Some(error)) if place == details.len() => {
                ConnectionStep { name, ok: Some(false), detail: error.message.clone() }
            }
            (None, _) => ConnectionStep { name, ok: None, detail: String::new() },
        })
        .collect();
    ConnectionReport { ok: error.is_none(), steps, error }
}

fn told(error: PortError) -> RpcError {
    AppError::from(error).into()
}

fn counted<N: Copy + std::fmt::Display + PartialEq + From<u8>>(count: N, one: &str, many: &str) -> String {
    let what = if count == N::from(1) { one } else { many };
    format!("{count} {what}")
}

fn steps(
    settings: &ConnectionSettings,
    line: impl FnOnce() -> Result<Arc<dyn Transport>, RpcError>,
    done: &mut Vec<String>,
) -> Result<(), RpcError> {
    let store: StoreId = settings.validate()?;
    let addresses = resolve(&settings.brokers)?;
    done.push(counted(addresses.len(), "address", "addresses"));
    let reached =
        addresses.iter().filter(|to| TcpStream::connect_timeout(to, Duration::from_secs(2)).is_ok()).count();
    if reached == 0 {
        return Err(told(PortError::Unreachable("none of the addresses takes a connection".into())));
    }
    let of = counted(addresses.len(), "machine takes", "machines take");
    done.push(format!("{reached} of {of} a connection"));
    let kafka = line()?;
    let names = settings.names();
    let changes = names.changes();
    let view = kafka.metadata(std::slice::from_ref(&changes), PATIENCE).map_err(told)?;
    done.push(counted(view.brokers, "machine answers", "machines answer"));
    let topic = view.topic(&changes).ok_or_else(|| told(PortError::TopicMissing { topic: changes.clone() }))?;
    done.push(format!("{changes} has {}", counted(topic.partitions.len(), "partition", "partitions")));
    let feed = names.feed(store, Lane::Orders);
    let found = kafka.metadata(std::slice::from_ref(&feed), PATIENCE).map_err(told)?;
    if found.topic(&feed).is_none() {
        return Err(told(PortError::TopicMissing { topic: feed }));
    }
    let bounds = kafka.bounds(&feed, 0, PATIENCE).map_err(told)?;
    done.push(format!("{feed} has {}", counted(bounds.high - bounds.low, "message", "messages")));
    Ok(())
}

fn resolve(brokers: &str) -> Result<Vec<SocketAddr>, RpcError> {
    let mut found = Vec::new();
    for address in brokers.split(',').map(str::trim) {
        if let Ok(resolved) = address.to_socket_addrs() {
            found.extend(resolved);
        }
    }
    if found.is_empty() {
        return Err(told(PortError::Unreachable(format!("{brokers} cannot be found in the network"))));
    }
    Ok(found)
}
