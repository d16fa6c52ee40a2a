//! The help of every command, as a newcomer sees it on a terminal of 80 columns and 40 lines.

use crate::harness::events::until;
use crate::harness::running_agent;
use crate::harness::stack::{ProgramOutput, RealStack, clients, program};
use crate::harness::test_world::TestWorld;
use aws_mfa_key::cli::Cli;
use clap::{Command, CommandFactory};
use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use virtual_token::StoredAccount;

/// All commands, the program itself first: the words after `aws-mfa-key`, and the grammar.
fn commands() -> Vec<(Vec<String>, Command)> {
    fn add(words: &[String], command: &Command, all: &mut Vec<(Vec<String>, Command)>) {
        all.push((words.to_vec(), command.clone()));
        for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
            add(&[words, &[below.get_name().to_owned()]].concat(), below, all);
        }
    }
    let mut all = Vec::new();
    add(&[], &Cli::command(), &mut all);
    assert!(all.len() > 25, "{}", all.len());
    all
}

/// What a command prints for `-h` or `--help` on a terminal of 80 columns.
fn help(words: &[String], flag: &str) -> String {
    let mut command = std::process::Command::new(program());
    command.args(words).arg(flag).env_clear().env("COLUMNS", "80");
    let told = ProgramOutput::from(command.output().unwrap());
    assert_eq!((told.code, told.err.as_str()), (Some(0), ""), "{words:?}");
    told.out
}

/// The examples at the end of a command's `--help`: of each, the lines to type.
fn examples(words: &[String]) -> Vec<String> {
    let help = help(words, "--help");
    let (_, examples) = help.split_once("\nExamples:\n").unwrap_or_else(|| panic!("{words:?} has no examples: {help}"));
    let examples = examples.trim_end().split("\n\n").take_while(|example| example.starts_with("  "));
    let typed = |example: &str| {
        let (title, lines) = example.split_once('\n').unwrap();
        assert!(title.ends_with(':') && lines.lines().all(|line| line.starts_with("    ")), "{example}");
        lines.lines().map(|line| format!("{}\n", &line[4..])).collect()
    };
    examples.map(typed).collect()
}

#[test]
fn short_help_fits_one_screen() {
    for (words, _) in commands() {
        let help = help(&words, "-h");
        let width = help.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(help.lines().count() <= 40 && width <= 80, "{words:?}: {width} columns\n{help}");
        assert!(!help.contains("Examples:"), "{help}");
    }
}

#[test]
fn long_help_fits_eighty_columns() {
    for (words, _) in commands() {
        let help = help(&words, "--help");
        let wide: Vec<&str> = help.lines().filter(|line| line.chars().count() > 80).collect();
        assert!(wide.is_empty(), "{words:?}: {wide:#?}");
    }
}

#[test]
fn the_first_line_of_a_command_has_at_most_60_characters_and_no_full_stop() {
    for (words, command) in commands() {
        let line = command.get_about().unwrap().to_string();
        assert!(line.len() <= 60 && !line.ends_with('.') && line.starts_with(char::is_uppercase), "{words:?}: {line}");
    }
}

#[test]
fn an_option_has_the_same_heading_in_every_command() {
    let mut headings: BTreeMap<String, Option<String>> = BTreeMap::new();
    for (words, command) in commands() {
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set() && !arg.is_positional()) {
            let (name, heading) = (arg.get_id().to_string(), arg.get_help_heading().map(str::to_owned));
            let first = headings.entry(name.clone()).or_insert_with(|| heading.clone());
            assert_eq!(*first, heading, "{words:?}: {name}");
        }
    }
    for heading in ["Session", "Token", "AWS", "Output"] {
        assert!(headings.values().flatten().any(|other| other == heading), "{heading}");
    }
}

#[test]
fn only_the_top_help_lists_exit_codes_and_variables() {
    for (words, _) in commands() {
        let help = help(&words, "--help");
        for title in
            ["Exit codes:\n", "Environment variables:\n", "Precedence: flag, environment variable, profile, default."]
        {
            assert_eq!(help.contains(title), words.is_empty(), "{words:?}: {title}");
        }
    }
}

#[test]
fn every_command_has_two_or_three_examples_of_itself() {
    for (words, _) in commands() {
        let examples = examples(&words);
        assert!((2..=3).contains(&examples.len()), "{words:?}: {examples:#?}");
        let name = [&["aws-mfa-key".to_owned()], &words[..]].concat().join(" ");
        assert!(examples.iter().any(|example| example.contains(&name)), "{words:?}: {examples:#?}");
    }
}

/// Examples that this test cannot run, and the reason.
const NOT_HERE: [(&str, &str); 10] = [
    ("Invoke-Expression", "takes PowerShell"),
    ("terraform", "takes Terraform"),
    ("systemctl", "takes systemd; `make test-vm` runs it"),
    ("HOST", "takes an SSH server; `agent_ssh` runs it"),
    ("aws-mfa-key agent\n", "does not end; `agent` runs it"),
    ("password remember", "takes a keyring; `keyrings` runs it"),
    ("password forget", "takes a keyring; `keyrings` runs it"),
    ("secret add dev --qr", "takes a keyring; `secrets` runs it"),
    ("secret remove dev\n", "takes a keyring; `secrets` runs it"),
    ("secret list", "takes a keyring; `secrets` runs it"),
];

/// Examples that prompt: without a terminal, they end with exit code 4.
const PROMPTS: [&str; 5] = [
    "accounts add --touch \"Amazon",
    "accounts remove \"Amazon",
    "accounts password set\n",
    "accounts password change\n",
    "accounts password clear\n",
];

/// A machine with everything that the example expects: profiles, files, accounts on the token, a password.
fn machine(example: &str) -> RealStack {
    let stack = RealStack::new();
    let bench = &stack.bench;
    for name in [".aws/config", ".aws/credentials"] {
        let text = bench.read(name);
        let default = text.replace("[profile dev]", "[default]").replace("[dev]", "[default]");
        bench.write(name, &format!("{text}{default}"));
    }
    std::fs::create_dir(bench.path("bin")).unwrap();
    symlink(program(), bench.path("bin/aws-mfa-key")).unwrap();
    let picture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/pictures/aws.png");
    symlink(picture, bench.path("screenshot.png")).unwrap();
    bench.write("secret.txt", crate::harness::test_world::SEED_BASE32);
    for (name, text) in [("new-password.txt", "new\n"), ("passwords.txt", "old\nnew\n"), ("password.txt", "old\n")] {
        bench.write(name, text);
    }
    if example.contains("accounts add") {
        bench.token.remove(b"Amazon Web Services:alice@example");
    }
    if example.contains("accounts") && example.contains("AWS:alice ") {
        bench.token.add(StoredAccount::totp("AWS:alice", crate::harness::test_world::SEED));
    }
    if ["passwords.txt", "< password.txt", "password change", "password clear"]
        .iter()
        .any(|word| example.contains(word))
    {
        bench.token.set_password(Some("old"));
    }
    if example.contains("status dev") {
        assert_eq!(stack.run(&["login", "dev"]).code, Some(0));
    }
    if example.contains("dev.secret --yes") {
        let made = stack.command("sh", &["-c", "umask 077; cp ~/secret.txt ~/.aws/dev.secret"]).status().unwrap();
        assert!(made.success());
    }
    stack
}

/// Types an example on a machine of its own. Returns the example and its output if it fails.
fn pasted(example: &str) -> Option<String> {
    let stack = machine(example);
    let (home, endpoint) = (stack.bench.home.path(), stack.bench.aws.endpoint());
    let is_served = example.contains("--serve") || example.contains("agent env");
    let _agent = is_served.then(|| {
        let agent = running_agent::agent(&stack, &[]);
        let serves =
            || stack.program(&["agent", "env", "dev"]).env("XDG_RUNTIME_DIR", home).status().unwrap().success();
        until("the agent serves dev", serves);
        agent
    });
    let shell = if example.contains("| source") { "fish" } else { "bash" };
    let path = format!("{}:{}:/usr/bin:/bin", home.join("bin").display(), clients().join("bin").display());
    let mut command = stack.command(shell, &["-c", example]);
    command.current_dir(home).env("PATH", path).env("SHELL", "/bin/bash").env("XDG_RUNTIME_DIR", home);
    // For profiles without an endpoint of their own.
    command.env("AWS_ENDPOINT_URL", endpoint);
    let told = ProgramOutput::from(command.output().unwrap());
    let code = if PROMPTS.iter().any(|prompt| example.contains(prompt)) { 4 } else { 0 };
    // `eval` succeeds, whatever becomes of the command inside.
    let is_good = told.code == Some(code) && (code != 0 || !told.err.contains("error: "));
    (!is_good).then(|| format!("{example}{told:?}\n"))
}

#[test]
fn examples_work_when_pasted() {
    let all = commands().into_iter().flat_map(|(words, _)| examples(&words));
    let here = all.filter(|example| !NOT_HERE.iter().any(|(word, _)| example.contains(word)));
    let wrong: Vec<String> = here.filter_map(|example| pasted(&example)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Checks the grammar of the examples that cannot be run.
#[test]
fn the_grammar_accepts_every_example() {
    for (words, _) in commands() {
        for example in examples(&words) {
            let lines = example.replace("\\\n", " ");
            for part in lines.split("aws-mfa-key ").skip(1).filter(|part| !part.starts_with(['/', '\n'])) {
                // A call ends where the shell's syntax goes on.
                let end = part.find(['|', '&', ';', '<', '>', ')', '\n']).unwrap_or(part.len());
                let call = part[..end].trim_end_matches('"').replace('"', "");
                let typed = std::iter::once("aws-mfa-key").chain(call.split_whitespace());
                // Without quotes, an account name with spaces is several words.
                let typed: Vec<&str> = typed.filter(|word| !["Web", "Services:alice@example"].contains(word)).collect();
                let parsed = Cli::command().try_get_matches_from(&typed);
                assert!(parsed.is_ok(), "{typed:?}: {parsed:?}");
            }
        }
    }
}

#[test]
fn without_a_command_the_short_help_is_printed() {
    let told = TestWorld::new().run(&[]);
    assert_eq!(told.code, 2);
    assert!(told.err.contains("Usage: aws-mfa-key <COMMAND>") && !told.err.contains("Exit codes"), "{told:?}");
}
