//! Figures as tables for a page, beside those of other tools and the aims.
use std::fmt::Write;
use std::time::Duration;

use super::figures::{Count, Figures, Heading};
use super::rivals::{EVASIONS, PERSONAL, SECRETS};

impl Figures {
    /// The figures as Markdown.
    pub fn to_markdown(&self, scanning: Duration) -> String {
        let mut text = String::new();
        self.classes(&mut text);
        self.secrets(&mut text);
        self.personal(&mut text);
        self.evasions(&mut text);
        let _ = writeln!(
            text,
            "\n{} samples, {:.1} MB scanned in {:.3} s: {:.1} MB/s on one core.",
            self.samples,
            self.speed(scanning) * scanning.as_secs_f64(),
            scanning.as_secs_f64(),
            self.speed(scanning)
        );
        text
    }

    fn classes(&self, text: &mut String) {
        text.push_str(
            "| class | found | of | recall % | wrong | precision % |\n\
             | --- | --- | --- | --- | --- | --- |\n",
        );
        let mut row = |name: &str, found: Count, wrong: usize, precision: Option<f64>| {
            let precision = precision.map_or("–".to_owned(), percent);
            let recall = percent(found.share());
            let Count { hits, of } = found;
            let _ = writeln!(text, "| {name} | {hits} | {of} | {recall} | {wrong} | {precision} |");
        };
        for (name, found) in self.rows(Heading::Family) {
            let wrong = self.wrong.get(name).copied().unwrap_or_default();
            row(&format!("`{name}`"), found, wrong, self.precision(name));
        }
        let (found, right) = self.overall();
        row("all", found, right.of - right.hits, Some(right.share()));
    }

    fn secrets(&self, text: &mut String) {
        text.push_str(
            "\n| secrets, % | structured | contextual | generic | all | harmless flagged |\n\
             | --- | --- | --- | --- | --- | --- |\n",
        );
        let names = ["secret structured", "secret contextual", "secret generic", "secret"];
        let shares = names.map(|name| self.recall(name).map_or("–".to_owned(), percent));
        let flagged = format!("{:.2}", self.flagged() * 100.0);
        let _ = writeln!(text, "| **tollgate** | {} | {flagged} |", shares.join(" | "));
        for (tool, shares) in SECRETS {
            let _ = writeln!(text, "| {tool} | {} |", shares.join(" | "));
        }
    }

    fn personal(&self, text: &mut String) {
        text.push_str(
            "\n| personal and payment data, % | **tollgate** | Presidio | pipelock | aim | \
             wrong twins flagged | aim |\n| --- | --- | --- | --- | --- | --- | --- |\n",
        );
        for (entity, [presidio, pipelock, aim, twins_aim]) in PERSONAL {
            let found = self.recall(entity).map_or("–".to_owned(), percent);
            let twins = self.twin(entity).map_or("–".to_owned(), |count| percent(count.share()));
            let _ = writeln!(
                text,
                "| `{entity}` | {found} | {presidio} | {pipelock} | {aim} | {twins} | {twins_aim} |"
            );
        }
    }

    fn evasions(&self, text: &mut String) {
        text.push_str(
            "\n| secrets written otherwise, % of those found plainly | **tollgate** | gitleaks | \
             betterleaks | pipelock | aim |\n| --- | --- | --- | --- | --- | --- |\n",
        );
        for (name, evasions, shares) in EVASIONS {
            let count = self.evasion("secret", evasions);
            let ours = if count.of == 0 { "–".to_owned() } else { percent(count.share()) };
            let _ = writeln!(text, "| {name} | {ours} | {} | ≥ 95 |", shares.join(" | "));
        }
    }
}

fn percent(share: f64) -> String {
    format!("{:.1}", share * 100.0)
}
