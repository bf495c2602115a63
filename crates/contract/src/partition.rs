//! The partition of a store, chosen here and set explicitly on every transport: default partitioners differ between
//! client libraries.

use aisle_domain::StoreId;

/// The partition of `store`'s changes among `partitions`: `(murmur2(utf8 store id) & 0x7fffffff) mod partitions`.
pub fn partition_of(store: StoreId, partitions: i32) -> i32 {
    let positive = murmur2(store.to_string().as_bytes()) & 0x7fff_ffff;
    i32::try_from(positive).unwrap_or(0) % partitions.max(1)
}

/// Murmur2 with the seed of Kafka's own clients, 32 bits.
fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    const SEED: u32 = 0x9747_b28c;
    #[allow(clippy::cast_possible_truncation, reason = "the hash is defined over the length mod 2^32")]
    let mut hash = SEED ^ (data.len() as u32);
    let (words, tail) = data.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !tail.is_empty() {
        let rest = tail.iter().rev().fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte));
        hash = (hash ^ rest).wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn murmur2_gives_the_values_of_kafkas_own_test() {
        let expected: [(&str, i32); 6] = [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ];
        for (text, hash) in expected {
            assert_eq!(murmur2(text.as_bytes()), hash.cast_unsigned(), "{text}");
        }
    }

    #[test]
    fn every_store_has_a_partition_in_range() {
        for id in 1..2000 {
            let partition = partition_of(StoreId::new(id).unwrap(), 12);
            assert!((0..12).contains(&partition));
        }
    }
}
