//! What every benchmark of a running gate sets up first.
use std::path::PathBuf;

use tokio::runtime::{Builder, Runtime};

/// The words behind `--`, which pick benchmarks by their names.
pub(crate) fn words() -> Vec<String> {
    std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect()
}

/// Where gates have their records: `TOLLGATE_BENCH_DIR`, else beside what was built.
pub(crate) fn dir() -> PathBuf {
    let dir =
        std::env::var_os("TOLLGATE_BENCH_DIR").map_or_else(tollgate_benches::folder, Into::into);
    std::fs::create_dir_all(&dir).expect("a directory");
    dir
}

/// Where agents and tool servers run.
pub(crate) fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}
