//! System calls that would lead out of a network namespace.
//!
//! A namespace holds what belongs to a network. vsock leads to the machine's host and belongs to
//! none; packets and other families have no use where there is nothing but loopback; and `io_uring`
//! makes sockets past every filter of system calls.
use std::collections::BTreeMap;

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

/// Families of sockets that stay: the gate is reached by the first two, names and addresses of
/// interfaces are asked for by netlink, and the last ones are files and pairs.
const FAMILIES: [i32; 4] = [libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK, libc::AF_UNIX];
/// x86-64 has a second set of numbers for the same calls (the x32 ABI).
const X32: i64 = 0x4000_0000;

/// Takes them from this process and all that comes of it, for good.
pub(super) fn forgo() -> Result<(), String> {
    let other = FAMILIES.map(|family| {
        SeccompCondition::new(
            0,
            SeccompCmpArgLen::Dword,
            SeccompCmpOp::Ne,
            family.unsigned_abs().into(),
        )
    });
    let other =
        other.into_iter().collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
    let other = SeccompRule::new(other).map_err(|error| error.to_string())?;
    refuse(libc::SYS_socket, &[other], libc::EAFNOSUPPORT)?;
    // Programs take that for an old kernel, and do without.
    refuse(libc::SYS_io_uring_setup, &[], libc::ENOSYS)
}

/// Answers a call with an error: always, or when a rule fits.
fn refuse(call: i64, rules: &[SeccompRule], error: i32) -> Result<(), String> {
    let mut calls = BTreeMap::from([(call, rules.to_vec())]);
    if cfg!(target_arch = "x86_64") {
        calls.insert(call | X32, rules.to_vec());
    }
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|error| error.to_string())?;
    let refused = SeccompAction::Errno(error.unsigned_abs());
    let filter = SeccompFilter::new(calls, SeccompAction::Allow, refused, arch);
    let program = filter.and_then(BpfProgram::try_from).map_err(|error| error.to_string())?;
    seccompiler::apply_filter(&program).map_err(|error| error.to_string())
}
