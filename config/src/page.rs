//! What may be shown of a file: one line at a time.
use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

/// How much of a long line is shown before and after the place.
const REACH: usize = 100;

/// The covered text of a file. Whatever context a renderer asks for, it gets the lines of the
/// mistake and no other: the line above may be nobody's business.
pub(crate) struct Page {
    name: String,
    text: String,
}

impl Page {
    /// A page of a text that is covered already.
    pub(crate) fn new(name: &str, text: String) -> Self {
        Self { name: tame(name), text: tame(&text) }
    }
}

/// A text as a terminal may have it: what would move its cursor, colour it or turn its lines around
/// is `?`, as many as it has bytes, so that places stay what they were.
pub(crate) fn tame(text: &str) -> String {
    let mut tamed = String::with_capacity(text.len());
    for char in text.chars() {
        let is_plain = matches!(char, '\n' | '\r' | '\t');
        let turns = matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        match (char.is_control() && !is_plain) || turns {
            true => (0..char.len_utf8()).for_each(|_| tamed.push('?')),
            false => tamed.push(char),
        }
    }
    tamed
}

impl SourceCode for Page {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        context_before: usize,
        context_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let (mut start, mut end) = (span.offset(), span.offset().saturating_add(span.len()));
        let before = self.text.get(..start).ok_or(MietteError::OutOfBounds)?;
        let after = self.text.get(end..).ok_or(MietteError::OutOfBounds)?;
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        if context_before > 0 || context_after > 0 {
            start = self.text.ceil_char_boundary(line_start.max(start.saturating_sub(REACH)));
            let rest = after.find('\n').unwrap_or(after.len());
            end = self.text.floor_char_boundary(end + rest.min(REACH));
        }
        let column = self.text.get(line_start..start).map_or(0, |head| head.chars().count());
        let shown = self.text.get(start..end).ok_or(MietteError::OutOfBounds)?;
        let line = before.matches('\n').count();
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            shown.as_bytes(),
            (start, end - start).into(),
            line,
            column,
            shown.lines().count(),
        )))
    }
}
