//! Changes on their way: the outbox as people read it.

use aisle_domain::{Change, ChangeId, ItemId, Lane, Order};
use aisle_mirror::{ChangeState, OutboxRow, anew, items, orders, outbox, pushes, remirror};

use crate::{
    days,
    desk::Desk,
    error::AppError,
    views::{ChangeView, NoticeView, Page, PushView, SyncView},
    wording::Words,
};

const SHOWN: usize = 200;
const PUSHES: usize = 8;
const NOTICES: usize = 8;
const NOTICED_MS: i64 = 7 * 24 * 60 * 60 * 1000;

impl Desk {
    /// The Sync screen: refused first, then what waits, then what central has, newest first.
    pub fn sync_view(&self) -> Result<SyncView, AppError> {
        let since = days::begun(&self.store()?, self.now(), 0);
        let (refused, waiting, received, recent, received_today) = self.mirror.read(|conn| {
            use ChangeState::{Held, Ready, Received, Refused, Sent};
            Ok((
                outbox::list(conn, &[Refused], None, SHOWN)?,
                outbox::list(conn, &[Held, Ready, Sent], None, SHOWN)?,
                outbox::newest(conn, &[Received], SHOWN)?,
                pushes::recent(conn, PUSHES)?,
                outbox::received_since(conn, since)?,
            ))
        })?;
        let open = refused.into_iter().filter(|row| !row.closed);
        let changes = open
            .chain(waiting)
            .chain(received)
            .map(|row| self.change_view(&row))
            .collect::<Result<_, AppError>>()?;
        Ok(SyncView {
            changes,
            pushes: recent
                .into_iter()
                .map(|push| PushView {
                    at: push.at.to_string(),
                    sent: push.sent,
                    acked: push.acked,
                    error: push.error,
                })
                .collect(),
            received_today,
            last_received_at: self
                .sync_status()
                .and_then(|status| status.last_received_at)
                .map(|at| at.to_string()),
            notices: self.notices()?,
        })
    }

    /// Why numbers were given anew and feeds mirrored anew in the last week, newest first. The last of either kind are
    /// told: however often a feed was mirrored anew, a copy of this desk stays among them.
    pub fn notices(&self) -> Result<Vec<NoticeView>, AppError> {
        let since = self.now().plus_millis(-NOTICED_MS);
        let (renumbered, remirrored, under_way) = self.mirror.read(|conn| {
            let under_way = Lane::ALL.into_iter().map(|lane| remirror::of_lane(conn, lane));
            let under_way = under_way.collect::<Result<Vec<_>, _>>()?;
            Ok((anew::recent(conn, NOTICES)?, remirror::recent(conn, NOTICES)?, under_way))
        })?;
        let lasts = |at, lane| under_way.iter().flatten().any(|own| own.lane == lane && own.since == at);
        let mut notices: Vec<_> = renumbered
            .iter()
            .map(|n| (n.at, n.why.word(), false, format!("Changes were numbered anew: {}.", n.why.words())))
            .chain(remirrored.iter().map(|(at, lane, why)| {
                let (under_way, words) = (lasts(*at, *lane), why.words());
                let is = if under_way { "is being" } else { "was" };
                let mut text = format!("The {} feed {is} mirrored anew: {words}.", lane.word());
                if under_way {
                    text.push_str(" What is shown stays as it was until then.");
                }
                (*at, why.word(), under_way, text)
            }))
            .filter(|(at, ..)| *at >= since)
            .collect();
        notices.sort_by_key(|(at, ..)| std::cmp::Reverse(*at));
        Ok(notices
            .into_iter()
            .map(|(at, why, under_way, text)| NoticeView { at: at.to_string(), why: why.into(), text, under_way })
            .collect())
    }

    /// A page of changes in the order of acting, for the command line.
    pub fn list_changes(
        &self,
        states: &[ChangeState],
        after: Option<i64>,
        limit: usize,
    ) -> Result<Page<ChangeView>, AppError> {
        let rows = self.mirror.read(|conn| outbox::list(conn, states, after, limit))?;
        let next = (rows.len() >= limit).then(|| rows.last().map(|row| row.id.to_string())).flatten();
        let items = rows.iter().map(|row| self.change_view(row)).collect::<Result<_, AppError>>()?;
        Ok(Page { items, next })
    }

    /// One change.
    pub fn change(&self, id: ChangeId) -> Result<ChangeView, AppError> {
        let row = self.mirror.read(|conn| outbox::load(conn, id))?;
        self.change_view(&row.ok_or_else(|| AppError::NotFound(format!("change {id} in this desk's outbox")))?)
    }

    /// A change in words.
    pub(crate) fn in_words(&self, change: &Change) -> Result<String, AppError> {
        let store = self.store()?;
        let order = match change {
            Change::LineSet(set) => self.mirror.read(|conn| orders::load(conn, set.order))?,
            _ => None,
        };
        let name_of = |id| order.as_ref().and_then(|order| self.name_in(order, id));
        Ok(Words { store: &store, name_of: &name_of }.change(change))
    }

    /// An item's name: as it was ordered, else as the catalog has it.
    pub(crate) fn name_in(&self, order: &Order, id: ItemId) -> Option<String> {
        let ordered = order.lines.iter().find(|line| line.item_id == id).map(|line| line.name.clone());
        ordered.or_else(|| self.mirror.read(|conn| items::load(conn, id)).ok().flatten().map(|item| item.name))
    }

    fn change_view(&self, row: &OutboxRow) -> Result<ChangeView, AppError> {
        let subject = row.change.subject();
        let label = match subject {
            aisle_domain::Subject::Order(id) => {
                let order = self.mirror.read(|conn| orders::load(conn, id))?;
                format!("Order {}", order.map_or_else(|| id.to_string(), |o| o.display_no))
            }
            aisle_domain::Subject::Item(id) => {
                let item = self.mirror.read(|conn| items::load(conn, id))?;
                item.map_or_else(|| format!("Item {id}"), |i| i.name)
            }
            aisle_domain::Subject::Store => "Store".into(),
        };
        Ok(ChangeView {
            change_id: row.change_id.to_string(),
            change_type: row.change.type_word().into(),
            text: self.in_words(&row.change)?,
            subject: subject.to_string(),
            subject_label: label,
            state: row.state.word(),
            by: Some(row.by.clone()),
            acted_at: row.at.to_string(),
            lane: row.lane,
            seq: row.seq,
            partition: row.partition,
            offset: row.offset,
            sent_at: row.sent_at.map(|at| at.to_string()),
            acked_at: row.acked_at.map(|at| at.to_string()),
            code: row.refusal.as_ref().map(|refusal| refusal.code().into()),
            message: row.message.clone().or_else(|| row.refusal.as_ref().map(ToString::to_string)),
            replaces: row.replaces.map(|id| id.to_string()),
            will_be_refused: row.will_be_refused.as_ref().map(ToString::to_string),
            hold_ms: self.hold_ms(row.change_id),
            undoable: row.is_undoable(),
        })
    }
}
