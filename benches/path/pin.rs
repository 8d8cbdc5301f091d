//! Proxies on one processor, everything else on another, where there are two and `taskset`.
use std::process::{Command, Stdio};

const PROXY: &str = "0";
const OTHERS: &str = "1";

/// Keeps this process off the proxies' processor; threads that start later inherit it.
pub(crate) fn this_process() {
    if !can() {
        eprintln!("one processor, or no `taskset`: proxies and agents share what there is");
        return;
    }
    let pid = std::process::id().to_string();
    let pinned = Command::new("taskset").args(["-cp", OTHERS, &pid]).stdout(Stdio::null()).status();
    assert!(pinned.is_ok_and(|status| status.success()), "`taskset` did not do it");
}

/// The same command on the proxies' processor.
pub(crate) fn proxy(command: &Command) -> Command {
    if !can() {
        let mut same = Command::new(command.get_program());
        same.args(command.get_args());
        copy_environment(command, &mut same);
        return same;
    }
    let mut pinned = Command::new("taskset");
    pinned.args(["-c", PROXY]).arg(command.get_program()).args(command.get_args());
    copy_environment(command, &mut pinned);
    pinned
}

fn copy_environment(from: &Command, to: &mut Command) {
    for (name, value) in from.get_envs() {
        match value {
            Some(value) => to.env(name, value),
            None => to.env_remove(name),
        };
    }
}

fn can() -> bool {
    let two = std::fs::read_to_string("/proc/cpuinfo")
        .is_ok_and(|text| text.lines().filter(|line| line.starts_with("processor")).count() > 1);
    let there = Command::new("taskset").arg("--version").stdout(Stdio::null()).status();
    two && there.is_ok_and(|status| status.success())
}
