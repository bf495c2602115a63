//! Count and sum over the versions of a set of rows, so that desk and central can compare what they have without
//! sending it: the sum, mod 2^64, of the first 8 bytes, big endian, of SHA-256 of `order/<id>:<version>`.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::change::Subject;

/// Count and sum of a set of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RowDigest {
    /// How many rows.
    pub count: u64,
    /// Sum of their hashes.
    pub sum: u64,
}

/// A digest as it travels and is printed: the sum in 16 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DigestView {
    /// How many rows.
    pub count: u64,
    /// 16 hex digits.
    pub sum: String,
}

fn hash(subject: Subject, version: i64) -> u64 {
    let hash = Sha256::digest(format!("{subject}:{version}"));
    hash.iter().take(8).fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte))
}

impl RowDigest {
    /// Takes a row in.
    pub fn add(&mut self, subject: Subject, version: i64) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(hash(subject, version));
    }

    /// Takes a row out that was taken in.
    pub fn remove(&mut self, subject: Subject, version: i64) {
        self.count = self.count.wrapping_sub(1);
        self.sum = self.sum.wrapping_sub(hash(subject, version));
    }
}

impl From<RowDigest> for DigestView {
    fn from(digest: RowDigest) -> Self {
        Self { count: digest.count, sum: format!("{:016x}", digest.sum) }
    }
}

impl fmt::Display for RowDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows, {:016x}", self.count, self.sum)
    }
}
