//! The header's figures and the session.

use aisle_mirror::{FeedPosition, alarms, conflicts, feed, orders, outbox, pushes, remirror};

use crate::{
    days,
    desk::Desk,
    error::AppError,
    present,
    views::{DeskView, FeedView, LinkView, OutboxView, ReplicaView, Session, SessionState, StatusView, Waiting},
};
use aisle_domain::{Lane, OrderStatus, Timestamp};
use aisle_sync::{SyncStatus, seen_beside};

impl Desk {
    /// The header's figures, and `aisle status`.
    pub fn status(&self) -> Result<StatusView, AppError> {
        let now = self.now();
        let since = days::begun(&self.store()?, now, 0);
        let identity = self.mirror.identity();
        // Of this program, or of the one that has the desk open beside it.
        let sync = self.sync_status().or_else(|| seen_beside(self.mirror.dir(), now));
        let (outbox, waiting, epoch, parked, conflicts, received_today, positions) = self.mirror.read(|conn| {
            let counts = outbox::counts(conn)?;
            let by_status = orders::counts(conn)?;
            let of = |status| by_status.get(&status).copied().unwrap_or(0);
            let waiting = Waiting {
                new: of(OrderStatus::New),
                payments: of(OrderStatus::Pending),
                picking: of(OrderStatus::Running),
                refused: counts.refused,
                unheard: i64::try_from(alarms::unheard(conn)?.len()).unwrap_or(i64::MAX),
            };
            let positions: Vec<(Lane, Option<FeedPosition>)> = Lane::ALL
                .into_iter()
                .map(|lane| Ok((lane, feed::position(conn, lane)?)))
                .collect::<Result<_, aisle_mirror::MirrorError>>()?;
            Ok((
                counts,
                waiting,
                feed::epoch(conn)?,
                feed::parked_count(conn)?,
                conflicts::count_open(conn)?,
                outbox::received_since(conn, since)?,
                positions,
            ))
        })?;
        let failure = if sync.is_some() { None } else { self.last_failure()? };
        let last_received = positions.iter().filter_map(|(_, p)| p.as_ref().map(|p| p.received_at)).max();
        let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
        Ok(StatusView {
            store_id: identity.store_id.to_string(),
            desk_id: identity.desk_id.to_string(),
            incarnation: identity.incarnation.to_string(),
            epoch: epoch.map(|epoch| epoch.to_string()),
            link: link(sync.as_ref(), failure.as_deref()),
            outbox: OutboxView {
                held: outbox.held,
                ready: outbox.ready,
                sent: outbox.sent,
                refused: outbox.refused,
                oldest_age_s: outbox.oldest_at.map(|at| now.since(at).max(0) / 1000),
            },
            feeds: self.feed_views(sync.as_ref(), &positions),
            parked,
            conflicts,
            last_push_at: text(sync.as_ref().and_then(|s| s.last_push_at)),
            next_push_at: text(sync.as_ref().and_then(|s| s.next_push_at)),
            last_received_at: text(sync.as_ref().and_then(|s| s.last_received_at).or(last_received)),
            clock_offset_ms: sync.as_ref().and_then(|s| s.clock_offset_ms),
            signed: self.connection.enrolled.is_some(),
            secrets: self.connection.enrolled.as_ref().map(|enrolled| enrolled.secrets),
            schema_version: identity.schema_version,
            cluster: sync.as_ref().and_then(|s| s.cluster.as_ref()).map(|c| ReplicaView {
                brokers: u32::try_from(c.brokers).unwrap_or(u32::MAX),
                replicas: u32::try_from(c.replicas).unwrap_or(u32::MAX),
                in_sync: u32::try_from(c.in_sync).unwrap_or(u32::MAX),
            }),
            missed_pushes: sync.as_ref().map_or(0, |s| s.missed_pushes),
            pushing: sync.as_ref().is_some_and(|s| s.pushing),
            received_today,
            now: now.to_string(),
            waiting,
        })
    }

    /// What stopped the last push, if something did.
    fn last_failure(&self) -> Result<Option<String>, AppError> {
        Ok(self.mirror.read(|conn| pushes::recent(conn, 1))?.into_iter().next().and_then(|push| push.error))
    }

    fn feed_views(&self, sync: Option<&SyncStatus>, positions: &[(Lane, Option<FeedPosition>)]) -> Vec<FeedView> {
        let names = self.connection.names();
        let store = self.mirror.identity().store_id;
        let is_under_way = |lane: &Lane| self.mirror.read(|conn| Ok(remirror::of_lane(conn, *lane)?.is_some()));
        let remirroring: Vec<Lane> =
            Lane::ALL.into_iter().filter(|lane| is_under_way(lane).unwrap_or(false)).collect();
        positions
            .iter()
            .map(|(lane, position)| {
                let live = sync.and_then(|s| s.feeds.iter().find(|feed| feed.lane == *lane));
                FeedView {
                    topic: names.feed(store, *lane),
                    position: live
                        .map(|feed| feed.position)
                        .or(position.as_ref().map(|p| p.next_offset))
                        .unwrap_or(0),
                    end: live.and_then(|feed| feed.end),
                    behind: live.and_then(|feed| feed.behind),
                    remirroring: remirroring.contains(lane),
                }
            })
            .collect()
    }

    /// Which store and desk is open.
    pub fn session(&self) -> Session {
        let identity = self.mirror.identity();
        // A session is shown before anything else: it falls back to what is known without the database.
        let store = self.store().unwrap_or_else(|_| present::unknown_store(identity.store_id));
        let (person, locked) = self.presence_view();
        Session {
            state: SessionState::Desk,
            rehearsal: self.rehearsal,
            version: env!("CARGO_PKG_VERSION").into(),
            store: Some(present::store(&store)),
            desk: Some(DeskView {
                desk_id: identity.desk_id.to_string(),
                name: identity.desk_name.clone(),
                data: self.mirror.dir().display().to_string(),
                printer: self.set_printer().unwrap_or_default(),
            }),
            person,
            locked,
        }
    }
}

fn link(sync: Option<&SyncStatus>, failure: Option<&str>) -> LinkView {
    match sync {
        Some(status) => LinkView {
            state: status.link.state.word(),
            since: status.link.since.map(|at| at.to_string()),
            cause: status.link.cause.as_ref().map(aisle_sync::Cause::words),
            hint: status.link.cause.as_ref().and_then(aisle_sync::Cause::hint).map(Into::into),
            keeps_nothing: matches!(status.link.cause, Some(aisle_sync::Cause::Database(_))),
            catching_up: status.catching_up,
            throttled_ms: status.throttled_ms,
        },
        // Without a running sync nothing is known of the line; silence is never taken for health.
        None => LinkView {
            state: "this_computer",
            since: None,
            cause: Some(failure.map_or_else(
                || "no sync is running in this program".into(),
                |words| format!("no sync is running in this program; the last push failed: {words}"),
            )),
            hint: None,
            keeps_nothing: false,
            catching_up: false,
            throttled_ms: None,
        },
    }
}
