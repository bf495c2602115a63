//! Which requests are answered by what, and what a desk may say of it.

use aisle_contract::PortError;
use rdkafka::types::{RDKafkaApiKey as Api, RDKafkaRespErr};

/// Answers, by their number in the protocol, and what the ports make of them. One that says that a batch is in the log
/// already is left out: a cluster only says so where it is true.
pub(crate) const ANSWERS: [(i32, &str); 36] = [
    (-1, "connection_broken"),
    (1, "connection_broken"),
    (2, "timed_out"),
    (3, "topic_missing"),
    (4, "too_large"),
    (5, "timed_out"),
    (6, "timed_out"),
    (7, "timed_out"),
    (8, "unreachable"),
    (9, "timed_out"),
    (10, "too_large"),
    (13, "unreachable"),
    (14, "timed_out"),
    (15, "timed_out"),
    (16, "timed_out"),
    (17, "bad_settings"),
    (18, "too_large"),
    (19, "not_enough_replicas"),
    (20, "not_enough_replicas"),
    (22, "timed_out"),
    (25, "timed_out"),
    (27, "timed_out"),
    (29, "not_authorized"),
    (30, "not_authorized"),
    (31, "not_authorized"),
    (35, "bad_settings"),
    (42, "bad_settings"),
    (44, "bad_settings"),
    (45, "connection_broken"),
    (56, "timed_out"),
    (58, "auth_failed"),
    (59, "connection_broken"),
    (74, "timed_out"),
    (75, "timed_out"),
    (87, "bad_settings"),
    (89, "timed_out"),
];

/// The client cuts the connection instead of an answer.
pub(crate) const CUT: i32 = -195;

const DESKS: [Api; 6] =
    [Api::Metadata, Api::Produce, Api::Fetch, Api::ListOffsets, Api::InitProducerId, Api::ApiVersion];
const WORKERS: [Api; 6] =
    [Api::FindCoordinator, Api::JoinGroup, Api::SyncGroup, Api::Heartbeat, Api::OffsetFetch, Api::OffsetCommit];

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The next requests of this kind are answered so.
    Answer(Api, i32),
    /// Nobody leads the partition that is written to.
    NoLeaderOfChanges,
    /// Nobody leads the partition that is read; later in the run another machine does, since the library's mock falls
    /// over when somebody is reading a partition that has no leader.
    LeaderOfFeed,
    /// This machine is gone for a while.
    Down(i32),
    /// Another machine looks after the group.
    CoordinatorMoves,
}

impl Fault {
    pub(crate) fn is_workers(self) -> bool {
        match self {
            Self::Answer(api, _) => WORKERS.contains(&api),
            Self::CoordinatorMoves => true,
            _ => false,
        }
    }
}

/// One case.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    pub(crate) fault: Fault,
    /// 0, 1 or 2: at the beginning, in the middle, at the end.
    pub(crate) position: usize,
    /// How often it is answered so.
    pub(crate) times: usize,
}

/// The answer as the library names it.
pub(crate) fn answer(number: i32) -> RDKafkaRespErr {
    RDKafkaRespErr::try_from(number).unwrap()
}

impl Case {
    fn word(&self) -> &'static str {
        match self.fault {
            Fault::Answer(_, number) => {
                ANSWERS.iter().find(|(own, _)| *own == number).map_or("unreachable", |(_, word)| word)
            }
            Fault::NoLeaderOfChanges | Fault::LeaderOfFeed => "not_enough_replicas",
            Fault::Down(_) | Fault::CoordinatorMoves => "unreachable",
        }
    }

    /// What it is, or what any client says that got no answer in time, or that was given up.
    pub(crate) fn may_tell(&self, error: &PortError) -> bool {
        [self.word(), "timed_out", "unreachable", "connection_broken"].contains(&error.code())
    }

    /// What somebody has to be told, since it does not pass by itself.
    pub(crate) fn must_tell(&self) -> Option<&'static str> {
        let word = self.word();
        match self.fault {
            Fault::Answer(Api::Metadata, number) if number != CUT => {
                ["topic_missing", "not_authorized", "auth_failed"].contains(&word).then_some(word)
            }
            Fault::Answer(Api::Produce, _) => {
                ["too_large", "not_authorized", "bad_settings"].contains(&word).then_some(word)
            }
            Fault::NoLeaderOfChanges => Some(word),
            _ => None,
        }
    }
}

/// All of them: 1,350.
pub(crate) fn every_case() -> Vec<Case> {
    let mut faults: Vec<Fault> = Vec::new();
    for api in DESKS.into_iter().chain(WORKERS) {
        faults.extend(ANSWERS.map(|(number, _)| Fault::Answer(api, number)));
        faults.push(Fault::Answer(api, CUT));
    }
    faults.extend([Fault::NoLeaderOfChanges, Fault::LeaderOfFeed, Fault::CoordinatorMoves]);
    faults.extend([1, 2, 3].map(Fault::Down));
    let at = |fault| move |position| Case { fault, position, times: 1 + (position + 1) % 3 };
    faults.into_iter().flat_map(|fault| (0..3).map(at(fault))).collect()
}
