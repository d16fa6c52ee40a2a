//! How long things take, side by side with what one would use instead, interleaved in one run: machines are noisy, so only
//! the ratios mean something.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    unreachable_pub,
    dead_code,
    reason = "a measurement prints, and shares more with the tests than it uses"
)]

#[path = "../tests/e2e/stack.rs"]
mod stack;
#[path = "../tests/e2e/world.rs"]
mod world;

use stack::Stack;
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use virtual_token::Account;
use world::SEED;

/// Rounds of what takes seconds with the others' tools.
const ROUNDS: usize = 15;

fn main() {
    let stack = Stack::new();
    let id = "Amazon Web Services:alice@example";
    stack.bench.token.remove(id.as_bytes());
    stack.bench.token.add(Account::totp(id, SEED));
    let program = fs::metadata(stack::program()).unwrap();
    println!("the program                       {:>8.2} MiB", program.len() as f64 / f64::from(1 << 20));
    let (mut ours, mut theirs, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        // Each round has a code of its own without waiting for it: time passes at AWS, and we go by AWS's.
        stack.bench.aws.set_clock_offset(150 * i64::try_from(round).unwrap());
        ours.push(timed(|| assert_eq!(stack.run(&["login", "dev", "--force"]).code, Some(0))));
        bare.push(timed(|| assert_eq!(stack.run(&["--version"]).code, Some(0))));
        stack.bench.aws.set_clock_offset(0);
        theirs.push(timed(|| by_hand(&stack)));
    }
    let (ours, theirs, bare) = (median(ours), median(theirs), median(bare));
    println!("login, STS and token at once      {:>8.1} ms", ms(ours));
    println!("  less the start of a program     {:>8.1} ms", ms(ours.saturating_sub(bare)));
    println!("ykman + aws sts get-session-token {:>8.1} ms   {:.0} times ours", ms(theirs), ms(theirs) / ms(ours));
    quick(&stack);
    code(&stack);
    stack.bench.token.clear_commands();
    stack.bench.aws.set_clock_offset(86_400);
    assert_eq!(stack.run(&["login", "dev", "--force"]).code, Some(0));
    let commands = stack.bench.token.commands();
    let code =
        commands.iter().rev().position(|command| command[..2] == [0x00, 0xA4] && command[2] == 0x04).unwrap() + 1;
    println!("APDUs of a login                  {:>8}", commands.len());
    println!("  of them for the code            {code:>8}");
}

/// `credential-process` with a session that is good, beside `cat` on the same file.
fn quick(stack: &Stack) {
    assert_eq!(stack.run(&["login", "dev"]).code, Some(0));
    let file = stack.bench.path(".aws/credentials");
    let start = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).envs(&stack.bench.env).stdin(Stdio::null()).stdout(Stdio::null());
        assert!(command.status().unwrap().success());
    };
    let (mut ours, mut cat) = (Vec::new(), Vec::new());
    for _ in 0..500 {
        ours.push(timed(|| start(&stack::program(), &["credential-process", "dev"])));
        cat.push(timed(|| start("cat", &[file.to_str().unwrap()])));
    }
    let (ours, cat) = (median(ours), median(cat));
    println!("credential-process, session valid {:>8.2} ms   {:.1} times cat", ms(ours), ms(ours) / ms(cat));
}

/// `code` beside ykman's, on the same token.
fn code(stack: &Stack) {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let reader = "Yubico YubiKey OTP+FIDO+CCID 00 00";
    for round in 0..3 {
        stack.bench.aws.set_clock_offset(100_000 + 1000 * round);
        assert_eq!(stack.run(&["login", "dev", "--force"]).code, Some(0));
        // A file that was written a moment ago is waited for, in case somebody is still at it.
        std::thread::sleep(Duration::from_millis(200));
        ours.push(timed(|| assert_eq!(stack.run(&["code", "dev"]).code, Some(0))));
        let ykman = ["--reader", reader, "oath", "accounts", "code", "-s", "alice@example"];
        theirs.push(timed(|| assert!(stack.command("ykman", &ykman).output().unwrap().status.success())));
    }
    let (ours, theirs) = (median(ours), median(theirs));
    println!("code                              {:>8.1} ms", ms(ours));
    println!("ykman oath accounts code -s       {:>8.1} ms   {:.0} times ours", ms(theirs), ms(theirs) / ms(ours));
}

/// What one would do without us, but for copying the three values by hand.
fn by_hand(stack: &Stack) {
    let reader = "Yubico YubiKey OTP+FIDO+CCID 00 00";
    let code = stack.command("ykman", &["--reader", reader, "oath", "accounts", "code", "-s", "alice@example"]);
    let code = { code }.output().unwrap();
    let code = String::from_utf8(code.stdout).unwrap();
    let told = stack.aws(&[
        "sts",
        "get-session-token",
        "--profile",
        "dev",
        "--serial-number",
        &stack.bench.serial,
        "--token-code",
        code.trim(),
    ]);
    // The code may have been used by the round before; the way is as long.
    assert!(told.out.contains("SessionToken") || told.err.contains("invalid MFA one time pass code"), "{told:?}");
}

fn timed(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
