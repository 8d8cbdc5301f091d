//! Words: runs of ASCII letters and digits that hold a digit. What has no literal of its own
//! (cards, accounts, ids, numbers of telephones, addresses of machines) is looked for where one
//! begins.
use super::Span;

/// The words of a text in order: each is a maximal run and holds a digit.
pub(crate) fn words(text: &[u8]) -> impl Iterator<Item = Span> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = text.get(at..)?;
            let start = at + rest.iter().position(u8::is_ascii_alphanumeric)?;
            let run = text.get(start..)?;
            let length = run.iter().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(run.len());
            at = start + length;
            if run.iter().take(length).any(u8::is_ascii_digit) {
                return Some(Span::new(start, at));
            }
        }
    })
}
