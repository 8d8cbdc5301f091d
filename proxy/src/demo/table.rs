//! The table a person reads.
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use super::agent::Heard;
use super::stage::Stage;

/// One line of the table.
pub(super) struct Row {
    name: &'static str,
    expect: &'static str,
    status: u16,
    code: String,
    receipt: String,
    added: Option<Duration>,
    good: bool,
}

impl Row {
    pub(super) fn new(
        name: &'static str,
        expect: &'static str,
        heard: &Heard,
        good: bool,
        added: Option<Duration>,
    ) -> Self {
        Self {
            name,
            expect,
            status: heard.status.as_u16(),
            code: heard.code().unwrap_or_else(|| "-".to_owned()),
            receipt: heard.receipt().unwrap_or_else(|| "-".to_owned()),
            added,
            good,
        }
    }
}

/// Standard output may be closed by whoever reads it; the show goes on.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

fn paint(text: &str, code: &str) -> String {
    if std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

pub(super) fn print_intro() {
    print(
        "\nTollgate, shown at work: an agent calls tools, and every call goes through the gate.\n\n",
    );
}

/// Prints the table; whether every row is good.
pub(super) fn print_rows(rows: &[Row]) -> bool {
    print(&format!(
        "   {:<30} {:<18} {:>4}  {:<17} {:>9}  {}\n",
        "the agent tries", "and it is", "HTTP", "code", "added", "receipt"
    ));
    print(&format!("   {}\n", "─".repeat(120)));
    for row in rows {
        let mark = if row.good { paint("✓", "32") } else { paint("✗", "31;1") };
        let added = row.added.map_or_else(
            || "-".to_owned(),
            |added| format!("{:.2} ms", added.as_secs_f64() * 1000.0),
        );
        let expect = match row.expect {
            "allowed" => paint(&format!("{:<18}", row.expect), "32"),
            "redacted" | "filtered" => paint(&format!("{:<18}", row.expect), "33"),
            _ => paint(&format!("{:<18}", row.expect), "31"),
        };
        print(&format!(
            " {mark} {:<30} {expect} {:>4}  {:<17} {added:>9}  {}\n",
            row.name, row.status, row.code, row.receipt
        ));
    }
    print(
        "\n   added: what the gate adds to the same call made directly, median of five, each on a new connection.\n",
    );
    let good = rows.iter().all(|row| row.good);
    if !good {
        print(&paint("\n   A row marked ✗ did not go as it should.\n", "31;1"));
    }
    good
}

/// Says what verification said.
pub(super) fn print_verified(sound: bool, said: &str) {
    let mark = if sound { paint("✓", "32") } else { paint("✗", "31;1") };
    print(&format!("\n {mark} the record of all this, verified:\n"));
    for line in said.lines() {
        print(&format!("     {line}\n"));
    }
}

pub(super) fn print_invitation(stage: &Stage) {
    let gate = stage.gate;
    let dir = stage.dir.display();
    let admin = stage.running.admin;
    print(&format!(
        r#"
Try it, the gate stays up until Ctrl-C:

  curl -s http://{gate}/orders/7                           allowed
  curl -s -X DELETE http://{gate}/orders/7                 denied, with code and receipt
  curl -s http://{gate}/orders -H 'content-type: application/json' \
       -d '{{"note":"my card is 4111 1111 1111 1111"}}'         redacted on its way
  curl -s http://{admin}/ready                             how the gate is

An MCP client: point it at  http://{gate}/shop  (Streamable HTTP), for example

  npx @modelcontextprotocol/inspector --cli http://{gate}/shop --transport http --method tools/list

Configuration, policy and record are in {dir}
  edit policy.yaml and save: it is reloaded
  tollgate audit tail {dir}/spool
  tollgate audit verify {dir}/spool
"#
    ));
}

pub(super) fn print_farewell(dir: &Path) {
    print(&format!(
        "\nStopped in order; the record is closed and signed: {}\n",
        dir.join("spool").display()
    ));
}
