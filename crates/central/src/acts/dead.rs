//! Records that could not be applied, and what becomes of them.

use super::{MOST, after, cut_page};
use crate::{
    Centre,
    apply::replay,
    error::CentralError,
    ledger::{DeadLetter, Tx},
    views::{DeadLetterView, Page},
};

fn needed(tx: &Tx<'_>, id: i64) -> Result<DeadLetter, CentralError> {
    tx.dead_letter(id)?.ok_or_else(|| CentralError::NotFound { what: format!("dead letter {id}") })
}

/// As people see it, with what came of a replay.
fn view(tx: &Tx<'_>, letter: &DeadLetter) -> Result<DeadLetterView, CentralError> {
    let known = letter.change.map(|change| tx.known(change)).transpose()?.flatten();
    let refusal = known.and_then(|known| known.refusal).filter(|_| letter.state == "replayed");
    Ok(DeadLetterView::of(letter, refusal.map(|refusal| refusal.to_string())))
}

impl Centre {
    /// Records that could not be applied, oldest first, beyond the cursor `after`.
    pub fn list_dead_letters(
        &self,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<DeadLetterView>, CentralError> {
        let limit = limit.clamp(1, MOST);
        let from = after(cursor)?;
        let views = self.ledger()?.read(|tx| {
            tx.dead_letters(from, i64::from(limit) + 1)?.iter().map(|letter| view(tx, letter)).collect()
        })?;
        Ok(cut_page(views, limit, |v: &DeadLetterView| v.id.clone()))
    }

    /// One record that could not be applied.
    pub fn show_dead_letter(&self, id: i64) -> Result<DeadLetterView, CentralError> {
        self.ledger()?.read(|tx| view(tx, &needed(tx, id)?))
    }

    /// Applies a change that was put aside, now that what kept it from being applied is mended. A change that has
    /// been applied meanwhile has no effect a second time. One that is refused now is told its desk, and `refusal` says why.
    ///
    /// # Errors
    /// [`CentralError::BadValue`] with what still keeps it from being applied.
    pub fn replay_dead_letter(&self, id: i64) -> Result<DeadLetterView, CentralError> {
        let now = self.now();
        self.ledger()?.write(|tx| {
            let letter = needed(tx, id)?;
            replay(tx, now, &letter.cluster, &letter.record(self.names().changes()))?;
            tx.close_dead_letter(id, "replayed")?;
            view(tx, &needed(tx, id)?)
        })
    }

    /// Marks a record as one that nobody will look into any more. It stays as it is, and one that was replayed says so.
    pub fn skip_dead_letter(&self, id: i64) -> Result<DeadLetterView, CentralError> {
        self.ledger()?.write(|tx| {
            needed(tx, id)?;
            tx.close_dead_letter(id, "skipped")?;
            view(tx, &needed(tx, id)?)
        })
    }
}
