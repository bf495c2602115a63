//! Money, quantities, ids and ranges: exact, and strict at the edges.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use aisle_domain::{
    AmountRange, BadMoney, Incarnation, ItemId, Money, OrderId, Policies, Quantity, Timestamp, Verdict,
    range::judge,
};
use proptest::prelude::*;
use rust_decimal::{Decimal, RoundingStrategy};

fn quantity(thousandths: i64) -> Quantity {
    Quantity::from_thousandths(thousandths).unwrap()
}

proptest! {
    #[test]
    fn an_amount_is_read_as_it_is_written(minor in any::<i64>().prop_filter("has a positive", |m| *m != i64::MIN)) {
        let money = Money::from_minor(minor);
        prop_assert_eq!(money.to_string().parse::<Money>().unwrap(), money);
        prop_assert_eq!(Money::from_decimal(money.to_decimal()).unwrap(), money);
        let json = serde_json::to_string(&money).unwrap();
        prop_assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), money);
    }

    #[test]
    fn a_quantity_is_read_as_it_is_written(thousandths in 0_i64..1_000_000_000_000) {
        let quantity = quantity(thousandths);
        prop_assert_eq!(quantity.to_string().parse::<Quantity>().unwrap(), quantity);
    }

    #[test]
    fn a_line_is_rounded_half_up_as_a_decimal_would_be(minor in 0_i64..10_000_000, thousandths in 0_i64..10_000_000) {
        let exact = Decimal::new(minor, 2) * Decimal::new(thousandths, 3);
        let wanted = exact.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
        prop_assert_eq!(Money::from_minor(minor).times(quantity(thousandths)).to_decimal(), wanted);
    }

    #[test]
    fn a_derived_range_is_rounded_outwards_and_holds_what_was_expected(minor in 0_i64..100_000_000) {
        let expected = Money::from_minor(minor);
        let range = AmountRange::derive(expected, &Policies::default(), 1, Timestamp::default(), "central");
        let exact = |percent: i64| expected.to_decimal() * Decimal::new(percent, 2);
        let down = RoundingStrategy::ToNegativeInfinity;
        prop_assert_eq!(range.amount_lo.to_decimal(), exact(70).round_dp_with_strategy(2, down));
        let up = RoundingStrategy::ToPositiveInfinity;
        prop_assert_eq!(range.amount_hi.to_decimal(), exact(110).round_dp_with_strategy(2, up));
        prop_assert_eq!(range.judge(expected, Money::ZERO), Verdict::Inside);
        let ceiling = range.amount_hi.to_decimal() * Decimal::new(110, 2);
        prop_assert_eq!(range.ceiling(&Policies::default()).to_decimal(), ceiling.round_dp_with_strategy(2, down));
    }

    #[test]
    fn a_verdict_is_what_decimals_say(lo in 0_i64..1000, width in 0_i64..1000, amount in -100_i64..3000) {
        let (low, high, paid) = (Decimal::new(lo, 2), Decimal::new(lo + width, 2), Decimal::new(amount, 2));
        let wanted = if paid < low { Verdict::Below } else if paid > high { Verdict::Above } else { Verdict::Inside };
        let found = judge(Money::from_minor(lo), Money::from_minor(lo + width), Money::from_minor(amount));
        prop_assert_eq!(found, wanted);
    }

    #[test]
    fn an_id_is_positive_and_read_back_from_its_text(number in 1..=i64::MAX) {
        let id = OrderId::new(number).unwrap();
        prop_assert_eq!(id.to_string().parse::<OrderId>().unwrap(), id);
        prop_assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{number}\""));
    }

    #[test]
    fn an_item_born_at_a_desk_is_told_from_centrals(random in any::<u64>(), number in 1_i64..1 << 62) {
        prop_assert!(ItemId::born_at_desk(random).is_born_at_desk());
        prop_assert!(ItemId::born_at_desk(random).get() > 0);
        prop_assert!(!ItemId::new(number).unwrap().is_born_at_desk());
    }

    #[test]
    fn an_incarnation_is_sixteen_hex_digits(bits in any::<u64>()) {
        let text = Incarnation(bits).to_string();
        prop_assert_eq!(text.len(), 16);
        prop_assert_eq!(text.parse::<Incarnation>().unwrap(), Incarnation(bits));
    }
}

#[test]
fn a_price_with_three_decimals_is_refused() {
    assert_eq!("1.234".parse::<Money>(), Err(BadMoney::TooManyDecimals("1.234".into())));
    assert_eq!("1.230".parse::<Money>(), Ok(Money::from_minor(123)));
}

#[test]
fn a_negative_price_is_refused_where_none_may_be() {
    assert_eq!(Money::parse_non_negative("-0.01"), Err(BadMoney::Negative("-0.01".into())));
    assert_eq!(Money::parse_non_negative("0"), Ok(Money::ZERO));
}

#[test]
fn what_is_no_amount_is_told_as_such() {
    for text in ["", "-", ".", "1.", ".5", "1,50", "1e3", "+1", " 1", "0x1", "--1", "１"] {
        assert!(matches!(text.parse::<Money>(), Err(BadMoney::NotANumber(_))), "{text:?}");
    }
    assert!(matches!("92233720368547758.08".parse::<Money>(), Err(BadMoney::TooLarge(_))));
}

#[test]
fn an_id_beyond_63_bits_or_below_one_is_refused_with_what_is_wanted() {
    for text in ["0", "-1", "9223372036854775808", "+5", "5.0", "", "five"] {
        let error = text.parse::<OrderId>().unwrap_err();
        assert!(error.to_string().ends_with("it must be a whole number from 1 to 9223372036854775807"), "{error}");
    }
}

#[test]
fn a_quantity_with_four_decimals_or_below_zero_is_refused() {
    for text in ["1.2345", "-1", "", "1kg"] {
        assert!(text.parse::<Quantity>().is_err(), "{text}");
    }
    assert_eq!("0.750".parse::<Quantity>().unwrap().to_string(), "0.75");
}
