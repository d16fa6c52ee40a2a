//! Tests of the faults that a real pcscd can show: the built program reports the same as the program in memory.

use crate::harness::events::{sleeps_outside_a_pipe, until};
use crate::harness::stack::{ProgramOutput, RealStack, clients};
use crate::harness::test_world::{READER, SEED, TestWorld};
use hw::memory_bus::Step;
use hw::transport::CarrierError;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;
use virtual_token::pcscd::{Pcscd, YUBIKEY};
use virtual_token::{SimulatedTouch, StoredAccount};

const ALICE: &str = "Amazon Web Services:alice@example";

fn stack(bench: TestWorld) -> RealStack {
    let pcscd = Pcscd::start(&[YUBIKEY]).unwrap();
    let inserted = Some(pcscd.insert(0, &bench.token).unwrap());
    RealStack { inserted, pcscd, bench }
}

fn bench() -> TestWorld {
    let bench = TestWorld::new();
    bench.configure("mfa_key_source = token\n");
    bench
}

/// Creates a world whose token requires a touch that never comes.
fn untouched() -> TestWorld {
    let bench = bench();
    bench.token.add(StoredAccount::totp(ALICE, SEED).with_touch());
    bench.token.set_touch(SimulatedTouch::Never);
    bench
}

/// Runs a command in memory.
fn in_memory(bench: &TestWorld, words: &[&str]) -> ProgramOutput {
    let told = bench.run(words);
    ProgramOutput { code: Some(told.code.into()), out: told.out, err: told.err }
}

#[track_caller]
fn assert_same(real: &ProgramOutput, memory: &ProgramOutput) {
    assert_eq!((real.code, &real.out), (memory.code, &memory.out), "{real:?} {memory:?}");
    let line = |told: &ProgramOutput, name: &str| {
        let line = told.err.lines().rev().find(|line| line.starts_with(name));
        line.unwrap_or_default().to_owned()
    };
    assert_eq!(line(real, "error:"), line(memory, "error:"));
    // Real programs may be running that the error suspects of using the token.
    let (cause, expected) = (line(real, "cause:"), line(memory, "cause:"));
    assert!(cause.starts_with(&expected), "{cause}, not {expected}");
    if cause == expected {
        assert_eq!(line(real, " next:"), line(memory, " next:"));
    }
}

/// Another program that uses the token: it executes one order for each line, and answers `ok`. `make test-vm` uses
/// the same script.
struct OtherProgram {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

const OTHER: &str = include_str!("../../another_program.py");

impl OtherProgram {
    fn start(stack: &RealStack) -> Self {
        let mut child = Command::new(clients().join("bin/python"))
            .args(["-c", OTHER, stack.pcscd.reader(0)])
            .env("PCSCLITE_CSOCK_NAME", stack.pcscd.socket())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, input, output }
    }

    fn does(&mut self, what: &str) {
        self.is_told(what);
        self.did(what);
    }

    fn is_told(&mut self, what: &str) {
        writeln!(self.input, "{what}").unwrap();
    }

    fn did(&mut self, what: &str) {
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        assert_eq!(answer, "ok\n", "{what}");
    }
}

impl Drop for OtherProgram {
    fn drop(&mut self) {
        let _already_ended = self.child.kill();
        let _already_ended = self.child.wait();
    }
}

/// Waits until the program has asked AWS who owns the key, which it does in parallel to its first look at the token.
fn until_aws_is_asked(stack: &RealStack) {
    until("AWS is asked", || !stack.bench.aws.requests().is_empty());
}

/// Starts a login, and runs `then` once the login waits for a touch.
fn in_the_middle(stack: &mut RealStack, then: impl FnOnce(&mut RealStack)) -> ProgramOutput {
    let child = stack.program(&["login", "dev"]).spawn().unwrap();
    assert!(stack.bench.token.until_waiting_for_touch(Duration::from_secs(30)), "it does not ask for the touch");
    then(stack);
    ProgramOutput::from(child.wait_with_output().unwrap())
}

#[test]
fn a_removal_during_a_touch_is_reported() {
    let mut stack = stack(untouched());
    let real = in_the_middle(&mut stack, |stack| drop(stack.inserted.take()));
    let memory = untouched();
    let (bus, token) = (memory.bus.clone(), memory.token.clone());
    memory.bus.insert(READER, move |command| {
        if command[1] == 0xA2 {
            bus.remove(READER);
        }
        Ok(token.exchange(command))
    });
    assert_same(&real, &in_memory(&memory, &["login", "dev"]));
    assert!(real.err.contains("the token was removed") && real.code == Some(3), "{real:?}");
    assert!(!stack.bench.aws.requests().iter().any(|request| request.had_code));
}

#[test]
fn a_killed_pcscd_during_a_touch_is_reported() {
    let mut stack = stack(untouched());
    let real = in_the_middle(&mut stack, |stack| stack.pcscd.kill());
    let memory = untouched();
    let token = memory.token.clone();
    let bus = memory.bus.clone();
    memory.bus.insert(READER, move |command| {
        if command[1] != 0xA2 {
            return Ok(token.exchange(command));
        }
        bus.guard(Step::Open, |_| Err(CarrierError::NoService));
        Err(CarrierError::ServiceStopped)
    });
    assert_same(&real, &in_memory(&memory, &["login", "dev"]));
    assert!(real.err.contains("(pcscd) is not running") && real.code == Some(3), "{real:?}");
}

#[test]
fn a_reset_before_a_login_is_harmless() {
    let stack = stack(bench());
    let mut other = OtherProgram::start(&stack);
    other.does("shared");
    other.does("reset");
    assert_eq!(stack.run(&["login", "dev"]).code, Some(0));
    other.does("leave");
}

#[test]
fn a_reset_during_a_touch_waits_its_turn() {
    let mut stack = stack(untouched());
    stack.bench.token.set_touch(SimulatedTouch::OnCommand);
    let mut other = OtherProgram::start(&stack);
    other.does("shared");
    let told = in_the_middle(&mut stack, |stack| {
        other.is_told("reset");
        // The other program has called the service and waits for its turn, behind the open transaction.
        until("the other program asks for a reset", || sleeps_outside_a_pipe(other.child.id()));
        assert!(stack.bench.token.touch());
    });
    told.assert_face(include_str!("../../vm/faces/reset-by-another-program.txt"));
    other.did("reset");
    other.does("leave");
}

#[test]
fn exclusive_use_by_another_program_is_reported() {
    let stack = stack(bench());
    let mut other = OtherProgram::start(&stack);
    other.does("exclusive");
    let memory = bench();
    memory.bus.guard(Step::Open, |_| Err(CarrierError::Busy));
    for words in [&["login", "dev"][..], &["tokens"], &["accounts", "list"]] {
        assert_same(&stack.run(words), &in_memory(&memory, words));
    }
    stack.run(&["login", "dev"]).assert_face(include_str!("../../vm/faces/held-for-itself.txt"));
    stack.bench.aws.clear_requests();
    let child = stack.program(&["login", "dev"]).spawn().unwrap();
    // The program tries for one second from here on: the look at the token runs in parallel to the request to AWS.
    until_aws_is_asked(&stack);
    other.does("leave");
    let told = ProgramOutput::from(child.wait_with_output().unwrap());
    assert!(told.code == Some(0) || told.err.contains("another program is using"), "{told:?}");
    assert_eq!(stack.run(&["login", "dev", "--force"]).code, Some(0));
}

#[test]
fn a_transaction_of_another_program_is_waited_for() {
    let stack = stack(bench());
    let mut other = OtherProgram::start(&stack);
    other.does("shared");
    other.does("begin");
    let child = stack.program(&["login", "dev"]).spawn().unwrap();
    until_aws_is_asked(&stack);
    other.does("end");
    let told = ProgramOutput::from(child.wait_with_output().unwrap());
    assert_eq!(told.code, Some(0), "{told:?}");
    other.does("begin");
    let real = stack.run(&["tokens"]);
    let (memory, held) = (bench(), std::sync::Mutex::new(()));
    let held: &'static std::sync::Mutex<()> = Box::leak(Box::new(held));
    let holding = held.lock().unwrap();
    memory.bus.guard(Step::Begin, move |_| {
        drop(held.lock());
        Err(CarrierError::Removed)
    });
    assert_same(&real, &in_memory(&memory, &["tokens"]));
    drop(holding);
    assert!(real.err.contains("did not respond within 35 s; another program may be using it"), "{real:?}");
    other.does("end");
}

#[test]
fn a_slow_token_is_waited_for() {
    let stack = stack(bench());
    stack.bench.token.distort(|_, answer| {
        std::thread::sleep(Duration::from_millis(300));
        answer
    });
    let told = stack.run(&["login", "dev"]);
    assert_eq!(told.code, Some(0), "{told:?}");
}
