//! Tests of the program: its output, its commands, the files it writes or refuses to overwrite, its exit.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

use serde_json::Value;

use crate::venv::{RealClients, done, refused};
use crate::{ACCOUNT, SEED, SEED_TEXT, code_at};

/// A running program, killed when dropped.
struct FakeAwsProgram {
    child: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    endpoint: String,
}

impl FakeAwsProgram {
    fn start(arguments: &[&str]) -> FakeAwsProgram {
        let mut child = program(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (commands, mut answers) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        let mut first = String::new();
        answers.read_line(&mut first).unwrap();
        let endpoint = first.trim_end().strip_prefix("endpoint ").expect(&first).to_owned();
        FakeAwsProgram { child, commands, answers, endpoint }
    }

    fn tell(&mut self, command: &str) -> String {
        writeln!(self.commands.as_mut().unwrap(), "{command}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Drop for FakeAwsProgram {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fake-aws"));
    command.args(arguments);
    command
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn run(arguments: &[&str]) -> Output {
    program(arguments).stdin(Stdio::null()).output().unwrap()
}

const WORLD: &str = r#"{"accounts": [{"id": "123456789012",
  "users": [
    {"name": "alice", "path": "/team/", "keys": [{"id": "AKIAALICE", "secret": "alice's secret"}],
     "mfa": [{"name": "alice", "seed": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}], "u2f": ["usb"]},
    {"keys": [{"id": "AKIAROOT", "secret": "root's secret"}]},
    {"name": "bob", "keys": [{"id": "AKIABOB", "secret": "bob's secret", "active": false}]}],
  "roles": [{"name": "admin", "trusts": ["bob"], "needs_mfa": true, "external_id": "x", "max_duration": 7200}],
  "buckets": [{"name": "photos", "objects": {"cat.jpg": 1024}}]}]}"#;

#[test]
fn a_world_file_is_loaded_and_commands_are_executed() {
    let folder = tempfile::tempdir().unwrap();
    let world = folder.path().join("world.json");
    fs::write(&world, WORLD).unwrap();
    let mut running = FakeAwsProgram::start(&["--world", text(&world), "--region", "us-east-1"]);
    let clients = RealClients::of(&running.endpoint);
    let call = |id: &str, secret: &str| serde_json::json!(["sts", "get_caller_identity", {}, [id, secret, null]]);
    let calls =
        [call("AKIAALICE", "alice's secret"), call("AKIAROOT", "root's secret"), call("AKIABOB", "bob's secret")];
    let answers = clients.boto3(&calls);
    assert_eq!(answers[0]["Arn"], "arn:aws:iam::123456789012:user/team/alice");
    assert_eq!(answers[1]["Arn"], "arn:aws:iam::123456789012:root");
    assert_eq!(answers[2]["Error"]["Code"], "InvalidClientTokenId");
    let requests: Value = serde_json::from_str(&running.tell("requests")).unwrap();
    assert_eq!(requests[0]["access_key_id"], "AKIAALICE");
    assert_eq!(requests[0]["action"], "GetCallerIdentity");
    assert_eq!(requests[2]["outcome"], "InvalidClientTokenId");
    for (command, answer) in [
        ("clear", "ok"),
        ("requests", "[]"),
        ("lie GetCallerIdentity throttling", "ok"),
        ("lie any latency=1 always", "ok"),
        ("clock +3600", "ok"),
        ("lie GetCallerIdentity dance", "error: no lie is called \"dance\""),
        ("lie Dance throttling", "error: no action is called \"Dance\""),
        ("lie any throttling never", "error: \"never\" is neither a number nor always"),
        ("clock noon", "error: \"noon\" is no whole number"),
        ("dance", "error: no such command; --help lists them"),
        ("", "error: no such command; --help lists them"),
    ] {
        assert_eq!(running.tell(command), answer, "{command}");
    }
    let codes =
        |answers: Vec<Value>| answers.into_iter().map(|answer| answer["Error"]["Code"].clone()).collect::<Vec<_>>();
    let twice = [calls[0].clone(), calls[0].clone()];
    assert_eq!(codes(clients.boto3(&twice)), ["Throttling", "SignatureDoesNotMatch"]);
    assert_eq!(running.tell("clock 0"), "ok");
    assert_eq!(running.tell("lie any internal-failure always"), "ok");
    assert_eq!(running.tell("honest"), "ok");
    assert_eq!(codes(clients.boto3(&calls[..1])), [Value::Null]);
}

#[test]
fn the_program_exits_on_quit_end_of_stdin_and_sigterm() {
    for how in ["quit", "end of stdin", "SIGTERM"] {
        let mut running = FakeAwsProgram::start(&[]);
        match how {
            "quit" => writeln!(running.commands.as_mut().unwrap(), "quit").unwrap(),
            "end of stdin" => drop(running.commands.take()),
            _ => {
                let pid = running.child.id().to_string();
                assert!(Command::new("sh").args(["-c", "kill -s TERM $0", &pid]).status().unwrap().success());
            }
        }
        let status = running.child.wait().unwrap();
        assert_eq!(status.success(), how != "SIGTERM", "{how}");
        let address = running.endpoint.strip_prefix("http://").unwrap();
        assert!(std::net::TcpStream::connect(address).is_err(), "{how}");
    }
}

/// The files let the real CLI act as the demonstration user.
#[test]
fn a_demo_user_is_written_to_two_new_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (seed, credentials, config) = (path("seed"), path("credentials"), path("config"));
    fs::write(&seed, format!("\n{SEED_TEXT}\n")).unwrap();
    let arguments = [
        "--demo-user",
        "alice",
        "--account",
        ACCOUNT,
        "--seed-file",
        text(&seed),
        "--credentials-file",
        text(&credentials),
        "--config-file",
        text(&config),
        "--bucket",
        "photos",
    ];
    let running = FakeAwsProgram::start(&arguments);
    assert_eq!(
        fs::read_to_string(&config).unwrap(),
        format!(
            "[profile alice]\nregion = us-east-1\nendpoint_url = {}\nmfa_serial = arn:aws:iam::123456789012:mfa/alice\n",
            running.endpoint
        )
    );
    #[cfg(unix)]
    for file in [&credentials, &config] {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let clients = RealClients::of(&running.endpoint);
    let aws = |arguments: &[&str]| {
        let mut command = clients.command("aws");
        command.env("AWS_CONFIG_FILE", &config).env("AWS_SHARED_CREDENTIALS_FILE", &credentials);
        command.args(arguments).args(["--profile", "alice"]).output().unwrap()
    };
    assert!(refused(&aws(&["s3", "ls"])).contains("(AccessDenied)"));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let code = code_at(SEED, i64::try_from(now).unwrap());
    let serial = "arn:aws:iam::123456789012:mfa/alice";
    let session = aws(&["sts", "get-session-token", "--serial-number", serial, "--token-code", &code]);
    assert!(done(&session).contains("\"AccessKeyId\": \"ASIA"));

    let before = (fs::read(&credentials).unwrap(), fs::read(&config).unwrap());
    assert!(refused(&run(&arguments)).contains("credentials: File exists"));
    fs::remove_file(&credentials).unwrap();
    assert!(refused(&run(&arguments)).contains("config: File exists"));
    assert!(!credentials.exists(), "both files or none");
    assert_eq!(fs::read(&config).unwrap(), before.1);
    assert!(!before.0.is_empty());
}

#[test]
fn a_demo_user_works_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (seed, credentials, config, ca) = (path("seed"), path("credentials"), path("config"), path("ca.pem"));
    fs::write(&seed, SEED_TEXT).unwrap();
    let demo = ["--demo-user", "alice", "--account", ACCOUNT, "--seed-file", text(&seed), "--ca-file", text(&ca)];
    let files = ["--credentials-file", text(&credentials), "--config-file", text(&config)];
    let running = FakeAwsProgram::start(&[&demo[..], &files[..]].concat());
    assert!(running.endpoint.starts_with("https://127.0.0.1:"));
    let clients = RealClients::of(&running.endpoint);
    let mut command = clients.command("aws");
    command.env("AWS_CONFIG_FILE", &config).env("AWS_SHARED_CREDENTIALS_FILE", &credentials);
    command.args(["sts", "get-caller-identity", "--profile", "alice"]);
    assert!(done(&command.output().unwrap()).contains(":user/alice"));
    fs::write(&config, fs::read_to_string(&config).unwrap().replace("ca_bundle", "#ca_bundle")).unwrap();
    assert!(refused(&command.output().unwrap()).contains("CERTIFICATE_VERIFY_FAILED"));
}

#[test]
fn invalid_arguments_and_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("damaged");
    fs::write(&file, "{\"accounts\": [{\"id\": \"1\", \"users\": [{\"secret\": 1}]}]}").unwrap();
    let (missing, damaged) = (folder.path().join("missing"), text(&file));
    for (arguments, status, message) in [
        (vec!["--dance"], 2, "no flag is called \"--dance\""),
        (vec!["--port"], 2, "--port wants a value"),
        (vec!["--port", "x"], 2, "--port wants a port number"),
        (vec!["--demo-user", "alice"], 2, "--demo-user wants --account as well"),
        (vec!["--demo-user", "alice", "--account", "1"], 2, "--account wants twelve digits"),
        (vec!["--demo-user", "a]", "--account", ACCOUNT], 2, "--demo-user and --profile want letters, digits"),
        (vec!["--world", text(&missing)], 1, "missing: No such file"),
        (vec!["--world", damaged], 1, "damaged: damaged at line 1, column"),
    ] {
        let output = run(&arguments);
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(status), "{complaint}");
        assert!(complaint.contains(message), "{complaint}");
        assert!(output.stdout.is_empty());
    }
    let seed = ["--demo-user", "alice", "--account", ACCOUNT, "--seed-file", damaged];
    let files = ["--credentials-file", "credentials-file", "--config-file", "config-file"];
    let complaint = refused(&run(&[&seed[..], &files[..]].concat()));
    assert!(complaint.contains("no base32") && !complaint.contains("secret"), "{complaint}");
    assert!(done(&run(&["--help"])).starts_with("usage: fake-aws"));
}
