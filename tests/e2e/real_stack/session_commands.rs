//! Tests of the commands that use a session, with real shells, processes, signals and AWS's own clients.

use crate::harness::events::until;
use crate::harness::stack::{ProgramOutput, RealStack, program, signal};
use fake_aws::Action;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use virtual_token::SimulatedTouch;

fn sent(stack: &RealStack, action: Action) -> usize {
    stack.bench.aws.requests().iter().filter(|request| request.action == action).count()
}

#[test]
fn exec_replaces_the_program_with_the_command() {
    let stack = RealStack::new();
    let arn = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])";
    let mut command = stack.program(&["exec", "dev", "--", "python", "-c", arn]);
    // `exec` removes conflicting variables such as `AWS_PROFILE`, but keeps the endpoint.
    let endpoint = stack.bench.aws.endpoint();
    let told =
        ProgramOutput::from(command.env("AWS_PROFILE", "dev").env("AWS_ENDPOINT_URL", endpoint).output().unwrap());
    assert_eq!((told.code, told.out.as_str()), (Some(0), "arn:aws:iam::123456789012:user/alice\n"), "{told:?}");
    let script = "echo $$ ${AWS_PROFILE-none} $AWS_REGION $AWS_DEFAULT_REGION; ulimit -c; exit 7";
    let child = stack.program(&["exec", "dev", "--", "sh", "-c", script]).spawn().unwrap();
    let id = child.id();
    let told = ProgramOutput::from(child.wait_with_output().unwrap());
    let lines: Vec<&str> = told.out.lines().collect();
    assert_eq!((told.code, lines[0]), (Some(7), format!("{id} none eu-central-1 eu-central-1").as_str()), "{told:?}");
    let limit = ProgramOutput::from(stack.command("sh", &["-c", "ulimit -c"]).output().unwrap());
    assert_eq!(lines[1], limit.out.trim(), "the command may write a core, if it could before");
}

#[test]
fn exec_reports_missing_and_non_executable_commands() {
    let stack = RealStack::new();
    let told = stack.run(&["exec", "dev", "--", "no-such-command"]);
    assert!(told.code == Some(127) && told.err.contains("error: could not run no-such-command\n"), "{told:?}");
    assert_eq!(stack.run(&["exec", "dev", "--", "/etc/passwd"]).code, Some(126));
    assert_eq!(stack.run(&["exec", "dev"]).code, Some(2));
}

#[test]
fn signals_to_exec_reach_the_command() {
    let stack = RealStack::new();
    let script = "trap 'exit 42' TERM; echo ready >ready; while :; do sleep 0.05; done";
    let mut command = stack.program(&["exec", "dev", "--", "sh", "-c", script]);
    let child = command.current_dir(stack.bench.home.path()).spawn().unwrap();
    until("the command is ready", || stack.bench.path("ready").exists());
    signal(&child, "TERM");
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(42));
}

/// Values of settings that shells could misinterpret. Values in a config file have no line breaks.
const NASTY: [&str; 4] = [
    r#"it's "$HOME" `id` $(id) ${HOME} \ \\ \' \" \$ !! !1 ^a ~ *? [a] {b,c} (d) & | < > a;b a#c % %PATH% %%"#,
    r"''",
    r"-n \n \t\",
    "ü ‘a’ ‚b‛ 'c'",
];

/// The shells, some of them also with options that change their syntax.
const SHELLS: [(&str, &[&str]); 7] = [
    ("sh", &["-eu"]),
    ("dash", &[]),
    ("bash", &["-eu", "-o", "posix", "-O", "extglob"]),
    ("bash", &[]),
    ("zsh", &["-eu", "-o", "rcquotes", "-o", "extendedglob", "-o", "ksharrays"]),
    ("zsh", &[]),
    ("fish", &[]),
];

#[test]
fn shells_evaluate_env_output_exactly() {
    const IN_THE_WAY: [&str; 4] =
        ["AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SECURITY_TOKEN", "AWS_SESSION_EXPIRATION"];
    let stack = RealStack::new();
    assert_eq!(stack.run(&["login", "dev"]).code, Some(0));
    let endpoint = stack.bench.aws.endpoint();
    for (shell, options) in SHELLS {
        let run = |script: &str, before: &[&str]| {
            let mut command = stack.command(shell, &[options, &["-c", script]].concat());
            command.envs(before.iter().map(|name| (name, "before"))).env("SHELL", format!("/usr/bin/{shell}"));
            let told = ProgramOutput::from(command.output().unwrap());
            assert!(told.code == Some(0) && told.err.is_empty(), "{shell} {options:?}: {told:?}");
            let variables = told.out.split('\0').filter_map(|line| line.split_once('='));
            variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<BTreeMap<_, _>>()
        };
        for nasty in NASTY {
            let url = format!("{endpoint}/{nasty}");
            stack.bench.configure(&format!("ca_bundle = {nasty}\nuse_dualstack_endpoint = false\n"));
            stack.bench.edit(".aws/config", &endpoint, &url);
            stack.bench.edit(".aws/config", "eu-central-1", nasty);
            let set = format!("{} env dev --shell {shell}", program());
            let set = if shell == "fish" {
                format!("{set} | source; and env -0")
            } else {
                format!("eval \"$({set})\" && env -0")
            };
            let after = run(&set, &IN_THE_WAY);
            let expected = [
                ("AWS_REGION", nasty),
                ("AWS_DEFAULT_REGION", nasty),
                ("AWS_CA_BUNDLE", nasty),
                ("AWS_ENDPOINT_URL", &url),
                ("AWS_USE_DUALSTACK_ENDPOINT", "false"),
            ];
            for (name, value) in expected {
                assert_eq!(after.get(name).map(String::as_str), Some(value), "{shell} {options:?}: {name}");
            }
            assert!(after["AWS_ACCESS_KEY_ID"].starts_with("ASIA"), "{shell}");
            assert!(IN_THE_WAY.iter().all(|name| !after.contains_key(*name)), "{shell}: {after:?}");
        }
        // Half of these variables are not set at all.
        let before = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_CA_BUNDLE"];
        let unset = format!("{} env --unset", program());
        let unset = if shell == "fish" {
            format!("{unset} | source; and env -0")
        } else {
            format!("eval \"$({unset})\" && env -0")
        };
        let after = run(&unset, &before);
        assert!(
            before.iter().all(|name| !after.contains_key(*name)) && after.contains_key("HOME"),
            "{shell}: {after:?}"
        );
    }
    assert_eq!(sent(&stack, Action::GetSessionToken), 1);
}

/// Adds a profile without keys whose `credential_process` is this program.
fn with_process(stack: &RealStack) {
    let config = stack.bench.read(".aws/config");
    let (program, endpoint) = (program(), stack.bench.aws.endpoint());
    let process = format!(
        "[profile work]\nregion = eu-central-1\nendpoint_url = {endpoint}\ncredential_process = \"{program}\" credential-process dev\n"
    );
    stack.bench.write(".aws/config", &format!("{config}{process}"));
}

#[test]
fn awss_clients_use_credential_process() {
    let stack = RealStack::new();
    with_process(&stack);
    let listed = stack.aws(&["s3", "ls", "--profile", "work"]);
    assert!(listed.out.ends_with(" touched-the-key\n"), "{listed:?}");
    let boto3 = stack.python(
        "import boto3\n\
         session = boto3.Session(profile_name='work')\n\
         print(session.client('sts').get_caller_identity()['Arn'], session.get_credentials().method)",
    );
    assert_eq!(boto3.out, "arn:aws:iam::123456789012:user/alice custom-process\n", "{boto3:?}");
    assert_eq!(sent(&stack, Action::GetSessionToken), 1);
}

#[test]
fn credential_process_gives_up_before_the_rust_sdk() {
    let stack = RealStack::new();
    stack.bench.token.set_touch(SimulatedTouch::Never);
    stack.bench.token.set_touch_timeout(Duration::from_secs(60));
    let begun = Instant::now();
    let told = stack.run(&["credential-process", "dev"]);
    // The Rust SDK waits for 21.6 s.
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!((told.code, told.out.as_str()), (Some(4), ""), "{told:?}");
    assert!(told.err.contains("cause: nobody touched YubiKey 12345678 within 17 s\n"), "{told:?}");
}

#[test]
fn credential_process_asks_at_the_terminal_of_its_caller() {
    let stack = RealStack::new();
    stack.bench.token.set_touch(SimulatedTouch::ByItself(Duration::from_secs(1)));
    with_process(&stack);
    let script = "import boto3; print(boto3.Session(profile_name='work').client('sts').get_caller_identity()['Arn'])";
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/harness/on_a_terminal.py");
    let inner = format!("python -c \"{script}\"");
    let told = ProgramOutput::from(stack.command("python", &[python, "[]", "/bin/sh", "-c", &inner]).output().unwrap());
    assert!(told.out.contains("Touch YubiKey 12345678 for python: profile dev"), "{told:?}");
    assert!(told.out.contains("arn:aws:iam::123456789012:user/alice"), "{told:?}");
}

#[test]
fn code_replaces_ykman_oath_accounts_code() {
    let stack = RealStack::new();
    let code = stack.run(&["code", "dev"]);
    assert_eq!(code.code, Some(0), "{code:?}");
    let token_code = code.out.trim();
    let serial = stack.bench.serial.as_str();
    let arguments =
        ["sts", "get-session-token", "--profile", "dev", "--serial-number", serial, "--token-code", token_code];
    let told = stack.aws(&arguments);
    assert!(told.out.contains("SessionToken"), "{told:?}");
}
