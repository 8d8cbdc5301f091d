//! A text that comes in pieces: what may be released, and with which edits.
use crate::engine::survey::Patience;
use crate::engine::{LOOK_BEHIND, Window, hit, pem};
use crate::finding::{Acted, Action, Direction, Place};
use crate::judge::Judge;
use crate::name::Name;
use crate::quiet;
use crate::scanner::{Scanner, replacement};

/// What has come and is not forgotten: what went already and may still be looked back at, then
/// what is held.
///
/// Places are counted from the first byte of the whole text.
pub(crate) struct Flow {
    text: Vec<u8>,
    /// Where `text` begins in the whole.
    base: usize,
    /// Where `text` is held from; before it is what went.
    held: usize,
    /// Before this nothing is looked at: a private key block ended here.
    floor: usize,
    /// Nothing that begins before this is open.
    decided: usize,
    /// How much text there was at the last look that left much of it held.
    looked: usize,
    /// Inside a private key block, with what is done about it.
    block: Option<Action>,
}

/// A change of the text.
pub(crate) struct Edit {
    /// What is replaced, counted in the whole text.
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) lead: &'static str,
    pub(crate) tag: Name,
}

/// What one look at a flow has settled.
pub(crate) struct Settled {
    /// Everything before this may go, counted in the whole text.
    pub(crate) until: usize,
    pub(crate) edits: Vec<Edit>,
    pub(crate) acted: Vec<Acted>,
}

impl Flow {
    pub(crate) fn new() -> Self {
        Self { text: Vec::new(), base: 0, held: 0, floor: 0, decided: 0, looked: 0, block: None }
    }

    /// How many bytes have come in all.
    pub(crate) fn end(&self) -> usize {
        self.base + self.text.len()
    }

    /// How many bytes are held.
    pub(crate) fn held(&self) -> usize {
        self.text.len() - self.held
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.text.extend_from_slice(bytes);
    }

    /// The bytes from one place to another, as far as they are remembered.
    pub(crate) fn part(&self, start: usize, end: usize) -> &[u8] {
        let range = start.saturating_sub(self.base)..end.saturating_sub(self.base);
        self.text.get(range).unwrap_or_default()
    }

    /// Settles what can be settled, everything when the text has ended.
    pub(crate) fn settle(
        &mut self,
        scanner: &Scanner,
        judge: (&Judge, Direction),
        patience: Patience,
        ended: bool,
    ) -> Settled {
        self.look(scanner, judge, patience, ended, true)
    }

    /// The same with a full look each time.
    #[cfg(test)]
    fn settle_in_full(&mut self, scanner: &Scanner, judge: (&Judge, Direction)) -> Settled {
        self.look(scanner, judge, Patience::Eager, false, false)
    }

    /// `glances` when a glance may do.
    fn look(
        &mut self,
        scanner: &Scanner,
        judge: (&Judge, Direction),
        patience: Patience,
        ended: bool,
        glances: bool,
    ) -> Settled {
        let mut settled = Settled { until: 0, edits: Vec::new(), acted: Vec::new() };
        self.block(ended, &mut settled);
        if self.block.is_none() && (ended || self.is_worth_a_look()) {
            self.looked = self.text.len();
            let glances = glances && patience == Patience::Eager && !ended;
            match glances && self.may_go(scanner) {
                true => self.held = self.text.len(),
                false => self.survey(scanner, judge, patience, ended, &mut settled),
            }
        }
        settled.until = self.base + self.held;
        settled
    }

    /// Whether a glance tells that all of a text that goes on may go.
    fn may_go(&self, scanner: &Scanner) -> bool {
        quiet::may_go(&scanner.surveyor, &window(&self.text, self.floor, false), self.decided)
    }

    /// Forgets what nothing can look back at any more.
    pub(crate) fn forget(&mut self) {
        let old = self.held.saturating_sub(LOOK_BEHIND);
        self.text.drain(..old);
        self.base += old;
        self.looked = self.looked.saturating_sub(old);
        self.decided = self.decided.saturating_sub(old);
        self.held -= old;
        self.floor = self.floor.saturating_sub(old);
    }

    /// While much is held, small pieces more are not looked at one by one: the work for each byte
    /// stays bounded, however small they come.
    fn is_worth_a_look(&self) -> bool {
        const MUCH_BYTES: usize = 2048;
        let new = self.text.len().saturating_sub(self.looked);
        self.held() < MUCH_BYTES || new * 4 >= self.held()
    }

    /// Goes on with the private key block that an earlier piece began.
    fn block(&mut self, ended: bool, settled: &mut Settled) {
        let Some(action) = self.block else { return };
        let rest = self.text.get(self.held..).unwrap_or_default();
        let length = match pem::reach(rest, ended) {
            pem::Reach::Ends(length) => {
                self.block = None;
                length
            }
            pem::Reach::Goes(length) => length,
        };
        let start = self.base + self.held;
        if action.edits() && length > 0 {
            settled.edits.push(Edit { start, end: start + length, lead: "", tag: Name::built("") });
        }
        self.held += length;
        self.floor = self.held;
    }

    fn survey(
        &mut self,
        scanner: &Scanner,
        judge: (&Judge, Direction),
        patience: Patience,
        ended: bool,
        settled: &mut Settled,
    ) {
        let window = window(&self.text, self.floor, ended);
        let survey = scanner.surveyor.survey(&window);
        // What is found may be a part of more.
        self.decided = if survey.hits.is_empty() { survey.open(Patience::Exact) } else { 0 };
        let mut until = survey.open(patience).max(self.held);
        for cluster in hit::clusters(survey.hits, Some(judge), usize::MAX) {
            if cluster.claim.end <= self.held {
                continue;
            }
            if cluster.claim.start >= until
                || (cluster.claim.end > until && cluster.runs_on.is_none())
            {
                until = until.min(cluster.claim.start.max(self.held));
                break;
            }
            // Half of a token means nothing: it is not put back once its beginning went.
            let gone = cluster.action == Action::Restore && cluster.edit.start < self.held;
            if cluster.action.edits() && !gone {
                // What went already cannot be changed; the rest can.
                let whole = cluster.edit.start >= self.held;
                let span = if whole { cluster.edit } else { cluster.narrow };
                let matched = if whole { window.part(span.start, span.end) } else { &[] };
                // A block goes on where it has got to, whatever reaches further into it.
                let end = cluster.runs_on.map_or(span.end, |end| span.end.min(end));
                settled.edits.push(Edit {
                    start: self.base + span.start.max(self.held),
                    end: self.base + end.max(self.held),
                    lead: if whole { cluster.lead } else { "" },
                    tag: replacement(&cluster, matched, Some(judge.0)),
                });
            }
            if cluster.action > Action::Allow && cluster.is_told() && !gone {
                settled.acted.push(cluster.acted(Place::Text, self.base));
            }
            if let Some(end) = cluster.runs_on {
                self.block = Some(cluster.action);
                until = end.max(self.held);
                self.floor = until;
                break;
            }
        }
        self.held = until;
    }
}

/// What is looked at of a text that streams.
fn window(text: &[u8], floor: usize, ended: bool) -> Window<'_> {
    Window { floor, ended, streamed: true, ..Window::whole(text) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::quiet::tests::{SCANNER, begun, cases, text};

    /// What a look settled, to be compared.
    fn told(settled: &Settled) -> (usize, Vec<String>, Vec<String>) {
        let edit = |edit: &Edit| format!("{} {} {}{:?}", edit.start, edit.end, edit.lead, edit.tag);
        let acted = settled.acted.iter().map(|acted| format!("{acted:?}"));
        (settled.until, settled.edits.iter().map(edit).collect(), acted.collect())
    }

    proptest! {
        #![proptest_config(cases(1500))]

        #[test]
        fn a_glance_settles_what_a_full_look_does(
            texts in prop::collection::vec(
                prop_oneof![2 => text(), 1 => begun(), 4 => "[a-zA-Z ,.]{0,40}", 1 => "[0-9 -]{1,9}"],
                1..14,
            ),
            between in prop::sample::select(vec!["", " ", ", ", "/", "; ", "-", ": ", "\n"]),
            piece in 1_usize..12,
        ) {
            let scanner = SCANNER.with(std::clone::Clone::clone);
            let judge = (&Judge::default(), Direction::Answer);
            let (mut one, mut other) = (Flow::new(), Flow::new());
            let text = texts.join(between);
            for piece in text.as_bytes().chunks(piece) {
                one.push(piece);
                other.push(piece);
                let glanced = one.settle(&scanner, judge, Patience::Eager, false);
                let looked = other.settle_in_full(&scanner, judge);
                prop_assert_eq!(told(&glanced), told(&looked), "{}", text);
                one.forget();
                other.forget();
            }
        }
    }
}
