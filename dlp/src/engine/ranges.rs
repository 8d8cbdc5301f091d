//! Ranges of numbers as the tables write them: `7[1-57-9]+8|1481+6` is what begins so and has that
//! many digits more, or as many as `4-8` says.

/// Whether one of the ranges holds the digits.
pub(crate) fn hold(ranges: &str, digits: &[u8]) -> bool {
    ranges.as_bytes().split(|byte| *byte == b'|').any(|range| holds(range, digits))
}

fn holds(range: &[u8], digits: &[u8]) -> bool {
    let mut lead = range.iter();
    let mut digits = digits.iter();
    while let Some(byte) = lead.next() {
        match byte {
            b'+' => return fits(lead.as_slice(), digits.len()),
            b'[' => {
                let length = lead.as_slice().iter().take_while(|byte| **byte != b']').count();
                let class = lead.as_slice().get(..length).unwrap_or_default();
                let Some(digit) = digits.next() else { return false };
                if !in_class(class, *digit) {
                    return false;
                }
                lead.nth(length);
            }
            digit if digits.next() == Some(digit) => {}
            _ => return false,
        }
    }
    false
}

/// `0-35`: a zero to a three, or a five.
fn in_class(class: &[u8], digit: u8) -> bool {
    let ranged = class
        .windows(3)
        .any(|part| matches!(part, [first, b'-', last] if (*first..=*last).contains(&digit)));
    ranged || class.contains(&digit)
}

fn fits(length: &[u8], count: usize) -> bool {
    let number = |text: &[u8]| {
        text.iter().fold(0, |sum, digit| sum * 10 + usize::from(digit.wrapping_sub(b'0')))
    };
    let mut ends = length.split(|byte| *byte == b'-').map(number);
    let first = ends.next().unwrap_or_default();
    (first..=ends.next().unwrap_or(first)).contains(&count)
}

#[cfg(test)]
mod tests {
    use super::hold;

    #[test]
    fn ranges() {
        assert!(hold("33+6|7[1-57-9]+8", b"7123456789"));
        assert!(!hold("33+6|7[1-57-9]+8", b"7623456789"));
        assert!(!hold("7[1-57-9]+8", b"712345678"));
        assert!(hold("4+5-9", b"412345") && hold("4+5-9", b"4123456789"));
        assert!(!hold("4+5-9", b"41234567890") && !hold("", b"1"));
    }
}
