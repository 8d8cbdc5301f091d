//! `tollgate redirect`.
use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;

use clap::{ArgGroup, Args};
use tollgate_config::settings::Listener;

use super::{
    ConfigFile, EXIT_CONFIG, EXIT_FAULT, EXIT_FOUND, EXIT_USAGE, EXIT_WELL, answered, complain,
};
use crate::redirect::{Who, Wish, prove, undo};
use crate::snapshot::Source;

/// Lead an agent's connections to the gate, and let nothing else of it out (Linux, nftables)
///
/// The agent runs as a user, or in a control group, of its own: never the gate's. All its TCP
/// connections are redirected to the gate's `transparent` listener, and its questions for names to the
/// gate's DNS server, where the configuration has `dns`; everything else (UDP, QUIC,
/// ICMP, raw IP, a family without a listener) is dropped and counted in the counter `dropped` of the
/// table `inet tollgate`. What the kernel tells routers of multicast groups (IGMP, MLD) is nobody's, so
/// it is dropped for the whole machine, unless `--multicast` lets it pass. Rules may be loaded again at any time and are then the same as once.
///
/// Exits 0 when done, 3 when `--prove` found a way out, 1 when the kernel or `nft` refuses, 78 when
/// the configuration has mistakes.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true)), verbatim_doc_comment)]
pub(super) struct Redirect {
    #[command(flatten)]
    config: ConfigFile,
    /// Print the rules, for `nft -f`
    #[arg(long, group = "what")]
    print: bool,
    /// Load the rules
    #[arg(long, group = "what")]
    apply: bool,
    /// Take the rules away
    #[arg(long, group = "what")]
    undo: bool,
    /// Try every way out, as the agent's user: nothing may lead anywhere but to the gate
    #[arg(long, group = "what")]
    prove: bool,
    /// A user whose connections are redirected, by number; may be repeated
    #[arg(long = "user", value_name = "UID")]
    users: Vec<u32>,
    /// A control group (v2) whose connections are redirected, by its path below the root
    ///
    /// It has to be there, and one that is made anew, as systemd does at each start of a service, is
    /// another to the kernel: load the rules again then (`ExecStartPre=+`), or name the user as well.
    #[arg(long = "cgroup", value_name = "PATH")]
    groups: Vec<String>,
    /// A listener of the gate that the agent may use as well; may be repeated
    #[arg(long, value_name = "ADDRESS:PORT")]
    open: Vec<SocketAddr>,
    /// A name server that the agent may ask beside the gate, on port 53; may be repeated
    #[arg(long = "resolver", value_name = "ADDRESS")]
    resolvers: Vec<IpAddr>,
    /// Let the kernel tell routers of the multicast groups that programs join, for machines whose
    /// network needs that; a group's address carries what its program likes
    #[arg(long)]
    multicast: bool,
    /// An address outside that `--prove` tries to reach [default: addresses of documentation]
    #[arg(long = "target", value_name = "ADDRESS")]
    targets: Vec<IpAddr>,
}

pub(super) fn run(redirect: &Redirect) -> ExitCode {
    if redirect.undo {
        return load(&undo());
    }
    let settings = match Source::new(&redirect.config.config).settings(super::check::wants_colour())
    {
        Ok((settings, _)) => settings,
        Err(fault) => return complain(fault, EXIT_CONFIG),
    };
    let transparent: Vec<SocketAddr> = settings
        .listeners
        .iter()
        .filter(|listener| matches!(listener, Listener::Transparent(_)))
        .filter_map(Listener::bind)
        .collect();
    if transparent.is_empty() {
        return complain(
            "the configuration has no listener of `type: transparent` to redirect to; add one",
            EXIT_CONFIG,
        );
    }
    if redirect.prove {
        return proved(&prove::run(&redirect.targets, settings.admin.bind, settings.dns.is_some()));
    }
    let names = settings.dns.as_ref().map(|dns| dns.listen);
    let wish = match wish(redirect, transparent, names) {
        Ok(wish) => wish,
        Err(why) => return complain(why, EXIT_USAGE),
    };
    if redirect.print {
        return answered(wish.rules(), EXIT_WELL);
    }
    load(&wish.rules())
}

fn wish(
    redirect: &Redirect,
    transparent: Vec<SocketAddr>,
    names: Option<SocketAddr>,
) -> Result<Wish, String> {
    if names.is_some_and(|names| names.port() == 0) {
        return Err("`dns.listen` takes any free port, which changes at each start".to_owned());
    }
    if redirect.users.contains(&0) {
        return Err("root can take the rules away again: run the agent as another user".to_owned());
    }
    let safe = |c: char| c.is_ascii_alphanumeric() || "/-_.@:".contains(c);
    for group in &redirect.groups {
        if group.is_empty() || !group.chars().all(safe) {
            return Err(format!("`{}` is no path of a control group", group.escape_default()));
        }
    }
    let users = redirect.users.iter().map(|user| Who::User(*user));
    let groups = redirect.groups.iter().map(|path| Who::Group(path.trim_matches('/').to_owned()));
    let agents: Vec<Who> = users.chain(groups).collect();
    if agents.is_empty() {
        return Err("name the agent by `--user` or `--cgroup`".to_owned());
    }
    let (open, resolvers) = (redirect.open.clone(), redirect.resolvers.clone());
    let multicast = redirect.multicast;
    Ok(Wish { agents, transparent, open, resolvers, names, multicast })
}

/// Hands rules to the kernel.
fn load(rules: &str) -> ExitCode {
    match crate::redirect::load(rules) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => complain(format!("{why}; `--print` only prints the rules"), EXIT_FAULT),
    }
}

fn proved(tried: &[prove::Tried]) -> ExitCode {
    let line = |tried: &prove::Tried| {
        let word = if tried.is_out { "OUT    " } else { "closed " };
        format!("{word} {}: {}\n", tried.what, tried.how)
    };
    let lines: String = tried.iter().map(line).collect();
    let is_out = tried.iter().any(|tried| tried.is_out);
    answered(lines, if is_out { EXIT_FOUND } else { EXIT_WELL })
}
