//! Figures as lines for people.
use std::fmt::Write;
use std::time::Duration;

use super::figures::{Count, Figures, Heading};

impl Figures {
    /// The figures as lines for people.
    pub fn to_text(&self, scanning: Duration) -> String {
        let mut text = String::new();
        for heading in Heading::ALL {
            let rows: Vec<_> = self.rows(heading).collect();
            if rows.is_empty() {
                continue;
            }
            let _ = writeln!(text, "found, by {}", heading.title());
            for (name, count) in rows {
                let precision = match heading {
                    Heading::Family => self.precision(name),
                    _ => None,
                };
                row(&mut text, name, count, precision);
            }
        }
        let _ = writeln!(text, "twins flagged");
        for ((heading, name), count) in &self.twins {
            if *heading == Heading::Family {
                row(&mut text, name, *count, None);
            }
        }
        let _ = writeln!(text, "harmless flagged");
        for (scope, count) in &self.harmless {
            row(&mut text, scope, *count, None);
        }
        let _ = writeln!(text, "harmless flagged, all {:.2} %", self.flagged() * 100.0);
        let (recall, right) = self.overall();
        let _ = writeln!(
            text,
            "all classes: recall {:.1} %, precision {:.1} %",
            recall.share() * 100.0,
            right.share() * 100.0
        );
        let _ = writeln!(
            text,
            "{} samples, {} bytes scanned in {:.3} s: {:.1} MB/s",
            self.samples,
            self.bytes,
            scanning.as_secs_f64(),
            self.speed(scanning)
        );
        text
    }
}

fn row(text: &mut String, name: &str, count: Count, precision: Option<f64>) {
    let _ =
        write!(text, "  {name:44} {:6.1} %  {} of {}", count.share() * 100.0, count.hits, count.of);
    if let Some(precision) = precision {
        let _ = write!(text, ", precision {:.1} %", precision * 100.0);
    }
    text.push('\n');
}
