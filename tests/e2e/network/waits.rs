//! Waits that would never end by themselves: each is bounded, and says what was waited for.

use super::company::Company;
use crate::stack::{Told, program};
use crate::world::{Bench, Outcome};
use fake_aws::{Action, Lie, Manner, Times};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// How long a connection and a whole request may take, and what a machine with much to do may add.
const CONNECT: Duration = Duration::from_secs(8);
const REQUEST: Duration = Duration::from_secs(12);
const SLACK: Duration = Duration::from_secs(8);

/// An address that takes no connection and refuses none, as long as these are kept.
fn black_hole() -> (SocketAddr, TcpListener, Vec<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let try_one = || TcpStream::connect_timeout(&address, Duration::from_millis(300)).ok();
    let waiting: Vec<TcpStream> = std::iter::from_fn(try_one).take(900).collect();
    assert!(waiting.len() < 900, "the queue never was full");
    (address, listener, waiting)
}

/// A server that takes connections, and no more.
fn mute() -> (SocketAddr, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    (listener.local_addr().unwrap(), listener)
}

fn asking(endpoint: &str) -> Outcome {
    let mut bench = Bench::new();
    bench.env.insert("AWS_ENDPOINT_URL".into(), endpoint.into());
    bench.login(&[])
}

type Wait = (&'static str, Duration, &'static str, fn() -> Outcome);

const WAITS: &[Wait] = &[
    ("a black hole", CONNECT, "cause: no connection to 127.0.0.1:", || {
        let (address, _listener, _waiting) = black_hole();
        asking(&format!("http://{address}"))
    }),
    ("a server that says nothing", REQUEST, "cause: AWS did not answer in time at 127.0.0.1:", || {
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
        "cause: the proxy PROXY (HTTPS_PROXY) made no connection to sts.eu-central-1.amazonaws.com in time: ",
        || Company::behind(Manner::Silent).login(),
    ),
    ("a proxy in a black hole", CONNECT, "cause: the proxy 127.0.0.1:", || {
        let (address, _listener, _waiting) = black_hole();
        let mut company = Company::new();
        company.set("HTTPS_PROXY", &format!("http://{address}"));
        company.login()
    }),
    ("an answer in drops", REQUEST, "did not answer in time", || {
        let company = Company::new();
        company.bench.aws.lie(Action::GetCallerIdentity, Lie::Drip, Times::Always);
        company.login()
    }),
    ("an answer in drops to a code", REQUEST, "(the code is spent)", || {
        let company = Company::new();
        company.bench.aws.lie(Action::GetSessionToken, Lie::Drip, Times::Always);
        company.login()
    }),
];

#[test]
fn every_wait_is_bounded() {
    // Side by side: all of them do nothing but wait.
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

/// A machine whose name server never answers, and the program on it. The time is the program's whole life.
const DEAF_NAME_SERVER: &str = "
import fcntl, socket, struct, subprocess, sys, time
any = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
fcntl.ioctl(any, 0x8914, struct.pack('16sH14s', b'lo', 0x41, b''))  # SIOCSIFFLAGS: up and running
deaf = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
deaf.bind(('127.0.0.1', 53))
begun = time.monotonic()
code = subprocess.run(sys.argv[1:]).returncode
print('asked', len(deaf.recv(512)) > 0, 'seconds', int(time.monotonic() - begun))
sys.exit(code)
";

#[test]
fn a_name_server_that_says_nothing_keeps_nobody() {
    if std::env::var_os("AWS_MFA_KEY_WITHOUT_NAMESPACES").is_some() {
        return;
    }
    let works =
        |flags: &&str| Command::new("unshare").args([flags, "true"]).status().is_ok_and(|status| status.success());
    let flags = ["-rmn", "-mn"].into_iter().find(works);
    let flags = flags.expect("there are no namespaces here: AWS_MFA_KEY_WITHOUT_NAMESPACES=1 leaves these tests out");
    let bench = Bench::new();
    bench.write(".aws/config", &format!("[profile dev]\nregion = eu-central-1\nmfa_serial = {}\n", bench.serial));
    bench.write("resolv.conf", "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n");
    bench.write("nsswitch.conf", "hosts: dns\n");
    let script =
        "for file in resolv.conf nsswitch.conf; do mount --bind \"$HOME/$file\" \"/etc/$file\"; done; exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args([flags, "sh", "-ec", script, "sh", "python3", "-c", DEAF_NAME_SERVER, &program()]);
    command.args(["login", "dev", "--non-interactive"]).env_clear().envs(&bench.env);
    command.env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
    let told = Told::from(command.output().unwrap());
    let seconds: u64 =
        told.out.trim().rsplit(' ').next().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{told:?}"));
    assert!(told.code == Some(6) && told.out.contains("asked True"), "{told:?}");
    assert!(told.err.contains("cause: no connection to sts.eu-central-1.amazonaws.com came about in time"), "{told:?}");
    // The system would have gone on looking for half a minute.
    assert!((CONNECT.as_secs()..25).contains(&seconds), "{told:?}");
}
