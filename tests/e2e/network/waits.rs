//! Tests that every wait for the network is bounded, and its error says what the program waited for.

use crate::harness::company_network::CompanyNetwork;
use crate::harness::test_world::{CommandOutcome, TestWorld};
use fake_aws::{Action, Lie, ProxyBehaviour, Times};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// Timeouts of a connection and of a whole request, and the additional time allowed on a busy machine.
const CONNECT: Duration = Duration::from_secs(8);
const REQUEST: Duration = Duration::from_secs(12);
const SLACK: Duration = Duration::from_secs(8);

/// Returns an address that neither accepts nor refuses connections while the other two values live.
fn black_hole() -> (SocketAddr, TcpListener, Vec<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // A full queue does not answer, so only a timeout shows that the queue is full.
    let try_one = || TcpStream::connect_timeout(&address, Duration::from_millis(300)).ok();
    let waiting: Vec<TcpStream> = std::iter::from_fn(try_one).take(900).collect();
    assert!(waiting.len() < 900, "the queue never was full");
    (address, listener, waiting)
}

/// Returns a server that accepts connections but never responds.
fn mute() -> (SocketAddr, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    (listener.local_addr().unwrap(), listener)
}

fn asking(endpoint: &str) -> CommandOutcome {
    let mut bench = TestWorld::new();
    bench.env.insert("AWS_ENDPOINT_URL".into(), endpoint.into());
    bench.login(&[])
}

type BoundedWait = (&'static str, Duration, &'static str, fn() -> CommandOutcome);

const WAITS: &[BoundedWait] = &[
    ("a black hole", CONNECT, "cause: no connection to 127.0.0.1:", || {
        let (address, _listener, _waiting) = black_hole();
        asking(&format!("http://{address}"))
    }),
    ("a server that says nothing", REQUEST, "cause: AWS did not respond in time at 127.0.0.1:", || {
        let (address, _listener) = mute();
        asking(&format!("http://{address}"))
    }),
    ("a server that says nothing within TLS", CONNECT, "cause: no connection to 127.0.0.1:", || {
        let (address, _listener) = mute();
        asking(&format!("https://{address}"))
    }),
    (
        "a proxy that says nothing",
        CONNECT,
        "cause: the proxy PROXY (HTTPS_PROXY) did not connect to sts.eu-central-1.amazonaws.com in time: ",
        || CompanyNetwork::behind(ProxyBehaviour::Silent).login(),
    ),
    ("a proxy in a black hole", CONNECT, "cause: the proxy 127.0.0.1:", || {
        let (address, _listener, _waiting) = black_hole();
        let mut company = CompanyNetwork::new();
        company.set("HTTPS_PROXY", &format!("http://{address}"));
        company.login()
    }),
    ("an answer in drops", REQUEST, "did not respond in time", || {
        let company = CompanyNetwork::new();
        company.bench.aws.lie(Action::GetCallerIdentity, Lie::Drip, Times::Always);
        company.login()
    }),
    ("an answer in drops to a code", REQUEST, "(the code counts as used)", || {
        let company = CompanyNetwork::new();
        company.bench.aws.lie(Action::GetSessionToken, Lie::Drip, Times::Always);
        company.login()
    }),
];

#[test]
fn every_wait_is_bounded() {
    // In parallel, since all of them only wait.
    thread::scope(|scope| {
        for (name, bound, cause, case) in WAITS {
            scope.spawn(move || {
                let begun = Instant::now();
                let told = case();
                let took = begun.elapsed();
                assert!(told.code == 6 && told.err.contains(cause), "{name}: {told:?}");
                assert!(took >= *bound && took < *bound + SLACK, "{name} took {took:?}");
            });
        }
    });
}
