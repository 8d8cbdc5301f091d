//! `tollgate-benches check [WORD…]`: judges what the benchmarks measured last by the budget, those
//! lines with a word in their name. `tollgate-benches draw FILE`: a picture of it. `tollgate-benches
//! time NAME PROGRAM…`: how long a program took, as a number of the report.
use std::process::{Command, ExitCode};
use std::time::Instant;

use tollgate_benches::{BUDGET, Budget, Kept, Report, Unit, draw, file, keep};

const USAGE: &str = "usage: tollgate-benches check [WORD…] | draw FILE | time NAME PROGRAM…";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["check", words @ ..] => check(words),
        ["draw", to] => picture(to).map(|()| true),
        ["time", name, program, words @ ..] => time(name, Command::new(program).args(words)),
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(fault) => {
            eprintln!("{fault}");
            ExitCode::from(2)
        }
    }
}

type Fault = Box<dyn std::error::Error>;

/// Whether all lines hold. One that nobody measured does not, unless it needs a program of others.
fn check(words: &[&str]) -> Result<bool, Fault> {
    let (budget, report) = (Budget::parse(BUDGET)?, Report::read(&file())?);
    let (mut broken, mut open, mut judged) = (0, 0, 0);
    for line in budget.judge(&report, None)? {
        if !words.is_empty() && !words.iter().any(|word| line.what.contains(word)) {
            continue;
        }
        judged += 1;
        println!("{line}");
        match (&line.kept, line.needs) {
            (Kept::Within(_), _) => {}
            (Kept::Broken(_), _) => {
                broken += 1;
                println!("        {}", line.why);
            }
            (Kept::Unmeasured, Some(program)) => println!("        it needs {program}"),
            (Kept::Unmeasured, None) => open += 1,
        }
    }
    println!("\n{judged} lines: {broken} broken, {open} not measured (`make bench` measures)");
    Ok(broken == 0 && open == 0 && judged > 0)
}

fn picture(to: &str) -> Result<(), Fault> {
    let drawn = draw(&Report::read(&file())?);
    let drawn =
        drawn.ok_or("nothing was measured that can be drawn; `make bench ARGS=path` does")?;
    Ok(std::fs::write(to, drawn)?)
}

fn time(name: &str, command: &mut Command) -> Result<bool, Fault> {
    let began = Instant::now();
    let done = command.status()?.success();
    let took = began.elapsed();
    if done {
        keep(&[(name.to_owned(), took.as_secs_f64() * 1e9)], Unit::Nanos);
        println!("{name}: {:.1} s", took.as_secs_f64());
    }
    Ok(done)
}
