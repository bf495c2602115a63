//! The pick list of an order as plain text: what a ticket printer and an office printer both take, legible in black on
//! white.

use aisle_domain::{LineState, OrderStatus};

use crate::views::{LineView, OrderDetail};

/// Characters of a line: what 80 mm paper has.
const WIDTH: usize = 42;

/// What stands around an order on its ticket.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Around<'a> {
    pub(crate) store: &'a str,
    pub(crate) desk: &'a str,
    /// The promise, in the store's time.
    pub(crate) due: Option<&'a str>,
    /// When it was queued.
    pub(crate) queued: &'a str,
    /// When it was printed.
    pub(crate) printed: &'a str,
}

/// The pick list.
pub(crate) fn text(order: &OrderDetail, around: Around<'_>) -> String {
    let mut lines = vec![ends(around.store, around.desk), String::new()];
    lines.push(format!("PICK LIST   {}", order.display_no));
    lines.push(format!("Order {}", order.order_id));
    lines.push(format!("Due {}", around.due.unwrap_or("as soon as it is ready")));
    lines.push(format!("Queued {}", around.queued));
    lines.extend(wrapped(&format!("For {}", order.customer), 0));
    if let Some(wish) = &order.substitution {
        lines.extend(wrapped(&format!("Instead of what is missing: {}", wish.replace('_', " ")), 0));
    }
    if let Some(note) = &order.note {
        lines.extend(wrapped(&format!("Note: {note}"), 0));
    }
    if matches!(order.status, OrderStatus::Rejected) || order.cancelled {
        lines.push(String::new());
        lines.push("*** DO NOT PICK: the order has ended ***".into());
    }
    lines.push(rule());
    for line in &order.lines {
        lines.extend(of_line(line));
    }
    lines.push(rule());
    lines.push(ends(&format!("{} lines", order.lines.len()), &format!("{} {}", order.expected, order.currency)));
    if let Some(range) = &order.range {
        lines.push(ends("May be paid", &format!("{} to {}", range.lo, range.hi)));
    }
    lines.push(String::new());
    lines.push(format!("Printed {}", around.printed));
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

fn rule() -> String {
    "-".repeat(WIDTH)
}

fn length(text: &str) -> usize {
    text.chars().count()
}

/// Two texts at both ends of a line; the first gives way.
fn ends(left: &str, right: &str) -> String {
    let room = WIDTH.saturating_sub(length(right) + 1);
    let left: String = left.chars().take(room).collect();
    let gap = WIDTH.saturating_sub(length(&left) + length(right));
    format!("{left}{}{right}", " ".repeat(gap))
}

/// A text in lines of the paper's width, broken between words where that can be, all but the first indented.
fn wrapped(text: &str, indent: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    // A note may have control characters of a printer in it: nothing but text is printed.
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    for word in words {
        let mut word = word.to_owned();
        loop {
            let gap = usize::from(!line.trim().is_empty());
            if length(&line) + gap + length(&word) <= WIDTH {
                if gap > 0 {
                    line.push(' ');
                }
                line.push_str(&word);
                break;
            }
            if line.trim().is_empty() {
                let room = WIDTH - length(&line);
                let rest = word.chars().skip(room).collect();
                line.extend(word.chars().take(room));
                word = rest;
            }
            lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
        }
    }
    lines.push(line);
    lines
}

fn of_line(line: &LineView) -> Vec<String> {
    let mark = match line.state {
        LineState::ToPick => "[ ]",
        LineState::Found => "[x]",
        LineState::Short => "[-]",
        LineState::Substituted => "[>]",
        LineState::OutOfStock => "[0]",
    };
    let unit = if line.unit == "kg" { " kg" } else { " x" };
    let mut lines = wrapped(&format!("{mark} {}{unit} {}", line.quantity, line.name), 4);
    let code = line.barcode.as_deref().unwrap_or("no barcode");
    lines.push(ends(&format!("    {code}"), &line.order_unit_price));
    if let Some(name) = &line.substitute_name {
        lines.extend(wrapped(&format!("    instead: {name}"), 4));
    }
    if let Some(note) = &line.note {
        lines.extend(wrapped(&format!("    note: {note}"), 4));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_broken_between_words_and_within_those_that_are_longer_than_a_line() {
        let lines = wrapped("Whole milk of the mountain farmers, organic, two litres", 4);
        assert_eq!(lines, ["Whole milk of the mountain farmers,", "    organic, two litres"]);
        let long = wrapped(&"x".repeat(100), 2);
        assert!(long.iter().all(|line| length(line) <= WIDTH), "{long:?}");
        assert_eq!(long.iter().map(|line| line.trim().len()).sum::<usize>(), 100);
        assert_eq!(wrapped("", 4), [""]);
    }

    #[test]
    fn nothing_that_a_printer_would_obey_is_printed() {
        assert_eq!(wrapped("cut\u{1b}m here\r\n\u{7}now", 0), ["cut m here now"]);
    }

    #[test]
    fn figures_stand_at_the_end_of_the_line_whatever_stands_before_them() {
        assert_eq!(length(&ends("9 lines", "87.72 USD")), WIDTH);
        let cut = ends(&"ä".repeat(80), "87.72 USD");
        assert!(cut.ends_with(" 87.72 USD") && length(&cut) == WIDTH, "{cut}");
    }
}
