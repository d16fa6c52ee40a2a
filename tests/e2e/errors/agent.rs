//! Error messages of an agent that does not start, and of commands that find no agent. `errors/agent.txt` lists the
//! expected ones.

use crate::errors::{ErrorCase, check, told};
use crate::harness::test_world::{CommandOutcome, TestWorld};
use aws_mfa_key::endpoint::address::Address;
use aws_mfa_key::endpoint::folder::RuntimeFolder;
use aws_mfa_key::endpoint::server::{ServedSessions, serve};
use aws_mfa_key::world::alarm::Alarm;
use aws_mfa_key::world::alarm::linux::LinuxAlarm;
use std::fs;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::time::SystemTime;

const CASES: &[ErrorCase] = &[
    ("a second agent", |b| {
        let _first = place(b);
        let mut outcome = start(b);
        outcome.err = outcome.err.replace(&std::process::id().to_string(), "PID");
        outcome
    }),
    ("a second agent, and the first has not said who it is", |b| {
        let _first = place(b);
        fs::write(b.path("aws-mfa-key/agent.lock"), "").unwrap();
        start(b)
    }),
    ("a second agent, and there is nowhere to serve from", |b| {
        let Ok(_first) = RuntimeFolder::take(b.path(".local/state/aws-mfa-key")) else { panic!("it is taken") };
        let mut outcome = start(b);
        outcome.err = outcome.err.replace(&std::process::id().to_string(), "PID");
        outcome
    }),
    ("an agent that keeps no such profile", |b| start_with(b, &["prod"])),
    ("nothing that says where an agent is", |b| b.run(&["agent", "env", "dev"])),
    ("no agent", |b| {
        place(b);
        b.run(&["agent", "env", "dev"])
    }),
    ("no agent any more", |b| {
        let _place = known(b);
        drop(UnixListener::bind(RuntimeFolder::socket(&b.path("aws-mfa-key"))).unwrap());
        b.run(&["agent", "env", "dev"])
    }),
    ("an agent that does not answer", |b| {
        let _place = known(b);
        let _mute = UnixListener::bind(RuntimeFolder::socket(&b.path("aws-mfa-key"))).unwrap();
        b.run(&["agent", "env", "dev"])
    }),
    ("an agent that does not even let anybody in", |b| {
        let _place = known(b);
        let door = RuntimeFolder::socket(&b.path("aws-mfa-key"));
        let mute = UnixListener::bind(&door).unwrap();
        rustix::net::listen(&mute, 0).unwrap();
        let _first = UnixStream::connect(&door).unwrap();
        b.run(&["agent", "env", "dev"])
    }),
    ("an agent that keeps others", |b| served(b, "other")),
    ("an agent without a session", |b| served(b, "dev")),
];

/// Occupies the agent's folder, as a running agent does.
fn place(bench: &mut TestWorld) -> RuntimeFolder {
    bench.env.insert("XDG_RUNTIME_DIR".into(), bench.home.path().to_str().unwrap().into());
    let Ok(place) = RuntimeFolder::take(bench.path("aws-mfa-key")) else { panic!("it is taken") };
    place
}

/// Occupies the agent's folder and writes an address into it.
fn known(bench: &mut TestWorld) -> RuntimeFolder {
    let place = place(bench);
    Address::new(&place).unwrap().keep(&place).unwrap();
    place
}

fn start(bench: &mut TestWorld) -> CommandOutcome {
    start_with(bench, &[])
}

fn start_with(bench: &mut TestWorld, more: &[&str]) -> CommandOutcome {
    bench.alarm = Arc::new(|| Ok(Box::new(LinuxAlarm::new()?) as Box<dyn Alarm>));
    bench.run(&[&["agent"], more].concat())
}

/// Serves an endpoint that knows only this profile, without a session, and asks it for profile `dev`.
fn served(bench: &mut TestWorld, profile: &str) -> CommandOutcome {
    struct RealClock;
    impl aws_mfa_key::world::Clock for RealClock {
        fn now(&self) -> SystemTime {
            SystemTime::now()
        }
    }
    let (place, sessions) = (place(bench), ServedSessions::default());
    sessions.fill([(profile.into(), None)]);
    serve(&place, sessions, Arc::new(RealClock)).unwrap();
    bench.run(&["agent", "env", "dev"])
}

#[test]
fn errors_of_the_agent() {
    check("agent", CASES, told);
}
