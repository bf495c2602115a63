//! What the disk has of a file, as against what was written to it.

use std::collections::BTreeMap;

use crate::dice::Dice;

/// What a disk writes wholly or not at all, or tears.
pub(super) const SECTOR: u64 = 512;

/// The difference between a file and what the disk has of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Pending {
    /// The length on the disk.
    length: u64,
    /// What the disk has of the sectors that were written since the last sync; empty beyond its length.
    old: BTreeMap<u64, Vec<u8>>,
    /// The same for sectors that the system forgot: syncing does not write them any more.
    lost: BTreeMap<u64, Vec<u8>>,
}

impl Pending {
    /// A file that the disk has as it is.
    pub(super) fn synced(length: u64) -> Self {
        Self { length, ..Self::default() }
    }

    /// Nothing of it was written since it was synced.
    pub(super) fn is_empty(&self) -> bool {
        self.old.is_empty() && self.lost.is_empty()
    }

    /// The disk has it as it is.
    pub(super) fn is_settled(&self, length: u64) -> bool {
        self.length == length && self.is_empty()
    }

    /// Notes that bytes from `from` to `to` are about to change; `read` fills a buffer from an offset of the file.
    pub(super) fn touch(&mut self, from: u64, to: u64, mut read: impl FnMut(u64, &mut [u8])) {
        if to <= from {
            return;
        }
        for sector in from / SECTOR..=(to - 1) / SECTOR {
            if self.old.contains_key(&sector) {
                continue;
            }
            if let Some(kept) = self.lost.remove(&sector) {
                // Written once more, it is to be synced once more.
                self.old.insert(sector, kept);
                continue;
            }
            let start = sector * SECTOR;
            let length = self.length.saturating_sub(start).min(SECTOR);
            let mut kept = vec![0; usize::try_from(length).unwrap_or(0)];
            if !kept.is_empty() {
                read(start, &mut kept);
            }
            self.old.insert(sector, kept);
        }
    }

    /// The file was cut short.
    pub(super) fn shorten(&mut self, length: u64) {
        self.length = self.length.min(length);
        let beyond = length.div_ceil(SECTOR);
        self.old.split_off(&beyond);
        self.lost.split_off(&beyond);
        let rest = usize::try_from(length % SECTOR).unwrap_or(0);
        for kept in [&mut self.old, &mut self.lost].into_iter().filter_map(|of| of.get_mut(&(length / SECTOR))) {
            kept.truncate(rest);
        }
    }

    /// All that was written is on the disk.
    pub(super) fn sync(&mut self, length: u64) {
        self.old.clear();
        self.length = length;
    }

    /// A sync failed: the system takes the sectors for written, and they are not.
    pub(super) fn lose(&mut self) {
        for (sector, kept) in std::mem::take(&mut self.old) {
            self.lost.entry(sector).or_insert(kept);
        }
    }

    /// What the disk may have after the power was cut, of a file that reads as `now`.
    pub(super) fn cut(&self, now: &[u8], dice: &mut Dice) -> Vec<u8> {
        let written = u64::try_from(now.len()).unwrap_or(u64::MAX);
        let length = cut_length(self.length, written, dice);
        let mut image = now.to_vec();
        image.resize(usize::try_from(length).unwrap_or(0), 0);
        // Some cuts take nearly all, some nearly nothing: a coin for each sector alone would show neither.
        let kept_in_eight = dice.below(9);
        for (sector, old) in self.old.iter().chain(&self.lost) {
            let start = sector * SECTOR;
            let end = (start + SECTOR).min(length);
            if start >= end {
                continue;
            }
            let Some(place) = range(start, end).and_then(|range| image.get_mut(range)) else { continue };
            let mut before = old.clone();
            before.resize(place.len(), 0);
            // What a shorter file does not have any more cannot come from it.
            let never_written = start >= written;
            if never_written || !dice.chance(kept_in_eight, 8) {
                place.copy_from_slice(&before);
            } else if dice.chance(1, 8) {
                let tear = dice.index(place.len());
                if dice.chance(1, 2) {
                    copy_part(place, &before, ..tear);
                } else {
                    copy_part(place, &before, tear..);
                }
            }
        }
        image
    }
}

fn range(start: u64, end: u64) -> Option<std::ops::Range<usize>> {
    Some(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
}

fn copy_part<R>(place: &mut [u8], from: &[u8], part: R)
where
    R: std::slice::SliceIndex<[u8], Output = [u8]> + Clone,
{
    if let (Some(place), Some(from)) = (place.get_mut(part.clone()), from.get(part)) {
        place.copy_from_slice(from);
    }
}

/// Lengths are written apart from contents: the old one, the new one, or one on the way.
fn cut_length(old: u64, new: u64, dice: &mut Dice) -> u64 {
    let (low, high) = (old.min(new), old.max(new));
    match dice.below(4) {
        0 => old,
        1 | 2 => new,
        _ => (low + dice.below((high - low) / SECTOR + 1) * SECTOR).min(high),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(file: &mut [u8], pending: &mut Pending, at: usize, data: &[u8]) {
        let copy = file.to_vec();
        pending.touch(at as u64, (at + data.len()) as u64, |from, buffer| {
            let from = usize::try_from(from).unwrap();
            buffer.copy_from_slice(&copy[from..from + buffer.len()]);
        });
        file[at..at + data.len()].copy_from_slice(data);
    }

    fn images(pending: &Pending, file: &[u8]) -> Vec<Vec<u8>> {
        (0..300).map(|seed| pending.cut(file, &mut Dice::new(seed))).collect()
    }

    #[test]
    fn bytes_that_were_synced_survive_whatever_is_written_beside_them() {
        let mut file = vec![7; 4096];
        let mut pending = Pending::synced(4096);
        written(&mut file, &mut pending, 700, &[9; 1000]);
        for image in images(&pending, &file) {
            assert!(image[..700].iter().chain(&image[1700..]).all(|byte| *byte == 7));
            assert!(image[700..1700].iter().all(|byte| [7, 9].contains(byte)));
        }
    }

    #[test]
    fn unsynced_sectors_are_old_new_and_torn_in_turn() {
        let mut file = vec![7; 1024];
        let mut pending = Pending::synced(1024);
        written(&mut file, &mut pending, 0, &[9; 1024]);
        let images = images(&pending, &file);
        assert!(images.contains(&vec![7; 1024]), "nothing was written");
        assert!(images.contains(&vec![9; 1024]), "all was written");
        assert!(images.iter().any(|image| image[..512] == [7; 512] && image[512..] == [9; 512]));
        assert!(images.iter().any(|image| image[..512].contains(&7) && image[..512].contains(&9)), "torn");
    }

    #[test]
    fn a_synced_file_stays_and_a_lost_sync_is_not_mended_by_the_next() {
        let mut file = vec![7; 512];
        let mut pending = Pending::synced(512);
        written(&mut file, &mut pending, 0, &[9; 512]);
        pending.lose();
        pending.sync(512);
        assert!(images(&pending, &file).contains(&vec![7; 512]), "the forgotten sector may be lost");
        written(&mut file, &mut pending, 0, &[9; 512]);
        pending.sync(512);
        assert!(pending.is_settled(512));
        assert!(
            images(&pending, &file).iter().all(|image| *image == file),
            "written and synced once more, it stays"
        );
    }

    #[test]
    fn a_file_that_was_cut_short_has_no_end_to_come_back_with() {
        let mut pending = Pending::synced(2048);
        pending.touch(0, 2048, |_, buffer| buffer.fill(7));
        pending.shorten(600);
        pending.touch(600, 1500, |_, buffer| buffer.fill(7));
        for image in images(&pending, &[9; 1500]) {
            assert!((600..=1500).contains(&image.len()));
            assert!(image[..600].iter().all(|byte| [7, 9].contains(byte)));
            assert!(image.get(600..).unwrap_or_default().iter().all(|byte| [0, 9].contains(byte)));
        }
    }
}
