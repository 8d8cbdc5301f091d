//! `bare LISTEN UPSTREAM`: hands every request on to one upstream and every answer back, over HTTP/1.1
//! in cleartext, by one thread. It is what the gate is measured against: a proxy of the same parts
//! (pingora, its connection pool, the same allocator) that looks at nothing and records nothing.
use async_trait::async_trait;
use pingora_core::Result;
use pingora_core::server::Server;
use pingora_core::upstreams::peer::HttpPeer;
use pingora_proxy::{ProxyHttp, Session, http_proxy_service};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

struct Pass {
    upstream: String,
}

#[async_trait]
impl ProxyHttp for Pass {
    type CTX = ();

    fn new_ctx(&self) {}

    async fn upstream_peer(&self, _: &mut Session, (): &mut ()) -> Result<Box<HttpPeer>> {
        Ok(Box::new(HttpPeer::new(&self.upstream, false, String::new())))
    }
}

fn main() {
    let mut words = std::env::args().skip(1);
    let (Some(listen), Some(upstream), None) = (words.next(), words.next(), words.next()) else {
        eprintln!("usage: bare LISTEN UPSTREAM");
        std::process::exit(2);
    };
    let mut server = match Server::new(None) {
        Ok(server) => server,
        Err(fault) => {
            eprintln!("{fault}");
            std::process::exit(1);
        }
    };
    server.bootstrap();
    let mut service = http_proxy_service(&server.configuration, Pass { upstream });
    service.add_tcp(&listen);
    server.add_service(service);
    server.run_forever();
}
