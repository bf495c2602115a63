//! Questions to the orders that somebody gave a name.

use aisle_domain::Timestamp;
use rusqlite::{Connection, params};
use serde_json::Value;

use crate::{
    error::{MirrorError, Result},
    mirror::Mirror,
    row::Columns,
};

/// A question with a name.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedView {
    /// Its name.
    pub name: String,
    /// What is asked, as it was given.
    pub query: Value,
    /// Who saved it.
    pub saved_by: String,
}

/// All of them, by name.
pub fn list(conn: &Connection) -> Result<Vec<SavedView>> {
    let mut statement = conn.prepare_cached("SELECT * FROM saved_views ORDER BY name COLLATE NOCASE, name")?;
    let mut rows = statement.query([])?;
    let mut views = Vec::new();
    while let Some(row) = rows.next()? {
        views.push(SavedView {
            name: row.value("name")?,
            query: row.json("query")?,
            saved_by: row.value("saved_by")?,
        });
    }
    Ok(views)
}

impl Mirror {
    /// Saves a question under a name, in the place of one that had it. Answers false, and changes nothing, where there would be
    /// more than `most`.
    pub fn save_view(&self, view: &SavedView, at: Timestamp, most: usize) -> Result<bool> {
        self.write(|tx| {
            let others: i64 = tx
                .prepare_cached("SELECT count(*) FROM saved_views WHERE name <> ?1")?
                .query_row([&view.name], |row| row.get(0))?;
            if usize::try_from(others).unwrap_or(usize::MAX) >= most {
                return Ok(false);
            }
            tx.prepare_cached(
                "INSERT INTO saved_views (name, query, saved_by, saved_at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (name) DO UPDATE SET query = excluded.query, saved_by = excluded.saved_by,
                    saved_at = excluded.saved_at",
            )?
            .execute(params![view.name, view.query.to_string(), view.saved_by, at.millis()])?;
            Ok(true)
        })
    }

    /// Forgets one.
    ///
    /// # Errors
    /// [`MirrorError::NotFound`] where none has the name.
    pub fn remove_view(&self, name: &str) -> Result<()> {
        self.write(|tx| {
            let removed = tx.prepare_cached("DELETE FROM saved_views WHERE name = ?1")?.execute([name])?;
            if removed == 0 {
                return Err(MirrorError::NotFound { what: format!("view named \"{name}\"") });
            }
            Ok(())
        })
    }
}
