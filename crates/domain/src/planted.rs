//! Bugs that are planted on purpose, one at a time, to prove that the tests would catch them. Only a build with the
//! feature `planted` has them, and a build without debug assertions cannot have that feature.

#[cfg(all(feature = "planted", not(debug_assertions)))]
compile_error!("planted bugs prove the tests; no release has them");

macro_rules! planted {
    ($($(#[$doc:meta])* $bug:ident = $word:literal,)*) => {
        /// A bug.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Planted {
            $($(#[$doc])* $bug,)*
        }

        impl Planted {
            /// Every bug.
            pub const ALL: &'static [Self] = &[$(Self::$bug),*];

            /// Its name.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$bug => $word,)*
                }
            }
        }
    };
}

planted! {
    /// An act is said to be done before it is on the disk.
    DoneBeforeSync = "done_before_sync",
    /// The desk's database is opened with `synchronous = NORMAL`.
    SyncNormal = "sync_normal",
    /// A change counts as written before the cluster has reported it.
    SentBeforeReport = "sent_before_report",
    /// A change counts as received once the cluster has it.
    ReceivedOnDelivery = "received_on_delivery",
    /// A feed's position is written before its rows.
    PositionBeforeRows = "position_before_rows",
    /// Central takes a change that it has seen before.
    NoDedup = "no_dedup",
    /// A new numbering goes under the old incarnation.
    SameIncarnation = "same_incarnation",
    /// Changes are numbered by the clock, not in the order of acting.
    OrderByClock = "order_by_clock",
    /// After a failed sync writing goes on.
    WritesAfterFailedSync = "writes_after_failed_sync",
    /// Transactions that write begin as ones that read.
    DeferredBegin = "deferred_begin",
    /// A deleted row goes down as a tombstone at once.
    TombstoneDelete = "tombstone_delete",
    /// A worker's position is committed before what it read is applied.
    OffsetBeforeEffect = "offset_before_effect",
    /// A change overtakes a held one on the same thing.
    HeldIsOvertaken = "held_is_overtaken",
    /// An ack that tells of another cluster is believed.
    AckOfAnotherCluster = "ack_of_another_cluster",
    /// Rows do not go down again when the cluster is another one.
    RowsStayBehind = "rows_stay_behind",
    /// What central has read past is not sent again.
    NoResend = "no_resend",
}

/// Whether this build can have planted bugs.
pub const CAN_PLANT: bool = cfg!(feature = "planted");

#[cfg(feature = "planted")]
mod chosen {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::Planted;

    static CHOSEN: AtomicUsize = AtomicUsize::new(usize::MAX);

    /// Plants a bug in this process, or none.
    pub fn plant(bug: Option<Planted>) {
        let place = bug.and_then(|bug| Planted::ALL.iter().position(|other| *other == bug));
        CHOSEN.store(place.unwrap_or(usize::MAX), Ordering::Relaxed);
    }

    pub(super) fn chosen() -> Option<Planted> {
        Planted::ALL.get(CHOSEN.load(Ordering::Relaxed)).copied()
    }
}

#[cfg(feature = "planted")]
pub use chosen::plant;

/// Whether the bug is planted in this process.
#[cfg(feature = "planted")]
pub fn is_planted(bug: Planted) -> bool {
    chosen::chosen() == Some(bug)
}

/// Never: this build has no planted bugs.
#[cfg(not(feature = "planted"))]
pub const fn is_planted(_bug: Planted) -> bool {
    false
}
