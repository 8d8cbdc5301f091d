//! `tollgate doctor`: really runs each program that it finds through a gate, and says which uses
//! the proxy, which trusts the gate's authority, and which goes around.
//!
//! The gate is one of its own, and so is the server behind it; both are on loopback, nothing leaves
//! the machine. A counting relay stands before the gate, so that what came to it is known without
//! asking the program.
mod probes;
mod report;
mod site;
mod threshold;

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use ipnet::IpNet;
use tokio::process::Command;

use crate::alongside::{Authorities, ReadyMade, Wish};
use crate::outfit::{Outfit, TrustFault, TrustFiles};
use crate::run::{Running, StartFault, start};
use crate::snapshot::Source;
use probes::{PROBES, Probe};
pub use report::{Format, Row, Verdict, write};
use site::{Front, Site};
use threshold::Threshold;

/// A program that only says its version.
const VERSION_PATIENCE: Duration = Duration::from_secs(30);
/// Of one name on the path, such as two versions of Node.js.
const PROGRAMS_MAX: usize = 3;

/// Why nothing could be looked at.
#[derive(Debug, thiserror::Error)]
pub enum DoctorFault {
    /// Files or sockets.
    #[error("the examination cannot be prepared: {0}")]
    Prepare(#[from] std::io::Error),
    /// The gate.
    #[error(transparent)]
    Start(#[from] StartFault),
    /// What programs are to trust.
    #[error(transparent)]
    Trust(#[from] TrustFault),
}

/// A gate that runs already, as its configuration describes it.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Where it listens.
    pub gate: SocketAddr,
    /// What it shows, which clients are to trust.
    pub certificate: PathBuf,
    /// A place that it lets be reached and looks into.
    pub place: (String, u16),
}

/// Runs everything that is found, one after the other. `told` hears each name before it is tried.
/// Before a gate that runs already, clients are led as far as their handshake.
pub async fn examine(
    standing: Option<Standing>,
    told: impl Fn(&str),
) -> Result<Vec<Row>, DoctorFault> {
    let folder = tempfile::Builder::new().prefix("tollgate-doctor-").tempdir()?;
    let site = Site::open(folder.path()).await?;
    let wish = Wish {
        hosts: vec![format!("{}:{}", site.name, site.port)],
        addresses: loopback(),
        record: Some(folder.path().join("record")),
        authorities: Authorities::Only(site.authority.clone()),
        observe: false,
    };
    let made = ReadyMade::write(&wish)?;
    let running = start(Source::new(&made.path())).await?;
    let rows = match prepare(&running, &made, site, folder.path(), standing).await {
        Ok(ward) => Ok(ward.round(told).await),
        Err(fault) => Err(fault),
    };
    if let Err(error) = running.stop().await {
        tracing::warn!(%error, "the examination's record was not closed in order");
    }
    rows
}

/// The whole of it, since a machine's name may lead to any address there.
fn loopback() -> Vec<IpNet> {
    let four = ipnet::Ipv4Net::new(Ipv4Addr::LOCALHOST, 8).map(|range| range.trunc().into());
    four.into_iter().chain([IpNet::from(IpAddr::from(Ipv6Addr::LOCALHOST))]).collect()
}

type Variables = Vec<(&'static str, String)>;

async fn prepare<'a>(
    running: &Running,
    made: &ReadyMade,
    site: Site,
    folder: &'a Path,
    standing: Option<Standing>,
) -> Result<Ward<'a>, DoctorFault> {
    let gate = running.listener("agent").ok_or_else(|| std::io::Error::other("no listener"))?;
    let front = Front::open(gate).await?;
    let trust = TrustFiles::write(&made.folder().join("intercept-ca.pem"), None)?;
    let variables = Outfit::new(Some(front.address), trust).variables();
    // Whom the kernel leads to a gate connects to a server's address, and is shown what it has to
    // be told to trust: so is one that connects to the site, and is told of its authority.
    let trust = TrustFiles::write(&site.authority, None)?;
    let redirected = Outfit::new(None, trust).variables();
    let standing = match standing {
        Some(standing) => Some(Before::open(&standing, folder).await?),
        None => None,
    };
    Ok(Ward { site, front, variables, redirected, standing, folder })
}

/// Where programs are looked at.
struct Ward<'a> {
    site: Site,
    front: Front,
    variables: Variables,
    redirected: Variables,
    standing: Option<Before>,
    folder: &'a Path,
}

/// The way to a gate that runs already.
struct Before {
    threshold: Threshold,
    variables: Variables,
    origin: String,
}

impl Before {
    async fn open(standing: &Standing, folder: &Path) -> Result<Self, DoctorFault> {
        let threshold = Threshold::open(standing.gate).await?;
        let trust = TrustFiles::write(&standing.certificate, Some(folder))?;
        let variables = Outfit::new(Some(threshold.address), trust).variables();
        let (host, port) = &standing.place;
        Ok(Self { threshold, variables, origin: format!("https://{host}:{port}") })
    }
}

impl Ward<'_> {
    async fn round(&self, told: impl Fn(&str)) -> Vec<Row> {
        let mut rows = Vec::new();
        for probe in PROBES {
            for (program, version) in self.programs(probe).await {
                let Some(library) = self.library(probe, &program).await else { continue };
                told(probe.name);
                rows.push(self.look(probe, &program, version + &library).await);
            }
        }
        rows
    }

    /// Each version on the path, once.
    async fn programs(&self, probe: &Probe) -> Vec<(PathBuf, String)> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let places = std::env::split_paths(&path).map(|folder| folder.join(probe.program));
        let mut found: Vec<(PathBuf, String)> = Vec::new();
        for place in places.filter(|place| place.is_file()) {
            let Some(said) = self.run(&place, probe.version, VERSION_PATIENCE).await else {
                continue;
            };
            let version = said.version();
            if said.good && !found.iter().any(|(_, known)| *known == version) {
                found.push((place, version));
            }
        }
        found.truncate(PROGRAMS_MAX);
        found
    }

    /// The version of what the probe needs beside the program; nothing when that is not there.
    async fn library(&self, probe: &Probe, program: &Path) -> Option<String> {
        if probe.needs.is_empty() {
            return Some(String::new());
        }
        let said = self.run(program, probe.needs, VERSION_PATIENCE).await?;
        said.good.then(|| format!(" with {}", said.version()))
    }

    async fn look(&self, probe: &Probe, program: &Path, version: String) -> Row {
        let path = format!("/{}", probe.name.replace([' ', ':'], "-"));
        let (came, arrived) = (self.front.came(), self.site.arrived());
        let said = self.ask(probe, program, &self.origin(), &path, &self.variables).await;
        let proxied = self.front.came() > came;
        let verdict = match (proxied, self.site.heard(&path), self.site.arrived() > arrived) {
            (true, true, _) => Verdict::Good,
            (true, false, _) => Verdict::Distrusts,
            (false, _, true) => Verdict::Around,
            (false, _, false) => Verdict::Silent,
        };
        let why = said.map_or_else(|| "did not end in time".to_owned(), |said| said.last());
        let loopback = self.site.name == "localhost";
        let mut row = Row::new(probe, version, verdict, why, loopback);
        if verdict == Verdict::Around {
            let path = format!("{path}-led");
            self.ask(probe, program, &self.origin(), &path, &self.redirected).await;
            row.redirected = self.site.heard(&path);
            row.contained = self.is_contained(probe, program).await;
        }
        // One that goes around would really go to the place that it is asked for.
        if let (Some(before), Verdict::Good) = (&self.standing, verdict) {
            let next = before.threshold.next();
            let asked = self.ask(probe, program, &before.origin, &path, &before.variables);
            row.doubts(tokio::select! {
                biased;
                () = before.threshold.finished(next) => false,
                _ = asked => true,
            });
        }
        row
    }

    /// Whether the program is served in a network of its own, by a gate that the run makes.
    async fn is_contained(&self, probe: &Probe, program: &Path) -> bool {
        let path = format!("/{}-contained", probe.name.replace([' ', ':'], "-"));
        let origin = self.origin();
        let Ok(gate) = std::env::current_exe() else { return false };
        let Ok(asks) = (probe.arguments)(&format!("{origin}{path}"), self.folder) else {
            return false;
        };
        let place = format!("{}:{}", self.site.name, self.site.port);
        let mut words: Vec<OsString> =
            ["run", "--contain", "--allow", &place].map(Into::into).into();
        for range in loopback() {
            words.extend(["--allow-address".into(), range.to_string().into()]);
        }
        words.extend(["--upstream-ca".into(), self.site.authority.clone().into()]);
        words.extend(["--record".into(), self.folder.join("contained").into(), "--".into()]);
        words.push(program.into());
        words.extend(asks.into_iter().map(Into::into));
        let index = format!("sparse+{origin}{path}/");
        self.run_with(&gate, &words, probe.patience, &Vec::new(), &index).await;
        self.site.heard(&path)
    }

    fn origin(&self) -> String {
        format!("https://{}:{}", self.site.name, self.site.port)
    }

    /// Makes the program's call to a path there.
    async fn ask(
        &self,
        probe: &Probe,
        program: &Path,
        origin: &str,
        path: &str,
        variables: &Variables,
    ) -> Option<Said> {
        let arguments = (probe.arguments)(&format!("{origin}{path}"), self.folder).ok()?;
        // cargo asks a registry and not an address.
        let index = format!("sparse+{origin}{path}/");
        self.run_with(program, &arguments, probe.patience, variables, &index).await
    }

    /// Runs a program that says something of itself.
    async fn run(
        &self,
        program: &Path,
        arguments: &[impl AsRef<std::ffi::OsStr>],
        patience: Duration,
    ) -> Option<Said> {
        self.run_with(program, arguments, patience, &self.variables, "sparse+https://localhost/")
            .await
    }

    /// Runs a program with the variables, without input; nothing when it does not end.
    async fn run_with(
        &self,
        program: &Path,
        arguments: &[impl AsRef<std::ffi::OsStr>],
        patience: Duration,
        variables: &Variables,
        index: &str,
    ) -> Option<Said> {
        let mut command = Command::new(program);
        // This process' own environment may name a proxy.
        for (name, _) in &self.variables {
            command.env_remove(name);
        }
        command.args(arguments).envs(variables.iter().map(|(name, value)| (name, value)));
        command.env("CARGO_REGISTRIES_DOCTOR_INDEX", index);
        command.env("GOCACHE", self.folder.join("go")).env("GO111MODULE", "off");
        command.env("GIT_TERMINAL_PROMPT", "0").current_dir(self.folder).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = tokio::time::timeout(patience, command.output()).await.ok()?.ok()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Some(Said {
            good: output.status.success(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        })
    }
}

struct Said {
    good: bool,
    out: String,
    err: String,
}

impl Said {
    /// The first number with a point in it.
    fn version(&self) -> String {
        // Java tells what it was given before it tells what it is.
        let lines = self.out.lines().chain(self.err.lines());
        let words =
            lines.filter(|line| !line.starts_with("Picked up ")).flat_map(str::split_whitespace);
        let mut words = words.map(|word| word.trim_matches(|c: char| !c.is_ascii_digit()));
        let number =
            |word: &&str| word.contains('.') && word.starts_with(|c: char| c.is_ascii_digit());
        words.find(number).unwrap_or("?").to_owned()
    }

    /// What it complained of last, in one short line.
    fn last(&self) -> String {
        let line = self.err.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("nothing");
        line.trim().chars().filter(|c| !c.is_control()).take(120).collect()
    }
}
