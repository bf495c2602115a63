//! Why a desk takes a new numbering. Whoever notices says so here; the numbers themselves are given anew before the
//! next change is numbered, since only there is the randomness that an incarnation is made of.

use aisle_contract::{DeskAck, KnownNumbering};
use aisle_domain::{ChangeId, Incarnation, Subject, Timestamp};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    audit::{self, Entry},
    error::Result,
    mirror::Mirror,
    outbox,
    prices::PriceSource,
    refold,
    row::bad,
    settings,
};

/// Why numbers are given anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anew {
    /// Central took another change under a number of this desk: there is a copy of it.
    Forked,
    /// Central waits for a number that this desk has not given yet: its data is older than what it has sent.
    Ahead,
    /// Central waits for a number that this desk does not have any more.
    Forgotten,
    /// The data folder lies somewhere else than before.
    Copied,
    /// The data comes from a backup.
    Restored,
    /// Central's history is another one, which does not know what was acknowledged.
    Epoch,
}

impl Anew {
    /// Every reason.
    pub const ALL: [Self; 6] =
        [Self::Forked, Self::Ahead, Self::Forgotten, Self::Copied, Self::Restored, Self::Epoch];

    /// The word of the audit log.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Forked => "forked",
            Self::Ahead => "ahead",
            Self::Forgotten => "forgotten",
            Self::Copied => "copied",
            Self::Restored => "restored",
            Self::Epoch => "epoch",
        }
    }

    /// What it means, for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Forked => {
                "a copy of this desk sends under its numbers; look for a second computer with its data"
            }
            Self::Ahead => "central has more of this desk than is here; its data may be an older copy",
            Self::Forgotten => "central waits for a change that is no longer here",
            Self::Copied => "the data folder was copied or moved",
            Self::Restored => "a backup was restored",
            Self::Epoch => "central was restored and does not know what it had acknowledged",
        }
    }

    /// Whether another copy of this desk's data is or was about, which may have sent what waits in this one.
    const fn is_of_a_copy(self) -> bool {
        match self {
            Self::Forked | Self::Ahead | Self::Copied | Self::Restored => true,
            Self::Forgotten | Self::Epoch => false,
        }
    }
}

/// That numbers are to be given anew, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wanted {
    /// Why.
    pub why: Anew,
    /// What was seen.
    pub facts: Value,
    /// When.
    pub at: Timestamp,
}

/// A numbering that was given up, for whoever asks why.
#[derive(Debug, Clone, PartialEq)]
pub struct Renumbered {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub why: Anew,
}

const KEY: &str = "numbering.anew";
const KIND: &str = "desk.renumbered";

/// Whether numbers are to be given anew, and why.
pub fn wanted(conn: &Connection) -> Result<Option<Wanted>> {
    Ok(settings::get(conn, KEY)?.map(|json| serde_json::from_str(&json)).transpose()?)
}

/// Notes that numbers are to be given anew. The first reason stays; true when this is it.
pub(crate) fn want(tx: &Transaction<'_>, why: Anew, facts: Value, at: Timestamp) -> Result<bool> {
    if why.is_of_a_copy() {
        outbox::suspect(tx)?;
    }
    if wanted(tx)?.is_some() {
        return Ok(false);
    }
    tracing::warn!(why = why.word(), %facts, "this desk's numbers are given anew before anything more is numbered");
    let wanted = Wanted { why, facts, at };
    settings::set(tx, KEY, &serde_json::to_string(&wanted)?)?;
    Ok(true)
}

/// What speaks against an ack: nothing is acknowledged by one that means another desk's changes.
pub(crate) fn objection(conn: &Connection, ack: &DeskAck) -> Result<Option<(Anew, Value)>> {
    let facts = |own: Option<ChangeId>| {
        json!({
            "lane": ack.lane.word(), "incarnation": ack.incarnation, "number": ack.expected - 1, "central": ack.last,
            "own": own,
        })
    };
    if ack.forked {
        return Ok(Some((Anew::Forked, facts(None))));
    }
    if ack.expected > outbox::next_seq(conn, ack.lane, ack.incarnation)? {
        return Ok(Some((Anew::Ahead, facts(None))));
    }
    let own: Option<String> = conn
        .prepare_cached("SELECT change_id FROM outbox WHERE incarnation = ?1 AND lane = ?2 AND seq = ?3")?
        .query_row(params![ack.incarnation.to_string(), ack.lane.word(), ack.expected - 1], |row| row.get(0))
        .optional()?;
    let own: Option<ChangeId> = own.map(|text| text.parse().map_err(|e| bad("change_id", e))).transpose()?;
    Ok(match (own, ack.last) {
        (Some(own), Some(last)) if own != last => Some((Anew::Forked, facts(Some(own)))),
        _ => None,
    })
}

/// The last numberings that were given up, newest first.
pub fn recent(conn: &Connection, limit: usize) -> Result<Vec<Renumbered>> {
    let entries = audit::of_kind(conn, KIND, limit)?;
    let read = |entry: audit::AuditEntry| {
        let word = entry.text_json.get("why").and_then(Value::as_str).unwrap_or_default().to_owned();
        let why = Anew::ALL.into_iter().find(|why| why.word() == word).ok_or_else(|| bad("body", word))?;
        Ok(Renumbered { at: entry.at, why })
    };
    entries.into_iter().map(read).collect()
}

/// Takes a new incarnation inside a transaction.
pub(crate) fn renumber(tx: &Transaction<'_>, new: Incarnation, wanted: &Wanted, at: Timestamp) -> Result<()> {
    let before: String = tx.prepare_cached("SELECT incarnation FROM identity")?.query_row([], |row| row.get(0))?;
    let again = outbox::renumber(tx, new)?;
    if wanted.why == Anew::Restored {
        outbox::suspect(tx)?;
    }
    settings::remove(tx, KEY)?;
    let body = json!({
        "why": wanted.why.word(), "facts": wanted.facts, "before": before, "now": new, "numbered_anew": again,
    });
    let body = &body.to_string();
    audit::append(tx, &Entry { at, kind: KIND, subject: Subject::Store, by: None, change_id: None, body })
}

impl Mirror {
    /// Takes a new incarnation because central waits for a number that this desk cannot give: it went back. What it had
    /// acknowledged is sent again, but for what this ack says it knows: of the other lane nobody knows how far it went
    /// back, and a younger change must not come before an older one that is gone there.
    pub fn renumber_from(&self, incarnation: Incarnation, ack: &DeskAck, at: Timestamp) -> Result<()> {
        self.write(|tx| {
            let known = KnownNumbering { incarnation: ack.incarnation, lane: ack.lane, expected: ack.expected };
            let forgotten = outbox::unknown_to(tx, &[known])?;
            let subjects = outbox::take_back(tx, &forgotten)?;
            for subject in subjects {
                refold::refold(tx, subject, PriceSource { by: Some("central"), source: "central", at })?;
            }
            let facts = json!({
                "lane": ack.lane.word(), "expected": ack.expected, "sent_again": forgotten.len(),
            });
            renumber(tx, incarnation, &Wanted { why: Anew::Forgotten, facts, at }, at)
        })
    }

    /// Takes a new incarnation: changes without central's word give their numbers back and are numbered anew, in the
    /// order of acting.
    pub fn renumber(&self, incarnation: Incarnation, why: Anew, at: Timestamp) -> Result<()> {
        self.write(|tx| {
            let wanted = match wanted(tx)? {
                Some(wanted) => wanted,
                None => Wanted { why, facts: Value::Null, at },
            };
            renumber(tx, incarnation, &wanted, at)
        })
    }
}
