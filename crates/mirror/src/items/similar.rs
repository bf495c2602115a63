//! Items that may lie in a basket instead of another: alike by their words, of the same category, near in price.

use std::{cmp::Reverse, collections::BTreeSet};

use aisle_domain::{Availability, Item, ItemId, Money};
use rusqlite::Connection;

use super::{BY_NUMBER, Found, collect, whole_words_query};
use crate::error::Result;

/// So many are compared at most.
const COMPARED: usize = 400;

/// Letters of a word that says what an item is; shorter ones are units of measure.
const TELLING: usize = 3;

/// What a replacement is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The item itself, which is no replacement.
    pub item: ItemId,
    /// Its name.
    pub name: &'a str,
    /// Its category, where it is known.
    pub category: Option<&'a str>,
    /// The price that was ordered.
    pub price: Money,
}

/// Items on the shelf that are most like the wanted one, the best first: those of its category, those that share most words
/// of its name, those whose price is nearest.
pub fn similar(conn: &Connection, wanted: &Wanted<'_>, limit: usize) -> Result<Vec<Item>> {
    let words = words_of(wanted.name);
    let mut found = Found::default();
    // The first words of a name say what it is, the last ones how much of it.
    for length in (1..=words.len()).rev() {
        let first: Vec<&str> = words.iter().take(length).map(String::as_str).collect();
        extend(&mut found, conn, &first.join(" "))?;
    }
    for word in words.iter().filter(|word| word.chars().count() >= TELLING) {
        extend(&mut found, conn, word)?;
    }
    extend(&mut found, conn, wanted.category.unwrap_or_default())?;
    let mut alike = Vec::new();
    for id in found.ids.iter().take(COMPARED) {
        let of_shelf = collect(conn, BY_NUMBER, &[id])?.into_iter();
        alike.extend(of_shelf.filter(|item| {
            item.item_id != wanted.item && item.availability == Availability::Available && !item.deleted
        }));
    }
    let own: BTreeSet<&String> = words.iter().collect();
    alike.sort_by_cached_key(|item| {
        let is_of_category = wanted.category.is_some() && item.category.as_deref() == wanted.category;
        let shared = words_of(&item.name).iter().filter(|word| own.contains(word)).count();
        let distance = item.unit_price.minus(wanted.price).minor().abs();
        (Reverse(is_of_category), Reverse(shared), distance, item.item_id)
    });
    alike.truncate(limit);
    Ok(alike)
}

fn extend(found: &mut Found, conn: &Connection, text: &str) -> Result<()> {
    match whole_words_query(text).filter(|_| found.ids.len() < COMPARED) {
        Some(query) => found.extend_by_words(conn, &query),
        None => Ok(()),
    }
}

/// The words of a name that have letters, each once and in their order, in small letters.
fn words_of(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in name.split(|c: char| !c.is_alphanumeric()).filter(|word| word.contains(char::is_alphabetic)) {
        let word = word.to_lowercase();
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words
}
