//! Handing rules to the kernel, by `nft`.
use std::io::{ErrorKind, Write as _};
use std::process::{Child, Command, Stdio};

/// Where it is on machines whose users do not have it on their path.
const PLACES: [&str; 3] = ["nft", "/usr/sbin/nft", "/sbin/nft"];

/// Hands rules to the kernel: all of them or none.
pub fn load(rules: &str) -> Result<(), String> {
    let mut nft = start()?;
    // A child that does not read ends, and how it ended says more.
    let written = nft.stdin.take().map(|mut input| input.write_all(rules.as_bytes()));
    drop(written);
    let ended = nft.wait_with_output().map_err(|error| error.to_string())?;
    match ended.status.success() {
        true => Ok(()),
        false => {
            let why = String::from_utf8_lossy(&ended.stderr);
            Err(format!("`nft` refused the rules: {}", why.trim_end()))
        }
    }
}

fn start() -> Result<Child, String> {
    let mut last = None;
    for place in PLACES {
        let mut nft = Command::new(place);
        nft.args(["-f", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        match nft.spawn() {
            Ok(started) => return Ok(started),
            Err(error) => {
                last = last.filter(|_| error.kind() == ErrorKind::NotFound).or(Some(error))
            }
        }
    }
    let why = last.map_or_else(String::new, |error| format!(" ({error})"));
    Err(format!("cannot run `nft`{why}; install nftables"))
}
