//! Inputs that were something once.

use aisle_testkit::dice::Dice;

use super::MOST_BYTES;

/// What numbers, texts and structures often fall over.
const TOKENS: [&[u8]; 26] = [
    b"9223372036854775807",
    b"9223372036854775808",
    b"-9223372036854775808",
    b"18446744073709551616",
    b"-1",
    b"0",
    b"1e999",
    b"1e-999",
    b"0.1",
    b"NaN",
    b"null",
    b"true",
    b"{}",
    b"[]",
    b"\"\"",
    b"\\u0000",
    b"\\ud800",
    b"\xff\xfe",
    b"\xc0\xaf",
    b"\xe2\x80\xae",
    b"\n\n",
    b"\r\n",
    b"\0",
    b"%s%n",
    b"'; DROP TABLE orders; --",
    b"9999-12-31T23:59:60Z",
];

const ENDS: [&[u8]; 3] = [b"9223372036854775807", b"-9223372036854775808", b"-1"];
const ENDS_OF_TIME: [&[u8]; 3] =
    [b"9999-12-31T23:59:59.999Z", b"-009999-01-02T01:59:59Z", b"0000-01-01T00:00:00Z"];

/// This file with each of its numbers, and each of its times, at the ends of what there is, one after the other.
pub(super) fn at_the_ends(file: &[u8]) -> Vec<Vec<u8>> {
    let is_digit = |place: usize| file.get(place).is_some_and(u8::is_ascii_digit);
    let starts = (0..file.len()).filter(|place| is_digit(*place) && (*place == 0 || !is_digit(place - 1)));
    let mut made = Vec::new();
    for start in starts {
        let digits = file[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let time = file[start..].iter().take(30).position(|byte| *byte == b'Z');
        let is_time = digits == 4 && file.get(start + 4) == Some(&b'-');
        let (count, ends) = match time.filter(|_| is_time) {
            Some(last) => (last + 1, ENDS_OF_TIME),
            None => (digits, ENDS),
        };
        made.extend(ends.map(|end| [&file[..start], end, &file[start + count..]].concat()));
    }
    made
}

/// One of these files, changed in one or several places.
pub fn mutated(files: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut input = dice.pick(files).cloned().unwrap_or_default();
    for _ in 0..=dice.below(6) {
        change(&mut input, files, dice);
    }
    // Seldom, one that is as large as may be.
    if dice.chance(1, 200) {
        let (place, with) = (dice.index(input.len() + 1), dice.pick(b"[9\"a").copied());
        let room = MOST_BYTES.saturating_sub(input.len());
        input.splice(place..place, std::iter::repeat_n(with.unwrap_or(b'x'), room));
    }
    input.truncate(MOST_BYTES);
    input
}

fn change(input: &mut Vec<u8>, files: &[Vec<u8>], dice: &mut Dice) {
    let place = dice.index(input.len() + 1);
    let end = (place + dice.index(24)).min(input.len());
    match dice.below(11) {
        0 => flip(input, place, dice),
        1 => input.truncate(place),
        2 => drop(input.drain(place..end)),
        3 => {
            let again: Vec<u8> = input[place..end].to_vec();
            input.splice(place..place, again);
        }
        4 => splice(input, place, files, dice),
        5 | 6 => {
            let token = dice.pick(&TOKENS).copied().unwrap_or_default();
            input.splice(place..end, token.iter().copied());
        }
        7 => number(input, dice),
        8 => field_twice(input, dice),
        9 => nest(input, place, dice),
        _ => {
            let word = [b'a', b'9', b' ', 0xe2][dice.index(4)];
            input.splice(place..place, std::iter::repeat_n(word, 1 + dice.index(400)));
        }
    }
}

fn flip(input: &mut [u8], place: usize, dice: &mut Dice) {
    if let Some(byte) = input.get_mut(place) {
        *byte ^= 1 << dice.below(8);
    }
}

/// The beginning of this and the end of another.
fn splice(input: &mut Vec<u8>, place: usize, files: &[Vec<u8>], dice: &mut Dice) {
    let other = dice.pick(files).cloned().unwrap_or_default();
    input.truncate(place);
    input.extend_from_slice(&other[dice.index(other.len() + 1)..]);
}

/// Some number in it becomes another.
fn number(input: &mut Vec<u8>, dice: &mut Dice) {
    let starts: Vec<usize> = (0..input.len())
        .filter(|place| input[*place].is_ascii_digit() && (*place == 0 || !input[place - 1].is_ascii_digit()))
        .collect();
    let Some(start) = dice.pick(&starts).copied() else { return };
    let digits = input[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let token = TOKENS[dice.index(9)];
    input.splice(start..start + digits, token.iter().copied());
}

/// What stands between two commas, or a line, is there twice.
fn field_twice(input: &mut Vec<u8>, dice: &mut Dice) {
    let between = *dice.pick(b",\n{").unwrap_or(&b',');
    let places: Vec<usize> = (0..input.len()).filter(|place| input[*place] == between).collect();
    let Some(start) = dice.pick(&places).copied() else { return };
    let end = places.iter().copied().find(|place| *place > start).unwrap_or(input.len());
    let field: Vec<u8> = input[start..end].to_vec();
    input.splice(start..start, field);
}

/// Deeper than anything is.
fn nest(input: &mut Vec<u8>, place: usize, dice: &mut Dice) {
    let depth = [3, 127, 128, 129, 5_000][dice.index(5)];
    let (open, close): (&[u8], &[u8]) = if dice.chance(1, 2) { (b"[", b"]") } else { (b"{\"a\":", b"}") };
    let mut deep = open.repeat(depth);
    deep.extend_from_slice(b"1");
    deep.extend(close.repeat(depth));
    input.splice(place..place, deep);
}
