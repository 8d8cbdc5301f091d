//! Providers whose secrets have nothing of their own in them, so that the provider's name beside
//! the value must tell. The tables are texts, one line a provider.

/// Providers with the shapes of their values.
const SHAPES: &str = include_str!("shapes.txt");
/// Providers that are only named.
const NAMES: &str = include_str!("names.txt");

/// How much else must stand beside a provider's name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ring {
    /// Nobody else uses the name: the value may stand right behind it.
    Rare,
    /// The name is in everyone's mouth: an assignment or a telling word is needed.
    Known,
    /// The name is a word of English: it must stand alone besides.
    Word,
}

/// A provider.
pub(crate) struct Neighbour {
    pub(crate) ring: Ring,
    pub(crate) class: &'static str,
    /// Where to look, whatever the case.
    pub(crate) keywords: Vec<&'static str>,
    /// Patterns over bytes that a value fits whole.
    pub(crate) shapes: Vec<&'static str>,
    /// Where the names and shapes are published.
    #[cfg_attr(not(test), expect(dead_code, reason = "sources are for readers and tests"))]
    pub(crate) source: &'static str,
}

/// Every provider of both tables.
pub(crate) fn neighbours() -> impl Iterator<Item = Neighbour> {
    with_source(SHAPES).filter_map(|(source, line)| shaped(source, line)).chain(named().map(
        |(source, ring, class)| Neighbour {
            ring,
            class,
            keywords: vec![class.trim_start_matches("secret.")],
            shapes: Vec::new(),
            source,
        },
    ))
}

/// The classes of all providers, some twice.
pub(crate) fn classes() -> impl Iterator<Item = &'static str> {
    neighbours().map(|neighbour| neighbour.class)
}

/// The lines of a table, each with the source that was named last.
fn with_source(table: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut source = "";
    table.lines().filter(|line| !line.starts_with('#')).filter_map(move |line| {
        match line.strip_prefix("@ ") {
            Some(named) => {
                source = named;
                None
            }
            None => Some((source, line)),
        }
    })
}

/// `ring | class | names | shapes`
fn shaped(source: &'static str, line: &'static str) -> Option<Neighbour> {
    let mut columns = line.split(" | ");
    let ring = ring(columns.next()?)?;
    let class = columns.next()?;
    let keywords = columns.next()?.split(',').collect();
    let shapes = columns.next()?.split(' ').collect();
    Some(Neighbour { ring, class, keywords, shapes, source })
}

/// A ring alone on a line, then the classes that are in it.
fn named() -> impl Iterator<Item = (&'static str, Ring, &'static str)> {
    let mut now = Ring::Rare;
    with_source(NAMES)
        .flat_map(|(source, line)| line.split(' ').map(move |word| (source, word)))
        .filter_map(move |(source, word)| match ring(word) {
            Some(next) => {
                now = next;
                None
            }
            None => Some((source, now, word)),
        })
}

fn ring(word: &str) -> Option<Ring> {
    match word {
        "rare" => Some(Ring::Rare),
        "known" => Some(Ring::Known),
        "word" => Some(Ring::Word),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
