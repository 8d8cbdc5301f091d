//! Patterns that a rule may search with.
//!
//! The engine runs in linear time whatever the pattern. Patterns that explode elsewhere are
//! refused all the same: the same bundle may be read by an engine that backtracks, and one that
//! quietly skips such a rule would let pass what this one refuses.
use regex::{Regex, RegexBuilder};
use regex_syntax::ast::{self, Ast, RepetitionKind, RepetitionRange};

/// The longest pattern, in characters.
const CHARS_MAX: usize = 512;

/// Groups within groups; a pattern of 512 characters that needs more is not meant.
const NEST_MAX: u32 = 50;

/// Memory of one compiled pattern; a thousand rules must not fill the machine.
const COMPILED_BYTES_MAX: usize = 2 << 20;

/// The lazy automaton's cache, per pattern and thread.
const CACHE_BYTES_MAX: usize = 512 << 10;

/// Compiles a pattern for a case-insensitive search, or says why it may not be used.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    let chars = pattern.chars().count();
    if chars > CHARS_MAX {
        return Err(format!("the pattern has {chars} characters, {CHARS_MAX} are allowed"));
    }
    let tree =
        ast::parse::ParserBuilder::new().nest_limit(NEST_MAX).build().parse(pattern).map_err(
            |error| {
                let at = error.span().start.column;
                format!("the pattern cannot be read at its character {at}: {}", error.kind())
            },
        )?;
    check(&tree)?;
    RegexBuilder::new(pattern)
        .case_insensitive(true)
        .nest_limit(NEST_MAX)
        .size_limit(COMPILED_BYTES_MAX)
        .dfa_size_limit(CACHE_BYTES_MAX)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => {
                "the pattern is too large; use smaller counts or `(?-u:…)` classes".to_owned()
            }
            _ => "the pattern cannot be compiled".to_owned(),
        })
}

fn check(tree: &Ast) -> Result<(), String> {
    match tree {
        Ast::Repetition(repeated) => {
            let (many, endless) = reach(&repeated.op.kind);
            if many && repeats_endlessly(&repeated.ast) {
                return Err("a repetition inside a repetition (as in `(a+)+`) is unsafe; \
                            repeat once, or bound the inner one as in `{1,20}`"
                    .to_owned());
            }
            if endless && has_choice(&repeated.ast) {
                return Err("a repeated choice (as in `(a|b)*`) is unsafe; \
                            use a class such as `[ab]*`, or bound it as in `{0,20}`"
                    .to_owned());
            }
            check(&repeated.ast)
        }
        Ast::Concat(parts) => {
            let mut pairs = parts.asts.iter().zip(parts.asts.iter().skip(1));
            if pairs
                .any(|(left, right)| endless_of(left).is_some_and(|l| endless_of(right) == Some(l)))
            {
                return Err(
                    "two endless repetitions of the same thing (as in `.*.*`) are unsafe; \
                            one is enough"
                        .to_owned(),
                );
            }
            parts.asts.iter().try_for_each(check)
        }
        Ast::Alternation(choices) => choices.asts.iter().try_for_each(check),
        Ast::Group(group) => check(&group.ast),
        _ => Ok(()),
    }
}

/// Whether a repetition can run more than once, and whether it has no end.
fn reach(kind: &RepetitionKind) -> (bool, bool) {
    match kind {
        RepetitionKind::ZeroOrOne => (false, false),
        RepetitionKind::ZeroOrMore | RepetitionKind::OneOrMore => (true, true),
        RepetitionKind::Range(RepetitionRange::AtLeast(_)) => (true, true),
        RepetitionKind::Range(RepetitionRange::Exactly(n) | RepetitionRange::Bounded(_, n)) => {
            (*n > 1, false)
        }
    }
}

fn repeats_endlessly(tree: &Ast) -> bool {
    match tree {
        Ast::Repetition(inner) => reach(&inner.op.kind).1 || repeats_endlessly(&inner.ast),
        Ast::Concat(parts) => parts.asts.iter().any(repeats_endlessly),
        Ast::Alternation(choices) => choices.asts.iter().any(repeats_endlessly),
        Ast::Group(group) => repeats_endlessly(&group.ast),
        _ => false,
    }
}

fn has_choice(tree: &Ast) -> bool {
    match tree {
        Ast::Alternation(_) => true,
        Ast::Repetition(inner) => has_choice(&inner.ast),
        Ast::Concat(parts) => parts.asts.iter().any(has_choice),
        Ast::Group(group) => has_choice(&group.ast),
        _ => false,
    }
}

/// What is repeated without end, as it is written.
fn endless_of(tree: &Ast) -> Option<String> {
    match tree {
        Ast::Repetition(inner) if reach(&inner.op.kind).1 => Some(inner.ast.to_string()),
        Ast::Group(group) => endless_of(&group.ast),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::compile;

    #[test]
    fn unsafe_patterns_are_refused_and_plain_ones_are_not() {
        for bad in [
            "(a+)+",
            "(a*)*",
            "(a+){2,}",
            "(a+){3}",
            "((a+)b?)*",
            "(a|b)+",
            "(foo|bar)*x",
            ".*.*",
            "a+a*",
            "(.*)(.*)",
            "(",
            "[",
            "a{2",
            r"(?=x)",
            r"(a)\1",
            r"\p{Nope}",
            "(x+x+)+y",
            r"(\w{1000}){1000}",
        ] {
            assert!(compile(bad).is_err(), "{bad}");
        }
        for good in [
            "(abc|def)",
            "[a-z]+@[a-z]+",
            r"^select\s+\*\s+from",
            r"(\d{1,3}\.){3}\d{1,3}",
            r"(-[0-9]+)?",
            r"drop\s+(table|database)",
            "a.*b.*c",
            "(ab|cd){1,4}",
        ] {
            assert!(compile(good).is_ok(), "{good}: {:?}", compile(good));
        }
        assert!(compile(&"a".repeat(512)).is_ok());
        assert!(compile(&"a".repeat(513)).is_err());
    }

    #[test]
    fn the_search_ignores_case() {
        assert!(compile("^drop").unwrap().is_match("DROP TABLE x"));
    }
}
