//! Addresses that a server may come back to.
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::net::TcpListener;

/// Listens at an address of the loopback that nobody else listens at, so that its port is still free
/// when the server went down and comes up again.
///
/// # Panics
/// When it cannot.
pub async fn listen_alone() -> TcpListener {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let nth = NEXT.fetch_add(1, Ordering::SeqCst);
    // 127.128.0.0/9 has room for the last bits of a process, and for 256 servers of each.
    let [_, high, low, _] = (std::process::id() << 8).to_be_bytes();
    let address = Ipv4Addr::new(127, 0x80 | high, low, nth.to_be_bytes()[3]);
    TcpListener::bind((address, 0)).await.expect("an address of the loopback")
}
