//! Who is signed in at this run of the desk, and how long a wrong PIN makes everybody wait.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aisle_domain::Timestamp;
use aisle_mirror::Member;

/// Wrong PINs in a row that cost nothing but themselves.
pub(crate) const FREE_TRIES: u32 = 5;
const FIRST_WAIT: Duration = Duration::from_secs(30);
const LONGEST_WAIT: Duration = Duration::from_mins(15);

/// How long nothing is tried after so many wrong PINs in a row: it doubles with each.
pub(crate) fn wait_after(wrong: u32) -> Duration {
    match wrong.checked_sub(FREE_TRIES) {
        None => Duration::ZERO,
        Some(more) => FIRST_WAIT.saturating_mul(1 << more.min(10)).min(LONGEST_WAIT),
    }
}

/// Who is at the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Presence {
    /// This person of the list.
    Here {
        staff_id: i64,
        /// They gave their PIN with the very command that is done: it is not asked for again.
        proven: bool,
    },
    /// Nobody, since then; left by that person, or by itself.
    Locked { by: Option<String>, at: Timestamp },
}

/// The presence of one run of the desk. Times are monotonic: a clock that is set shortens no wait.
#[derive(Debug)]
pub(crate) struct Signing {
    state: Mutex<State>,
    /// PINs are tried one after the other: tried side by side, none would wait for another one's count.
    trying: Mutex<()>,
}

#[derive(Debug)]
struct State {
    presence: Presence,
    last_active: Duration,
    /// Until when no PIN of a person is tried.
    waits: BTreeMap<i64, Duration>,
}

impl Signing {
    /// At the start: whoever works here alone and has no PIN is here; else nobody is.
    pub(crate) fn at_start(members: &[Member], at: Timestamp) -> Self {
        let presence = match members {
            [only] if only.pin.is_none() => Presence::Here { staff_id: only.staff_id, proven: false },
            _ => Presence::Locked { by: None, at },
        };
        let state = State { presence, last_active: Duration::ZERO, waits: BTreeMap::new() };
        Self { state: Mutex::new(state), trying: Mutex::new(()) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody else tries a PIN while this is held.
    pub(crate) fn alone(&self) -> MutexGuard<'_, ()> {
        self.trying.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn presence(&self) -> Presence {
        self.lock().presence.clone()
    }

    pub(crate) fn set(&self, presence: Presence, now: Duration) {
        let mut state = self.lock();
        state.presence = presence;
        state.last_active = now;
    }

    /// Somebody did something.
    pub(crate) fn is_active(&self, now: Duration) {
        self.lock().last_active = now;
    }

    pub(crate) fn idle_for(&self, now: Duration) -> Duration {
        now.saturating_sub(self.lock().last_active)
    }

    /// What is left to wait before a PIN of this person is tried. What an earlier run left is told by the clock.
    pub(crate) fn left_to_wait(&self, member: &Member, (now, wall): (Duration, Timestamp)) -> Duration {
        let whole = wait_after(member.wrong_pins);
        let mut state = self.lock();
        let until = state.waits.entry(member.staff_id).or_insert_with(|| {
            let since = member.wrong_at.map_or(0, |at| wall.since(at).max(0));
            now + whole.saturating_sub(Duration::from_millis(since.unsigned_abs()))
        });
        until.saturating_sub(now)
    }

    /// Another wrong PIN.
    pub(crate) fn was_wrong(&self, staff_id: i64, wrong: u32, now: Duration) {
        self.lock().waits.insert(staff_id, now + wait_after(wrong));
    }

    /// Nothing is to be waited for any more.
    pub(crate) fn was_right(&self, staff_id: i64) {
        self.lock().waits.remove(&staff_id);
    }
}

#[cfg(test)]
mod tests {
    use aisle_domain::Role;

    use super::*;

    fn member(wrong_pins: u32, wrong_at: i64) -> Member {
        Member {
            staff_id: 1,
            name: "Noor".into(),
            role: Role::Clerk,
            pin: Some("hash".into()),
            wrong_pins,
            wrong_at: Some(Timestamp::from_millis(wrong_at)),
            last_here: None,
        }
    }

    #[test]
    fn the_first_wrong_pins_cost_nothing_and_each_further_one_twice_the_time_up_to_a_quarter_of_an_hour() {
        let waits: Vec<u64> = (0..13).map(|wrong| wait_after(wrong).as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900, 900]);
        assert_eq!(wait_after(u32::MAX), LONGEST_WAIT);
    }

    #[test]
    fn a_restart_ends_no_wait_and_a_clock_that_is_set_back_prolongs_none() {
        let second = |n| Duration::from_secs(n);
        let fresh = |wall: i64| {
            let signing = Signing::at_start(&[member(6, 100_000)], Timestamp::from_millis(0));
            signing.left_to_wait(&member(6, 100_000), (second(5), Timestamp::from_millis(wall)))
        };
        assert_eq!(fresh(110_000), second(50));
        assert_eq!(fresh(400_000), second(0));
        assert_eq!(fresh(0), second(60), "the whole of it at most");
    }

    #[test]
    fn within_a_run_waits_are_told_by_the_clock_that_nobody_sets() {
        let signing = Signing::at_start(&[member(0, 0)], Timestamp::from_millis(0));
        let far = Timestamp::from_millis(i64::MAX / 2);
        signing.was_wrong(1, 5, Duration::from_secs(100));
        let left = |now| signing.left_to_wait(&member(5, 0), (Duration::from_secs(now), far)).as_secs();
        assert_eq!((left(100), left(120), left(130)), (30, 10, 0));
        signing.was_right(1);
        assert_eq!(signing.left_to_wait(&member(0, 0), (Duration::from_secs(101), far)), Duration::ZERO);
    }

    #[test]
    fn whoever_works_here_alone_and_has_no_pin_is_here_from_the_start() {
        let alone = Member { pin: None, ..member(0, 0) };
        let at = Timestamp::from_millis(9);
        let presence = |members: &[Member]| Signing::at_start(members, at).presence();
        assert_eq!(presence(std::slice::from_ref(&alone)), Presence::Here { staff_id: 1, proven: false });
        let locked = Presence::Locked { by: None, at };
        assert_eq!(presence(&[alone, Member { staff_id: 2, ..member(0, 0) }]), locked);
        assert_eq!(presence(&[member(0, 0)]), locked);
    }
}
