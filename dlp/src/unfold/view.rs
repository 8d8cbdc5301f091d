//! A text made from a part of another one, and the way back.
use crate::coding::{Coding, Codings};
use crate::engine::Span;

/// A text in which something was decoded, left out or put together, with what each byte of it was
/// made from.
#[derive(Default)]
pub(crate) struct View {
    pub(crate) text: Vec<u8>,
    pieces: Vec<Piece>,
}

/// A stretch of a view, up to the next one.
struct Piece {
    /// Where it begins in the view.
    at: usize,
    /// What it was made from.
    source: Span,
    /// How it was written; `None` when it is the source byte for byte.
    coding: Option<Coding>,
    /// What stands on its two sides is not one text in the source: an edit must not reach over it.
    cut: bool,
}

/// What a stretch of a view was made from.
pub(crate) struct Trace {
    /// In the source, in order.
    pub(crate) spans: Vec<Span>,
    /// How it was written; empty when all of it is the source itself.
    pub(crate) codings: Codings,
}

impl View {
    /// Appends a part of the source as it is.
    pub(crate) fn copy(&mut self, source: &[u8], span: Span) {
        if span.start < span.end {
            self.piece(span, None, false);
            self.text.extend_from_slice(source.get(span.start..span.end).unwrap_or_default());
        }
    }

    /// Appends what a part of the source means. It may be nothing.
    pub(crate) fn put(&mut self, meaning: &[u8], source: Span, coding: Coding) {
        self.piece(source, Some(coding), false);
        self.text.extend_from_slice(meaning);
    }

    /// Leaves out what stands between two pieces of one text.
    pub(crate) fn join(&mut self, gap: Span, coding: Coding) {
        self.piece(gap, Some(coding), true);
    }

    /// Appends bytes that the source does not have.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        let end = self.pieces.last().map_or(0, |piece| piece.source.end);
        self.piece(Span::new(end, end), None, true);
        self.text.extend_from_slice(bytes);
    }

    fn piece(&mut self, source: Span, coding: Option<Coding>, cut: bool) {
        self.pieces.push(Piece { at: self.text.len(), source, coding, cut });
    }

    /// Where pieces were put together.
    pub(crate) fn joints(&self) -> Vec<usize> {
        self.pieces.iter().filter(|piece| piece.cut).map(|piece| piece.at).collect()
    }

    /// What the bytes from `start` to `end` were made from.
    pub(crate) fn trace(&self, span: Span) -> Trace {
        let mut trace = Trace { spans: Vec::new(), codings: Codings::default() };
        let mut open: Option<Span> = None;
        let first = self.pieces.partition_point(|piece| piece.at <= span.start).saturating_sub(1);
        let pieces = self.pieces.get(first..).unwrap_or_default();
        for (at, piece) in pieces.iter().enumerate() {
            if piece.at >= span.end {
                break;
            }
            let end = pieces.get(at + 1).map_or(self.text.len(), |next| next.at);
            let inside = piece.at > span.start && piece.at == end;
            if end <= span.start && !inside {
                continue;
            }
            if let Some(coding) = piece.coding {
                trace.codings = trace.codings.then(coding);
            }
            if piece.cut {
                trace.spans.extend(open.take());
                continue;
            }
            let part = match piece.coding {
                Some(_) => piece.source,
                None => Span::new(
                    piece.source.start + span.start.saturating_sub(piece.at),
                    piece.source.start + span.end.min(end) - piece.at,
                ),
            };
            open = Some(open.map_or(part, |open| open.with(part)));
        }
        trace.spans.extend(open);
        trace
    }
}

/// The next place that is not inside a character of UTF-8.
pub(crate) fn on_char(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().take(3).take_while(|byte| **byte & 0xC0 == 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_lead_back() {
        let source = b"ab%63d\" + \"ef";
        let mut view = View::default();
        view.copy(source, Span::new(0, 2));
        view.put(b"c", Span::new(2, 5), Coding::Percent);
        view.copy(source, Span::new(5, 6));
        view.join(Span::new(6, 11), Coding::Joined);
        view.copy(source, Span::new(11, 13));
        assert_eq!(view.text, b"abcdef");
        let trace = view.trace(Span::new(1, 5));
        assert_eq!(trace.spans, [Span::new(1, 6), Span::new(11, 12)]);
        assert_eq!(trace.codings.to_string(), "percent>joined");
        let open = view.trace(Span::new(0, 2));
        assert_eq!(open.spans, [Span::new(0, 2)]);
        assert!(open.codings.is_empty());
        assert!(view.trace(Span::new(4, 6)).codings.is_empty(), "the joint is not inside");
    }
}
