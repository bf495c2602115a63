//! Where the line is cut, told from what was seen. Silence is never health: the line is up only when central has
//! answered.

use std::{
    net::{SocketAddr, TcpStream, ToSocketAddrs, UdpSocket},
    time::Duration,
};

use aisle_contract::PortError;
use aisle_domain::Timestamp;
use aisle_mirror::MirrorError;
use serde::{Deserialize, Serialize};

/// Central that answers nothing for this long while the cluster takes what is sent, or whose heartbeats stay away for
/// as long, is silent. Two of its heartbeats and a little, so that one may be late.
const SILENT: Duration = Duration::from_secs(36);

/// The line to central.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkState {
    /// Central answers.
    Up,
    /// This computer has no network, or cannot keep what comes.
    ThisComputer,
    /// The way out of the store is cut.
    StoreInternet,
    /// Central's side is down, misses something, or is silent.
    Central,
}

impl LinkState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Up, Self::ThisComputer, Self::StoreInternet, Self::Central];

    /// The word of screens and of the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::ThisComputer => "this_computer",
            Self::StoreInternet => "store_internet",
            Self::Central => "central",
        }
    }
}

/// Why the line is not up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// Nothing was heard yet since the start.
    NotHeardYet,
    /// This computer cannot open its line.
    Closed {
        /// Why.
        why: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// There is no network.
    NoNetwork,
    /// The name of central's machines cannot be resolved.
    NameUnknown,
    /// Central's machines refuse the connection.
    Refused,
    /// Nothing answers.
    TimedOut,
    /// A machine takes the connection and does not answer.
    NoAnswer,
    /// The credentials are refused.
    AuthFailed(String),
    /// The credentials may not use something.
    NotAuthorized(String),
    /// A topic is not there, or may not be seen.
    TopicMissing(String),
    /// Too few of the cluster's machines are in sync.
    TooFewReplicas {
        /// In sync.
        in_sync: usize,
        /// Of how many.
        replicas: usize,
    },
    /// The cluster takes what is sent and central does not answer.
    CentralSilent {
        /// Since when.
        since: Timestamp,
    },
    /// This desk's own database does not take what comes: nothing can be done here either until it does.
    Database(Stopped),
    /// Anything else, in the transport's words.
    Other(String),
}

impl Cause {
    /// What is wrong, in words.
    pub fn words(&self) -> String {
        match self {
            Self::NotHeardYet => "central has not answered yet".into(),
            Self::Closed { why, .. } => why.clone(),
            Self::NoNetwork => "this computer has no network".into(),
            Self::NameUnknown => "the address of central cannot be found".into(),
            Self::Refused => "central's machines refuse the connection".into(),
            Self::TimedOut => "nothing answers at central's address".into(),
            Self::NoAnswer => "central's machines take the connection and do not answer".into(),
            Self::AuthFailed(why) => format!("central refuses this desk's credentials: {why}"),
            Self::NotAuthorized(what) => format!("this desk may not use {what}"),
            Self::TopicMissing(topic) => format!("the topic {topic} is missing or may not be seen"),
            Self::TooFewReplicas { in_sync, replicas } => {
                format!("only {in_sync} of {replicas} machines have a copy; pushes wait until all have")
            }
            Self::CentralSilent { since } => {
                format!("the cluster is up and central has been silent since {since}")
            }
            Self::Database(stopped) => stopped.why.clone(),
            Self::Other(words) => words.clone(),
        }
    }

    /// What somebody here can do about it.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Closed { hint, .. } | Self::Database(Stopped { hint, .. }) => hint.as_deref(),
            _ => None,
        }
    }
}

/// The line with its cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkStatus {
    /// Where it is cut.
    pub state: LinkState,
    /// Since when it is so.
    pub since: Option<Timestamp>,
    /// Why it is not up.
    pub cause: Option<Cause>,
}

/// What a probe of the network found, below Kafka.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// No route.
    NoNetwork,
    /// No such name.
    NameUnknown,
    /// Refused at the other end.
    Refused,
    /// No answer.
    TimedOut,
    /// Taken.
    Connected,
}

/// What a desk's own database said when it stopped the sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    /// Why.
    pub why: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl From<&MirrorError> for Stopped {
    fn from(error: &MirrorError) -> Self {
        Self { why: error.to_string(), hint: error.hint() }
    }
}

/// How long something is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lasting {
    /// Since when, for showing.
    pub since: Timestamp,
    /// How long, by a clock that never jumps.
    pub lasts: Duration,
}

/// What was seen of the line.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// What this desk's own database said when it stopped the last push or reading.
    pub database: Option<Stopped>,
    /// What stopped the last attempt to ask, push or read.
    pub error: Option<PortError>,
    /// What the network said then.
    pub probe: Option<Probe>,
    /// Copies in sync, and how many there should be.
    pub replicas: Option<(usize, usize)>,
    /// The oldest thing that the cluster took waits for central's answer.
    pub unanswered: Option<Lasting>,
    /// No heartbeat of central's came, where some came before.
    pub unheard: Option<Lasting>,
    /// Whether central has ever answered.
    pub is_known: bool,
}

/// Where the line is cut.
pub fn diagnose(seen: &Evidence) -> (LinkState, Option<Cause>) {
    if let Some(stopped) = &seen.database {
        return (LinkState::ThisComputer, Some(Cause::Database(stopped.clone())));
    }
    if let Some(error) = &seen.error {
        let (state, cause) = of_error(error, seen);
        return (state, Some(cause));
    }
    let silences = [seen.unanswered, seen.unheard].into_iter().flatten();
    let silent = silences.filter(|silence| silence.lasts > SILENT).map(|silence| silence.since);
    match silent.min() {
        Some(since) => (LinkState::Central, Some(Cause::CentralSilent { since })),
        None if seen.is_known => (LinkState::Up, None),
        None => (LinkState::Central, Some(Cause::NotHeardYet)),
    }
}

fn of_error(error: &PortError, seen: &Evidence) -> (LinkState, Cause) {
    match error {
        PortError::Closed { why, hint } => {
            (LinkState::ThisComputer, Cause::Closed { why: why.clone(), hint: hint.clone() })
        }
        PortError::AuthFailed(why) => (LinkState::Central, Cause::AuthFailed(why.clone())),
        PortError::NotAuthorized { what } => (LinkState::Central, Cause::NotAuthorized(what.clone())),
        PortError::TopicMissing { topic } => (LinkState::Central, Cause::TopicMissing(topic.clone())),
        PortError::NotEnoughReplicas => {
            let (in_sync, replicas) = seen.replicas.unwrap_or_default();
            (LinkState::Central, Cause::TooFewReplicas { in_sync, replicas })
        }
        PortError::Unreachable(_) | PortError::TimedOut(_) | PortError::Broken(_) => match seen.probe {
            Some(Probe::NoNetwork) => (LinkState::ThisComputer, Cause::NoNetwork),
            Some(Probe::NameUnknown) => (LinkState::StoreInternet, Cause::NameUnknown),
            Some(Probe::TimedOut) => (LinkState::StoreInternet, Cause::TimedOut),
            Some(Probe::Refused) => (LinkState::Central, Cause::Refused),
            Some(Probe::Connected) => (LinkState::Central, Cause::NoAnswer),
            None => (LinkState::Central, Cause::Other(error.to_string())),
        },
        PortError::TooLarge | PortError::OutOfRange { .. } | PortError::BadSettings(_) => {
            (LinkState::Central, Cause::Other(error.to_string()))
        }
    }
}

/// Asks the network itself, where Kafka only says that nothing answers: the best that any address gives.
pub(crate) fn probe(addresses: &[String], timeout: Duration) -> Option<Probe> {
    let mut best = None;
    for address in addresses {
        let found = probe_one(address, timeout);
        if found == Probe::Connected {
            return Some(found);
        }
        best = match (best, found) {
            (Some(Probe::Refused), _) => Some(Probe::Refused),
            (_, found) => Some(found),
        };
    }
    best
}

fn probe_one(address: &str, timeout: Duration) -> Probe {
    let Ok(mut found) = address.to_socket_addrs() else { return Probe::NameUnknown };
    let Some(to) = found.next() else { return Probe::NameUnknown };
    if !has_route(to) {
        return Probe::NoNetwork;
    }
    match TcpStream::connect_timeout(&to, timeout) {
        Ok(_) => Probe::Connected,
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => Probe::Refused,
        Err(_) => Probe::TimedOut,
    }
}

/// Connecting a datagram socket sends nothing; it only looks for a route.
fn has_route(to: SocketAddr) -> bool {
    let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    UdpSocket::bind(any).and_then(|socket| socket.connect(to)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(error: PortError, probe: Option<Probe>) -> LinkState {
        diagnose(&Evidence { error: Some(error), probe, ..Evidence::default() }).0
    }

    const SINCE: Timestamp = Timestamp::from_millis(1_000_000);

    const fn lasting(seconds: u64) -> Lasting {
        Lasting { since: SINCE, lasts: Duration::from_secs(seconds) }
    }

    #[test]
    fn each_fault_is_told_where_it_is() {
        let gone = || PortError::Unreachable("x".into());
        assert_eq!(after(gone(), Some(Probe::NoNetwork)), LinkState::ThisComputer);
        assert_eq!(after(gone(), Some(Probe::NameUnknown)), LinkState::StoreInternet);
        assert_eq!(after(gone(), Some(Probe::TimedOut)), LinkState::StoreInternet);
        assert_eq!(after(gone(), Some(Probe::Refused)), LinkState::Central);
        assert_eq!(after(PortError::NotEnoughReplicas, None), LinkState::Central);
        assert_eq!(after(PortError::TopicMissing { topic: "t".into() }, None), LinkState::Central);
    }

    #[test]
    fn a_line_that_this_computer_cannot_open_is_not_central_s_fault() {
        let error = PortError::Closed { why: "the keychain is locked".into(), hint: Some("unlock it".into()) };
        let seen = Evidence { error: Some(error), probe: Some(Probe::Refused), ..Evidence::default() };
        let (state, cause) = diagnose(&seen);
        let cause = cause.unwrap();
        assert_eq!(state, LinkState::ThisComputer);
        assert_eq!((cause.words().as_str(), cause.hint()), ("the keychain is locked", Some("unlock it")));
    }

    #[test]
    fn silence_is_never_health() {
        assert_eq!(diagnose(&Evidence::default()), (LinkState::Central, Some(Cause::NotHeardYet)));
        let silent = (LinkState::Central, Some(Cause::CentralSilent { since: SINCE }));
        let known = Evidence { is_known: true, ..Evidence::default() };
        assert_eq!(diagnose(&Evidence { unanswered: Some(lasting(37)), ..known.clone() }), silent);
        assert_eq!(diagnose(&Evidence { unheard: Some(lasting(37)), ..known }), silent);
    }

    #[test]
    fn the_line_is_up_once_central_has_answered() {
        let seen = Evidence {
            is_known: true,
            unanswered: Some(lasting(5)),
            unheard: Some(lasting(19)),
            ..Evidence::default()
        };
        assert_eq!(diagnose(&seen), (LinkState::Up, None));
    }

    #[test]
    fn a_database_that_takes_nothing_is_told_before_all_else() {
        let error = Some(PortError::NotEnoughReplicas);
        let seen = Evidence { database: Some((&MirrorError::DiskFull).into()), error, ..Evidence::default() };
        let (state, cause) = diagnose(&seen);
        let cause = cause.unwrap();
        let told = "the disk is full; nothing was changed";
        assert_eq!((state, cause.words().as_str()), (LinkState::ThisComputer, told));
        assert!(cause.hint().unwrap().contains("free some space"), "{cause:?}");
    }

    #[test]
    fn a_closed_port_is_refused_and_told_so() {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let found = probe(&[format!("127.0.0.1:{port}")], Duration::from_secs(1));
        assert_eq!(found, Some(Probe::Refused));
    }
}
