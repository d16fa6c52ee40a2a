//! Measurements of the program beside the tools that users would run instead, interleaved in one run. Machines are
//! noisy, so only the ratios are meaningful.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    unreachable_pub,
    dead_code,
    unused_imports,
    reason = "a measurement prints, and shares more with the tests than it uses"
)]

#[path = "../tests/e2e"]
mod e2e {
    pub mod harness;
}

use aws_mfa_key::source::secret::SoftwareSecret;
use e2e::harness::running_agent;
use e2e::harness::stack::{self, ProgramOutput, RealStack};
use e2e::harness::test_world::{SEED, SEED_BASE32};
use fake_aws::{Lie, Times};
use secrecy::ExposeSecret;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use virtual_token::StoredAccount;

/// Rounds of measurements in which the other tools take seconds.
const ROUNDS: usize = 15;

type Measurement = fn(&RealStack);

fn main() {
    let stack = RealStack::new();
    let id = "Amazon Web Services:alice@example";
    stack.bench.token.remove(id.as_bytes());
    stack.bench.token.add(StoredAccount::totp(id, SEED));
    let parts: [(&str, Measurement); 6] = [
        ("login", login),
        ("quick", quick),
        ("code", code),
        ("crowd", crowd),
        ("many", |_| many()),
        ("agent", |_| agent()),
    ];
    let named: Vec<String> = std::env::args().skip(1).filter(|name| !name.starts_with('-')).collect();
    for (_, part) in parts.iter().filter(|(name, _)| named.is_empty() || named.iter().any(|wanted| wanted == name)) {
        part(&stack);
    }
}

/// Measures `login` beside ykman with the AWS CLI, and beside broamski's aws-mfa.
fn login(stack: &RealStack) {
    let program = fs::metadata(stack::program()).unwrap();
    println!("the program                       {:>8.2} MiB", program.len() as f64 / f64::from(1 << 20));
    let (mut ours, mut theirs, mut bare, mut others) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let other = PypiAwsMfa::new(stack);
    for round in 1..=ROUNDS {
        // AWS's clock advances in each round, so that a code is available without waiting; the program uses AWS's
        // clock.
        stack.bench.aws.set_clock_offset(150 * i64::try_from(round).unwrap());
        ours.push(timed(|| assert_eq!(stack.run(&["login", "dev", "--force"]).code, Some(0))));
        bare.push(timed(|| assert_eq!(stack.run(&["--version"]).code, Some(0))));
        stack.bench.aws.set_clock_offset(0);
        theirs.push(timed(|| by_hand(stack)));
        others.push(timed(|| other.login(stack)));
    }
    let (ours, theirs, bare, others) = (median(ours), median(theirs), median(bare), median(others));
    println!("login, STS and token at once      {:>8.1} ms", ms(ours));
    println!("  less the start of a program     {:>8.1} ms", ms(ours.saturating_sub(bare)));
    println!("ykman + aws sts get-session-token {:>8.1} ms   {:.0} times ours", ms(theirs), ms(theirs) / ms(ours));
    println!("aws-mfa of PyPI, code at hand     {:>8.1} ms   {:.0} times ours", ms(others), ms(others) / ms(ours));
    stack.bench.token.clear_commands();
    stack.bench.aws.set_clock_offset(86_400);
    assert_eq!(stack.run(&["login", "dev", "--force"]).code, Some(0));
    let commands = stack.bench.token.commands();
    let code =
        commands.iter().rev().position(|command| command[..2] == [0x00, 0xA4] && command[2] == 0x04).unwrap() + 1;
    println!("APDUs of a login                  {:>8}", commands.len());
    println!("  of them for the code            {code:>8}");
}

/// Measures `credential-process` with a valid session, beside `cat` of the same file.
fn quick(stack: &RealStack) {
    assert_eq!(stack.run(&["login", "dev"]).code, Some(0));
    let file = stack.bench.path(".aws/credentials");
    // As an installation leaves it, and `cat`: the kernel maps what was copied in larger pieces than what a linker wrote.
    let installed = stack.bench.path("aws-mfa-key");
    stack::copy_program(&installed);
    let start = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).envs(&stack.bench.env).stdin(Stdio::null()).stdout(Stdio::null());
        assert!(command.status().unwrap().success());
    };
    let (mut ours, mut cat) = (Vec::new(), Vec::new());
    for _ in 0..500 {
        ours.push(timed(|| start(installed.to_str().unwrap(), &["credential-process", "dev"])));
        cat.push(timed(|| start("cat", &[file.to_str().unwrap()])));
    }
    let (ours, cat) = (median(ours), median(cat));
    println!("credential-process, session valid {:>8.2} ms   {:.1} times cat", ms(ours), ms(ours) / ms(cat));
    println!("cat of the same file              {:>8.2} ms", ms(cat));
    let folder = stack::clients().join("cli2/usr");
    let cli2 = folder.join("bin/aws");
    let export = [cli2.to_str().unwrap(), "configure", "export-credentials", "--profile", "dev-mfa"];
    let export = || {
        let mut command = stack.command("/usr/bin/python3", &export);
        let told = command.env("PYTHONPATH", folder.join("lib/python3/dist-packages")).output().unwrap();
        assert!(told.status.success(), "{told:?}");
    };
    let theirs = median((0..10).map(|_| timed(export)).collect());
    println!("aws configure export-credentials  {:>8.1} ms   {:.0} times ours", ms(theirs), ms(theirs) / ms(ours));
}

/// Measures `code` beside `ykman oath accounts code`, on the same token.
fn code(stack: &RealStack) {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let reader = "Yubico YubiKey OTP+FIDO+CCID 00 00";
    for round in 0..3 {
        stack.bench.aws.set_clock_offset(100_000 + 1000 * round);
        assert_eq!(stack.run(&["login", "dev", "--force"]).code, Some(0));
        ours.push(timed(|| assert_eq!(stack.run(&["code", "dev"]).code, Some(0))));
        let ykman = ["--reader", reader, "oath", "accounts", "code", "-s", "alice@example"];
        theirs.push(timed(|| assert!(stack.command("ykman", &ykman).output().unwrap().status.success())));
    }
    let (ours, theirs) = (median(ours), median(theirs));
    println!("code                              {:>8.1} ms", ms(ours));
    println!("ykman oath accounts code -s       {:>8.1} ms   {:.0} times ours", ms(theirs), ms(theirs) / ms(ours));
}

/// Measures fifty programs that need a session at the same time, beside a single one, and beside fifty that find a
/// valid session.
fn crowd(stack: &RealStack) {
    let start = |programs: i64| {
        let one = |_| {
            let mut command = Command::new(stack::program());
            command.args(["credential-process", "dev"]).envs(&stack.bench.env);
            command.env("PCSCLITE_CSOCK_NAME", stack.pcscd.socket()).stdin(Stdio::null()).stdout(Stdio::null());
            command.stderr(Stdio::null()).spawn().unwrap()
        };
        let crowd: Vec<Child> = (0..programs).map(one).collect();
        crowd.into_iter().for_each(|mut child| assert!(child.wait().unwrap().success()));
    };
    let (mut one, mut fifty, mut there) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..9 {
        for (programs, times) in [(1, &mut one), (50, &mut fifty)] {
            assert_eq!(stack.run(&["logout", "dev"]).code, Some(0));
            stack.bench.aws.set_clock_offset(200_000 + 1000 * round + 100 * programs);
            times.push(timed(|| start(programs)));
        }
        there.push(timed(|| start(50)));
    }
    let (one, fifty, there) = (median(one), median(fifty), median(there));
    println!("credential-process, a new session {:>8.1} ms", ms(one));
    println!("fifty of them at once             {:>8.1} ms   {:.1} ms more", ms(fifty), ms(fifty.saturating_sub(one)));
    println!("fifty that find a session         {:>8.1} ms", ms(there));
}

/// Measures `login --all` for twenty users with one profile each, and with ten profiles each. AWS's responses take 30
/// ms.
fn many() {
    let mut times = Vec::new();
    for profiles in [1, 10] {
        let stack = RealStack::new();
        stack.bench.write(".aws/config", "");
        stack.bench.write(".aws/credentials", "");
        stack.bench.add_twenty_users(profiles);
        stack.bench.aws.lie(None, Lie::Latency(Duration::from_millis(30)), Times::Always);
        std::thread::sleep(Duration::from_millis(200));
        times.push(timed(|| {
            let told = stack.run(&["login", "--all"]);
            assert_eq!(told.code, Some(0), "{told:?}");
        }));
    }
    println!("login --all, 20 keys, 20 profiles {:>8.1} ms", ms(times[0]));
    println!("login --all, 20 keys, 200 profiles{:>8.1} ms", ms(times[1]));
}

/// Measures memory, wake-ups and response times of the agent with one profile, and with two hundred profiles of
/// twenty keys, also after renewals.
fn agent() {
    for profiles in [0, 10] {
        let stack = RealStack::new();
        stack.bench.add_twenty_users(profiles);
        let mut agent = running_agent::agent(&stack, &[]);
        let all = 20 * profiles + 1;
        let begun = Instant::now();
        agent.until_sessions(all);
        println!(
            "the agent, sessions               {all:>8}        all there after {:.1} s",
            begun.elapsed().as_secs_f64()
        );
        let show = |when: &str, (resident, own): (u64, u64)| {
            println!(
                "  memory {when:<24} {:>8.1} MiB  {:.1} of it its own",
                resident as f64 / 1024.0,
                own as f64 / 1024.0
            );
        };
        show("at first", agent.memory());
        for _ in 0..3 {
            stack.bench.sessions_end_in(Duration::from_mins(10));
            agent.until_sessions(all);
        }
        show("renewed three times", agent.memory());
        std::thread::sleep(Duration::from_secs(20));
        show("at rest", agent.memory());
        let before = agent.wake_ups();
        std::thread::sleep(Duration::from_secs(60));
        println!("  wake-ups in a minute at rest    {:>8}", agent.wake_ups() - before);
        let times = running_agent::EndpointClient::of(&stack).times(1000);
        println!("  its endpoint's answer           {:>8.2} ms   {:.2} for 99 of 100", ms(times[500]), ms(times[990]));
    }
}

/// broamski's aws-mfa in a home folder of its own, with the code at hand: typing is not measured.
struct PypiAwsMfa {
    home: tempfile::TempDir,
    secret: SoftwareSecret,
}

impl PypiAwsMfa {
    fn new(stack: &RealStack) -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(".aws")).unwrap();
        let seed = home.path().join("seed");
        fs::write(&seed, SEED_BASE32).unwrap();
        fs::set_permissions(&seed, fs::Permissions::from_mode(0o600)).unwrap();
        let credentials = stack.bench.read(".aws/credentials").replace("[dev]", "[dev-long-term]");
        fs::write(home.path().join(".aws/credentials"), credentials).unwrap();
        Self { secret: SoftwareSecret::read(&seed).unwrap(), home }
    }

    fn login(&self, stack: &RealStack) {
        let step = u64::try_from(stack.bench.aws.now()).unwrap() / 30;
        let code = self.secret.code(step, std::time::UNIX_EPOCH).digits.expose_secret().to_owned();
        let device = ["--device", &stack.bench.serial, "--profile", "dev", "--force"];
        let mut command = stack.command("aws-mfa", &device);
        command.env("HOME", self.home.path()).env("AWS_ENDPOINT_URL", stack.bench.aws.endpoint());
        command.env("AWS_DEFAULT_REGION", "eu-central-1").stdin(Stdio::piped());
        let mut child = command.spawn().unwrap();
        writeln!(child.stdin.take().unwrap(), "{code}").unwrap();
        let told = ProgramOutput::from(child.wait_with_output().unwrap());
        // The code may have been used in the previous round; the refusal takes as long.
        assert!(told.out.contains("Success!") || told.out.contains("MultiFactorAuthentication failed"), "{told:?}");
    }
}

/// Logs in with ykman and the AWS CLI, without copying the three values by hand.
fn by_hand(stack: &RealStack) {
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
    // The code may have been used in the previous round; the refusal takes as long.
    assert!(told.out.contains("SessionToken") || told.err.contains("MultiFactorAuthentication failed"), "{told:?}");
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
