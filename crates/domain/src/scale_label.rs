//! Barcodes that a scale prints: a number of the store's own with the weight or the price of what lies in the bag. What
//! stands where is the store's to say: no two countries agree.

use std::{fmt, str::FromStr};

use crate::{item::Barcode, money::Money, quantity::Quantity};

/// What a store's scale prints, one character a digit: `I` of the item, `W` of the weight in grams, `P` of the price in
/// minor units, `C` the check digit at the end, `X` any digit; digits stand for themselves. `21IIIIIWWWWWC` is one,
/// `2IIIIIXPPPPC` another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout(String);

/// A text that is no layout.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no layout of a scale's barcode; it has 8, 12, 13 or 14 characters: a digit or two at its beginning, then I for \
     the item's number, W for the weight in grams or P for the price, C for the check digit at its end, X for any digit, such \
     as 21IIIIIWWWWWC"
)]
pub struct BadLayout(pub String);

/// What a label says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The digits of the item.
    pub item: String,
    /// How much it is, or what it costs.
    pub says: Says,
}

/// What a scale put into a barcode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// How much lies in the bag.
    Weight(Quantity),
    /// What it costs.
    Price(Money),
}

impl Says {
    /// How much it is, at this price of a kilogram: of a price, what comes nearest to it. `None` where nothing does.
    pub fn quantity(self, unit_price: Money) -> Option<Quantity> {
        match self {
            Self::Weight(quantity) => Some(quantity),
            Self::Price(price) => {
                let (price, unit) = (i128::from(price.minor()), i128::from(unit_price.minor()));
                let thousandths = (unit > 0).then(|| (price * 2000 + unit) / (unit * 2))?;
                Quantity::from_thousandths(i64::try_from(thousandths).ok()?).ok()
            }
        }
    }
}

const LENGTHS: [usize; 4] = [8, 12, 13, 14];
const MOST_DIGITS: usize = 6;

impl FromStr for Layout {
    type Err = BadLayout;

    fn from_str(text: &str) -> Result<Self, BadLayout> {
        let bad = || BadLayout(text.chars().take(20).collect());
        let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
        let head = text.len() - rest.len();
        let run = |of: char| rest.chars().filter(|c| *c == of).count();
        let is_together =
            |of: char| rest.matches(&of.to_string().repeat(run(of).max(1))).count() == usize::from(run(of) > 0);
        let value = run('W') + run('P');
        let is_known = rest.chars().all(|c| "IWPCX".contains(c)) && "IWPC".chars().all(is_together);
        let is_sound = LENGTHS.contains(&text.len())
            && (1..=2).contains(&head)
            && run('I') > 0
            && (1..=MOST_DIGITS).contains(&value)
            && (run('W') == 0 || run('P') == 0)
            && run('C') <= 1
            && (run('C') == 0 || rest.ends_with('C'));
        if is_known && is_sound { Ok(Self(text.into())) } else { Err(bad()) }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Layout {
    /// What a code says, where it is of this layout and its check digit holds.
    pub fn read(&self, code: &Barcode) -> Option<Label> {
        let code = code.as_str();
        let item = self.item_in(code)?;
        let digits = |of: char| self.digits(code, of);
        let value = |text: String| text.parse::<i64>().ok();
        let says = match (digits('W'), digits('P')) {
            (weight, price) if price.is_empty() => Says::Weight(Quantity::from_thousandths(value(weight)?).ok()?),
            (_, price) => Says::Price(Money::from_minor(value(price)?)),
        };
        Some(Label { item, says })
    }

    /// Whether a label is of the item with this barcode: one of the same layout with any weight, or the bare number.
    pub fn is_of(&self, label: &Label, own: &Barcode) -> bool {
        let bare = |text: &str| text.trim_start_matches('0').to_owned();
        self.item_in(own.as_str()).is_some_and(|item| item == label.item)
            || bare(own.as_str()) == bare(&label.item)
    }

    /// The codes under which a catalog may have the item: the label without a weight, and the bare number.
    pub fn codes(&self, label: &Label) -> Vec<Barcode> {
        let mut item = label.item.chars();
        let digits: String = self
            .0
            .chars()
            .filter(|place| *place != 'C')
            .map(|place| match place {
                'I' => item.next().unwrap_or('0'),
                literal if literal.is_ascii_digit() => literal,
                _ => '0',
            })
            .collect();
        let whole = if self.0.ends_with('C') {
            (0..10).map(|check| format!("{digits}{check}")).find(|code| has_check_digit(code))
        } else {
            Some(digits)
        };
        let bare = label.item.trim_start_matches('0').to_owned();
        whole.into_iter().chain([bare]).filter_map(|code| code.parse().ok()).collect()
    }

    /// The item's digits in a code of this layout.
    fn item_in(&self, code: &str) -> Option<String> {
        let is_alike = code.len() == self.0.len()
            && code.bytes().all(|b| b.is_ascii_digit())
            && self.0.chars().zip(code.chars()).all(|(of, digit)| !of.is_ascii_digit() || of == digit);
        let is_checked = !self.0.ends_with('C') || has_check_digit(code);
        (is_alike && is_checked).then(|| self.digits(code, 'I'))
    }

    fn digits(&self, code: &str, of: char) -> String {
        self.0.chars().zip(code.chars()).filter(|(place, _)| *place == of).map(|(_, digit)| digit).collect()
    }
}

/// GS1's own: from the right, threefold and single by turns, to the next ten.
fn has_check_digit(code: &str) -> bool {
    let digits = code.chars().rev().filter_map(|c| c.to_digit(10));
    digits.zip([1, 3].into_iter().cycle()).map(|(digit, weight)| digit * weight).sum::<u32>() % 10 == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn layout(text: &str) -> Layout {
        text.parse().unwrap()
    }

    fn code(text: &str) -> Barcode {
        text.parse().unwrap()
    }

    /// With the check digit that belongs to it.
    fn checked(digits: &str) -> String {
        (0..10).map(|check| format!("{digits}{check}")).find(|code| has_check_digit(code)).unwrap()
    }

    #[test]
    fn a_label_tells_its_item_and_its_weight() {
        let label = layout("21IIIIIWWWWWC").read(&code(&checked("211234501250"))).unwrap();
        assert_eq!(label.item, "12345");
        assert_eq!(label.says, Says::Weight(Quantity::from_thousandths(1250).unwrap()));
    }

    #[test]
    fn a_label_with_a_price_tells_how_much_of_it_that_is() {
        let label = layout("02IIIIIPPPPPC").read(&code(&checked("020777700499"))).unwrap();
        assert_eq!(label.says, Says::Price(Money::from_minor(499)));
        assert_eq!(label.says.quantity(Money::from_minor(399)), Some(Quantity::from_thousandths(1251).unwrap()));
        assert_eq!(label.says.quantity(Money::ZERO), None);
        let with_price_check = layout("2IIIIIXPPPPC").read(&code(&checked("21234570499"))).unwrap();
        assert_eq!(
            (with_price_check.item.as_str(), with_price_check.says),
            ("12345", Says::Price(Money::from_minor(499)))
        );
    }

    #[test]
    fn a_code_of_another_beginning_length_or_check_digit_is_no_label() {
        let of = layout("21IIIIIWWWWWC");
        let good = checked("211234501250");
        let wrong_check = format!("{}{}", &good[..12], (good[12..].parse::<u32>().unwrap() + 1) % 10);
        for text in [checked("221234501250"), wrong_check, good[1..].to_owned(), "21ABCDE012509".into()] {
            assert_eq!(of.read(&code(&text)), None, "{text}");
        }
    }

    #[test]
    fn a_label_is_of_the_item_that_has_the_number_with_or_without_a_weight() {
        let of = layout("21IIIIIWWWWWC");
        let label = of.read(&code(&checked("210034501250"))).unwrap();
        assert!(of.is_of(&label, &code(&checked("210034500000"))));
        assert!(of.is_of(&label, &code("345")), "the scale's own number");
        assert!(!of.is_of(&label, &code(&checked("210034600000"))));
        assert!(!of.is_of(&label, &code("3450")));
        assert_eq!(of.codes(&label), [code(&checked("210034500000")), code("345")]);
    }

    #[test]
    fn what_is_no_layout_is_refused() {
        let bad = [
            "",
            "21",
            "IIIIIIIWWWWWC",
            "211IIIIWWWWWC",
            "21IIIIIIIIIIC",
            "21WWWWWWWWWWC",
            "21IIIIIWWWWPC",
            "21IIWIIWWWWWC",
            "21IIIIIWWWWCW",
            "21IIIIIQQQQQC",
            "21IIIIIXXXXXC",
            "21IIIIIWWWWWCC",
            "2IIIIWWWWWWWC",
            "21ÏIIIIWWWWWC",
        ];
        for text in bad {
            assert!(text.parse::<Layout>().is_err(), "{text}");
        }
        for text in ["21IIIIIWWWWWC", "2IIIIIPPPPPC", "02IIIIIPPPPPC", "20IIIIIWWWWW", "2IIIWWWC", "2IIIIIXPPPPC"]
        {
            assert!(text.parse::<Layout>().is_ok(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_weight_comes_back_from_its_label(item in 0u32..100_000, grams in 0i64..100_000) {
            let label = layout("21IIIIIWWWWWC").read(&code(&checked(&format!("21{item:05}{grams:05}")))).unwrap();
            prop_assert_eq!(label.item, format!("{item:05}"));
            prop_assert_eq!(label.says, Says::Weight(Quantity::from_thousandths(grams).unwrap()));
        }

        #[test]
        fn no_text_makes_reading_fail(text in "[0-9A-Z]{1,14}", layout in "[0-9IWPC]{8,14}") {
            if let (Ok(code), Ok(layout)) = (text.parse::<Barcode>(), layout.parse::<Layout>()) {
                let _ = layout.read(&code);
            }
        }

        #[test]
        fn what_a_price_is_of_costs_that_price_to_the_nearest_gram(price in 1i64..100_000, unit in 1i64..10_000) {
            let quantity = Says::Price(Money::from_minor(price)).quantity(Money::from_minor(unit)).unwrap();
            let off = (Money::from_minor(unit).times(quantity).minor() - price).abs();
            prop_assert!(off <= unit / 2000 + 1, "{off} of {price} at {unit}");
        }
    }
}
