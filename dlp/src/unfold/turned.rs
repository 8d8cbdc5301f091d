//! Tokens that are written from the end to the beginning, or with letters moved by thirteen.
use crate::coding::{Coding, Codings};
use crate::engine::token::Token;
use crate::engine::{Hit, LOOK_BEHIND, Outcome, Span, Window};

/// How a token is turned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    Reversed,
    Rot13,
}

impl Turn {
    /// A literal as it looks when it is turned.
    pub(crate) fn of(self, literal: &str) -> String {
        match self {
            Self::Reversed => literal.chars().rev().collect(),
            Self::Rot13 => literal.chars().map(rot13).collect(),
        }
    }

    /// Looks at the turned literal that stands from `start` to `end`.
    pub(crate) fn check(
        self,
        token: &Token,
        window: &Window<'_>,
        (start, end): (usize, usize),
    ) -> Outcome {
        match self {
            Self::Reversed => reversed(token, window, start, end),
            Self::Rot13 => moved(token, window, start),
        }
    }
}

fn reversed(token: &Token, window: &Window<'_>, start: usize, end: usize) -> Outcome {
    if window.byte(end).is_some_and(|byte| byte.is_ascii_alphanumeric()) {
        return Outcome::Nothing;
    }
    let from = window.run_back(start, LOOK_BEHIND, in_token);
    let mut text = window.part(from, end).to_vec();
    text.reverse();
    match token.check(&Window::whole(&text), 0) {
        Outcome::Hit(hit) => {
            let secret = Span::new(end - hit.secret.end, end - hit.secret.start);
            turned(hit, secret, Coding::Reversed)
        }
        _ => Outcome::Nothing,
    }
}

fn moved(token: &Token, window: &Window<'_>, start: usize) -> Outcome {
    if window.before(start).is_some_and(|byte| byte.is_ascii_alphanumeric()) {
        return Outcome::Nothing;
    }
    let end = window.run(start, LOOK_BEHIND, in_token);
    let text: Vec<u8> = window.part(start, end).iter().map(|byte| turn(*byte)).collect();
    match token.check(&Window::whole(&text), 0) {
        Outcome::Hit(hit) => {
            let secret = Span::new(start + hit.secret.start, start + hit.secret.end);
            turned(hit, secret, Coding::Rot13)
        }
        _ => Outcome::Nothing,
    }
}

fn turned(hit: Hit, secret: Span, coding: Coding) -> Outcome {
    Outcome::Hit(Hit { secret, wide: None, via: Codings::default().then(coding), ..hit })
}

fn in_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.=+/~:".contains(&byte)
}

fn rot13(c: char) -> char {
    u8::try_from(c).map_or(c, |byte| char::from(turn(byte)))
}

fn turn(byte: u8) -> u8 {
    match byte {
        b'a'..=b'm' | b'A'..=b'M' => byte + 13,
        b'n'..=b'z' | b'N'..=b'Z' => byte - 13,
        _ => byte,
    }
}
