//! Tests that each command in the README's two pages on unattended sessions is run as written, by a scene of `make
//! test-vm` or here.

use crate::harness::stack::RealStack;
use crate::harness::test_world::ACCOUNT;
use std::fs;
use std::path::Path;

const PAGES: [&str; 2] =
    ["## Sessions that are always there, at a workstation\n", "## Machines that nobody logs in to\n"];

/// Prefix of the commands to run when a machine is lost.
const LOST: &str = "aws iam ";

/// Returns the text of both pages.
fn text() -> String {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let page = |title: &str| {
        let (_, rest) = readme.split_once(title).unwrap_or_else(|| panic!("there is no page {title}"));
        rest.split("\n## ").next().unwrap_or(rest).to_owned()
    };
    PAGES.map(page).concat()
}

/// Returns the commands in the pages: lines after `$ `, and commands within a sentence.
fn commands() -> Vec<String> {
    let text = text();
    let mut fences = text.split("\n```");
    let mut found = Vec::new();
    while let Some(words) = fences.next() {
        let is_command = |part: &&str| {
            let mut words = part.split_whitespace();
            let program = words.next().unwrap_or_default();
            ["aws-mfa-key", "sudo", "systemctl", "journalctl"].contains(&program) && words.next().is_some()
        };
        found.extend(words.split('`').skip(1).step_by(2).filter(is_command).map(str::to_owned));
        let typed = fences.next().into_iter().flat_map(str::lines).filter_map(|line| line.strip_prefix("$ "));
        found.extend(typed.map(str::to_owned));
    }
    found
}

/// Returns the text of all scenes and of the script that runs them.
fn typed_in_the_machine() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vm");
    let scenes = fs::read_dir(folder.join("scenes")).unwrap().map(|entry| entry.unwrap().path());
    let files = scenes.chain([folder.join("guest.sh")]);
    files.map(|file| fs::read_to_string(file).unwrap()).collect()
}

#[test]
fn each_command_of_the_pages_is_run_by_a_scene() {
    let (commands, scenes) = (commands(), typed_in_the_machine());
    assert!(commands.len() > 15, "{commands:#?}");
    let is_run = |command: &str| {
        let command = format!(" '{command}'");
        scenes.lines().any(|line| !line.starts_with('#') && line.contains("typed") && line.contains(&command))
    };
    let forgotten: Vec<_> = commands.iter().filter(|command| !command.starts_with(LOST) && !is_run(command)).collect();
    assert!(forgotten.is_empty(), "no scene types {forgotten:#?}");
}

#[test]
fn each_file_of_the_pages_is_used_by_a_scene() {
    let (text, scenes) = (text(), typed_in_the_machine());
    let files: Vec<&str> = text.split("\n```ini\n").skip(1).map(|file| file.lines().next().unwrap()).collect();
    assert!(files.len() > 2, "{files:?}");
    for file in files {
        let name = file.strip_prefix("# ").unwrap_or_else(|| panic!("{file} is no file's name"));
        assert!(scenes.contains(&format!("from_page {name} ")), "no scene has {name} from the page");
    }
}

#[test]
fn the_commands_for_a_lost_machine_invalidate_its_sessions() {
    let mut stack = RealStack::new();
    assert_eq!(stack.run(&["login", "dev"]).code, Some(0));
    let list = ["--profile", "dev-mfa", "s3", "ls"];
    let before = stack.aws(&list);
    assert!(before.code == Some(0) && before.out.contains("touched-the-key"), "{before:?}");

    let credentials = stack.bench.read(".aws/credentials");
    let (_, key) = credentials.split_once("[dev]\naws_access_key_id = ").unwrap();
    let key = key.lines().next().unwrap();
    let root = stack.bench.aws.add_key(&stack.bench.aws.add_root(ACCOUNT));
    let settings = [
        ("AWS_ACCESS_KEY_ID", root.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", root.secret_access_key),
        ("AWS_DEFAULT_REGION", "eu-central-1".to_owned()),
        ("AWS_ENDPOINT_URL", stack.bench.aws.endpoint()),
    ];
    let own = stack.bench.env.clone();
    stack.bench.env.extend(settings.map(|(name, value)| (name.to_owned(), value)));
    let commands = commands();
    let lost: Vec<_> = commands.iter().filter(|command| command.starts_with(LOST)).collect();
    assert_eq!(lost.len(), 4, "{lost:#?}");
    for command in lost {
        let command = command.replace("machine-7", "alice").replace("AKIA…", key);
        let told = stack.aws(&command.split(' ').skip(1).collect::<Vec<_>>());
        assert_eq!((told.code, told.err.as_str()), (Some(0), ""), "{command}: {told:?}");
    }
    stack.bench.env = own;

    let after = stack.aws(&list);
    assert!(after.code != Some(0) && after.err.contains("(AccessDenied)"), "{after:?}");
    assert!(after.err.contains("with an explicit deny"), "{after:?}");
    let again = stack.run(&["login", "dev", "--force"]);
    assert!(again.code == Some(5) && again.err.contains("AWS rejected the long-term key"), "{again:?}");
}
