//! Which numbered changes are sent again. Pure: from what the outbox and central's last word say.

use aisle_contract::{CentralPosition, DeskAck};
use aisle_domain::{ChangeId, Planted, Timestamp, is_planted};
use aisle_mirror::{LogPlace, NumberedChange};

const HOUR_MS: i64 = 60 * 60 * 1000;

/// A numbered change without central's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    /// The change.
    pub change_id: ChangeId,
    /// Its number.
    pub seq: i64,
    /// Its delivery report, where there is one.
    pub report: Option<LogPlace>,
    /// How often it was tried.
    pub attempts: i64,
    /// The last time.
    pub last_attempt_at: Option<Timestamp>,
}

impl From<&NumberedChange> for Numbered {
    fn from(change: &NumberedChange) -> Self {
        Self {
            change_id: change.change_id,
            seq: change.seq,
            report: change.place.clone(),
            attempts: change.attempts,
            last_attempt_at: change.last_attempt_at,
        }
    }
}

/// What a lane needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// These changes again, by number.
    Resend(Vec<ChangeId>),
    /// Central waits for a number that this desk does not have any more, or never gave: number anew from 1.
    NewIncarnation,
}

/// What a lane needs, given central's last word on it, the cluster as it is now, and the next number.
pub fn needs(numbered: &[Numbered], ack: Option<&DeskAck>, cluster: &str, next_seq: i64, now: Timestamp) -> Need {
    if let Some(ack) = ack {
        let dropped = numbered.iter().any(|n| n.report.as_ref().is_some_and(|at| is_dropped(n.seq, at, ack)));
        let has_wanted = numbered.iter().any(|n| n.seq == ack.expected);
        if ack.expected > next_seq || (dropped && !has_wanted) {
            return Need::NewIncarnation;
        }
    }
    let again = numbered.iter().filter(|n| must_go_again(n, ack, cluster, now)).map(|n| n.change_id).collect();
    Need::Resend(again)
}

/// Central has read beyond the change and still waits for it, or for one before it.
fn is_dropped(seq: i64, at: &LogPlace, ack: &DeskAck) -> bool {
    let has_read = |position: &CentralPosition| {
        position.cluster == at.cluster && position.partition == at.partition && position.offset > at.offset
    };
    !is_planted(Planted::NoResend) && ack.expected <= seq && ack.positions().any(has_read)
}

fn must_go_again(change: &Numbered, ack: Option<&DeskAck>, cluster: &str, now: Timestamp) -> bool {
    let Some(at) = &change.report else { return true };
    at.cluster != cluster || ack.is_some_and(|ack| is_dropped(change.seq, at, ack)) || is_overdue(change, now)
}

/// Without any evidence: after an hour, doubling to a day.
fn is_overdue(change: &Numbered, now: Timestamp) -> bool {
    let doubled = u32::try_from((change.attempts - 1).clamp(0, 5)).unwrap_or(0);
    let patience = (HOUR_MS << doubled).min(24 * HOUR_MS);
    // One that lies as far ahead was made by a clock that was wrong then.
    change.last_attempt_at.is_none_or(|at| now.since(at).abs() >= patience)
}

#[cfg(test)]
mod tests {
    use aisle_domain::{DeskId, Incarnation, Lane};
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000_000_000);

    fn change(seq: i64, offset: Option<i64>) -> Numbered {
        Numbered {
            change_id: ChangeId(Uuid::from_u128(u128::from(seq.unsigned_abs()))),
            seq,
            report: offset.map(|offset| LogPlace { cluster: "c".into(), partition: 3, offset }),
            attempts: 1,
            last_attempt_at: Some(NOW),
        }
    }

    fn ack(expected: i64, offset: i64) -> DeskAck {
        DeskAck {
            desk: DeskId(Uuid::nil()),
            incarnation: Incarnation(1),
            lane: Lane::Orders,
            expected,
            position: CentralPosition { cluster: "c".into(), partition: 3, offset },
            elsewhere: Vec::new(),
            central_time: NOW,
            heartbeat: None,
            last: None,
            forked: false,
            numberings: None,
            refused: Vec::new(),
        }
    }

    fn resent(need: Need) -> Vec<ChangeId> {
        match need {
            Need::Resend(ids) => ids,
            Need::NewIncarnation => panic!("a new incarnation was asked for"),
        }
    }

    #[test]
    fn a_change_without_a_report_goes_again_and_one_with_a_report_waits() {
        let rows = [change(5, Some(10)), change(6, None)];
        assert_eq!(resent(needs(&rows, None, "c", 7, NOW)), [rows[1].change_id]);
    }

    #[test]
    fn what_central_has_read_past_without_taking_goes_again() {
        let rows = [change(5, Some(10)), change(6, Some(11))];
        assert!(resent(needs(&rows, Some(&ack(5, 10)), "c", 7, NOW)).is_empty());
        assert_eq!(resent(needs(&rows, Some(&ack(5, 11)), "c", 7, NOW)), [rows[0].change_id]);
        assert_eq!(resent(needs(&rows, Some(&ack(5, 12)), "c", 7, NOW)).len(), 2);
    }

    #[test]
    fn what_central_has_read_past_in_another_home_of_the_store_goes_again_too() {
        let rows = [change(5, Some(10)), change(6, Some(11))];
        let mut word = ack(5, 50);
        word.position.partition = 7;
        assert!(resent(needs(&rows, Some(&word), "c", 7, NOW)).is_empty());
        word.elsewhere = vec![
            CentralPosition { cluster: "c".into(), partition: 4, offset: 90 },
            CentralPosition { cluster: "c".into(), partition: 3, offset: 11 },
        ];
        assert_eq!(resent(needs(&rows, Some(&word), "c", 7, NOW)), [rows[0].change_id]);
    }

    #[test]
    fn another_cluster_gets_everything_again() {
        let rows = [change(5, Some(10)), change(6, Some(11))];
        assert_eq!(resent(needs(&rows, None, "d", 7, NOW)).len(), 2);
    }

    #[test]
    fn without_any_evidence_a_change_goes_again_after_an_hour_and_then_later_and_later() {
        let mut row = change(5, Some(10));
        assert!(resent(needs(std::slice::from_ref(&row), None, "c", 6, NOW.plus_millis(HOUR_MS - 1))).is_empty());
        assert_eq!(resent(needs(std::slice::from_ref(&row), None, "c", 6, NOW.plus_millis(HOUR_MS))).len(), 1);
        row.attempts = 50;
        assert!(resent(needs(std::slice::from_ref(&row), None, "c", 6, NOW.plus_millis(23 * HOUR_MS))).is_empty());
        assert_eq!(
            resent(needs(std::slice::from_ref(&row), None, "c", 6, NOW.plus_millis(24 * HOUR_MS))).len(),
            1
        );
    }

    #[test]
    fn an_attempt_that_a_wrong_clock_put_into_the_future_keeps_nothing_back_for_ever() {
        let mut row = change(5, Some(10));
        row.last_attempt_at = Some(NOW.plus_millis(10 * 365 * 24 * HOUR_MS));
        assert_eq!(resent(needs(std::slice::from_ref(&row), None, "c", 6, NOW)).len(), 1);
        row.last_attempt_at = Some(NOW.plus_millis(HOUR_MS - 1));
        assert!(resent(needs(&[row], None, "c", 6, NOW)).is_empty());
    }

    #[test]
    fn a_centre_that_forgot_a_number_gets_a_new_numbering() {
        let rows = [change(5, Some(10))];
        assert_eq!(needs(&rows, Some(&ack(2, 11)), "c", 6, NOW), Need::NewIncarnation);
        assert_eq!(needs(&[], Some(&ack(9, 11)), "c", 6, NOW), Need::NewIncarnation);
    }

    proptest! {
        #[test]
        fn nothing_with_a_report_goes_again_without_evidence(
            offsets in prop::collection::vec(prop::option::of(0_i64..100), 0..20), expected in 1_i64..25, read in 0_i64..120,
        ) {
            let rows: Vec<_> = (1..).zip(offsets).map(|(seq, offset)| change(seq, offset)).collect();
            let next = i64::try_from(rows.len()).unwrap() + 1;
            let word = ack(expected.min(next), read);
            let Need::Resend(again) = needs(&rows, Some(&word), "c", next, NOW) else { return Ok(()) };
            for row in &rows {
                let evidence = match &row.report {
                    None => true,
                    Some(at) => word.expected <= row.seq && word.position.offset > at.offset,
                };
                prop_assert_eq!(again.contains(&row.change_id), evidence);
            }
            prop_assert!(again.windows(2).all(|pair| pair[0] < pair[1]), "in the order of their numbers");
        }
    }
}
