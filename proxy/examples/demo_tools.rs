//! Runs the demo's tool server by itself: `cargo run --example demo_tools -- 127.0.0.1:4300`.

use std::{error::Error, net::SocketAddr};

use tollgate::demo::tools;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_env_filter("info").init();
    let bind: SocketAddr = match std::env::args().nth(1) {
        Some(bind) => bind.parse()?,
        None => SocketAddr::from(([127, 0, 0, 1], 4300)),
    };
    tools::run(bind).await?;
    Ok(())
}
