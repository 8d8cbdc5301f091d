//! Happy eyeballs (RFC 8305 section 5): the next address is tried when one has failed, or has not
//! answered for a moment, and the first connection is the one that is used. All of the addresses
//! were checked before.
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;

/// How many addresses of a name are tried before giving up.
pub(super) const ATTEMPTS_MAX: usize = 4;

/// Gives the first connection, or the last failure; nothing when there is no address. A failure
/// that is `final` for one address is so for all. Whatever is not finished then is dropped.
pub(super) async fn race<A, T, E, F>(
    addresses: impl IntoIterator<Item = A>,
    stagger: Duration,
    connect: impl Fn(A) -> F,
    is_final: impl Fn(&E) -> bool,
) -> Result<T, Option<E>>
where
    F: Future<Output = Result<T, E>>,
{
    let mut addresses = addresses.into_iter().take(ATTEMPTS_MAX);
    let (first, second) = (addresses.next(), addresses.next());
    let Some(second) = second else {
        // Nobody to race with.
        let Some(only) = first else { return Err(None) };
        return connect(only).await.map_err(Some);
    };
    let mut addresses = first.into_iter().chain([second]).chain(addresses);
    let mut running = FuturesUnordered::new();
    let mut last = None;
    let mut is_due = true;
    loop {
        if is_due {
            running.extend(addresses.next().map(&connect));
        }
        let ended = tokio::select! {
            biased;
            ended = running.next() => ended,
            () = tokio::time::sleep(stagger) => {
                is_due = true;
                continue;
            }
        };
        match ended {
            Some(Ok(connection)) => return Ok(connection),
            Some(Err(error)) if is_final(&error) => return Err(Some(error)),
            Some(Err(error)) => last = Some(error),
            None => return Err(last),
        }
        is_due = true;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::net::SocketAddr;

    use super::*;

    /// What an address does: after so many milliseconds, it takes the connection or does not.
    type Plan = (u64, Result<(), &'static str>);

    /// Which address won, or how all failed, and when each was tried.
    async fn run(plans: &[Plan]) -> (Result<u16, Option<&'static str>>, Vec<u64>) {
        let begun = tokio::time::Instant::now();
        let tried = RefCell::new(Vec::new());
        let ports = (0..plans.len()).map(|n| SocketAddr::from(([192, 0, 2, 1], n as u16)));
        let connect = |address: SocketAddr| {
            // The clock of a runtime is as coarse as a millisecond.
            tried.borrow_mut().push(begun.elapsed().as_millis() as u64 / 10 * 10);
            let (after, outcome) = plans[usize::from(address.port())];
            async move {
                tokio::time::sleep(Duration::from_millis(after)).await;
                outcome.map(|()| address.port())
            }
        };
        let won = race(ports, Duration::from_millis(250), connect, |error| *error == "final").await;
        (won, tried.into_inner())
    }

    #[test]
    fn the_first_connection_wins() {
        const NEVER: u64 = 1_000_000;
        let clock = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let check = |plans: &[Plan], expect, tried: &[u64]| {
            clock.block_on(async {
                tokio::time::pause();
                let found = run(plans).await;
                tokio::time::resume();
                assert_eq!(found, (expect, tried.to_vec()), "{plans:?}");
            });
        };
        check(&[], Err(None), &[]);
        check(&[(10, Ok(())), (0, Ok(()))], Ok(0), &[0]);
        check(&[(NEVER, Ok(())), (10, Ok(()))], Ok(1), &[0, 250]);
        check(&[(300, Ok(())), (100, Ok(()))], Ok(0), &[0, 250]);
        check(&[(300, Ok(())), (NEVER, Ok(()))], Ok(0), &[0, 250]);
        check(&[(10, Err("no")), (10, Ok(()))], Ok(1), &[0, 10]);
        check(&[(10, Err("no")), (10, Err("nor"))], Err(Some("nor")), &[0, 10]);
        check(&[(10, Err("final")), (0, Ok(()))], Err(Some("final")), &[0]);
        check(&[(NEVER, Ok(())), (10, Err("no")), (0, Ok(()))], Ok(2), &[0, 250, 260]);
        let hanging = [(NEVER, Ok(())); 10];
        let late = [(600, Err("no")), (NEVER, Ok(())), (NEVER, Ok(())), (10, Ok(())), (0, Ok(()))];
        check(&late, Ok(3), &[0, 250, 500, 600]);
        check(&hanging, Ok(0), &[0, 250, 500, 750]);
    }
}
