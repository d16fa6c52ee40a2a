//! Completions as the shells use them, and the manual as its reader sees it.

use crate::harness::test_world::TestWorld;
use aws_mfa_key::cli::Cli;
use clap::CommandFactory;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use tempfile::TempDir;

/// A generated file in a folder of its own.
struct GeneratedFile {
    folder: TempDir,
    path: PathBuf,
}

fn made(arguments: &[&str], name: &str) -> GeneratedFile {
    let told = TestWorld::new().run(&[&["generate"], arguments].concat());
    assert_eq!((told.code, told.err.as_str()), (0, ""));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, told.out).unwrap();
    GeneratedFile { folder, path }
}

/// Runs a program on a generated file, with none of the tester's environment. Returns its output.
fn run(program: &str, arguments: &[&str], made: &GeneratedFile) -> String {
    let mut command = Command::new(program);
    command.args(arguments).arg(&made.path).current_dir(made.folder.path()).env_clear();
    command.env("HOME", made.folder.path()).env("PATH", "/usr/bin:/bin").env("TERM", "dumb").env("LC_ALL", "C.UTF-8");
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = [stdout, stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(status.success(), "{program}: {text}");
    text
}

/// Calls the registered function as bash does, with the words in the variables that bash sets.
const BASH: &str = r#"
source "$1"
complete() { # WORD…: prints the completions of the last word
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE} COMPREPLY=()
    "$function" aws-mfa-key "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    echo "$*:" ${COMPREPLY[@]}
}
registered=$(builtin complete -p aws-mfa-key)
[[ $registered =~ -F\ ([^ ]+) ]] && function=${BASH_REMATCH[1]}
complete aws-mfa-key stat
complete aws-mfa-key accounts pass
complete aws-mfa-key login --non
complete aws-mfa-key env --shell po
"#;

#[test]
fn bash_completes() {
    let told = run("bash", &["--norc", "-c", BASH, "bash"], &made(&["completions", "bash"], "completions"));
    for line in [
        "aws-mfa-key stat: status\n",
        "aws-mfa-key accounts pass: password\n",
        "aws-mfa-key login --non: --non-interactive\n",
        "aws-mfa-key env --shell po: powershell\n",
    ] {
        assert!(told.contains(line), "{line}{told}");
    }
}

/// Presses Tab in a terminal: zsh completes nowhere else.
const ZSH: &str = r#"
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1= fpath=(${1:h} \$fpath); autoload -U compinit; compinit -u -D; echo ready\$((1+1))"
zpty -r -m shell text '*ready2*'
zpty -w -n shell $'aws-mfa-key accounts passw\t se\t'
zpty -r -m shell text '*accounts password*set*'
print -r -- $text
"#;

#[test]
fn zsh_completes() {
    let made = made(&["completions", "zsh"], "_aws-mfa-key");
    let told = run("timeout", &["60", "zsh", "-f", "-c", ZSH, "zsh"], &made);
    assert!(told.contains("accounts password"), "{told}");
}

#[test]
fn fish_completes() {
    let ask = "source $argv[1]; complete -C 'aws-mfa-key stat'; complete -C 'aws-mfa-key login --non'";
    let told = run("fish", &["--no-config", "-c", ask], &made(&["completions", "fish"], "completions"));
    assert_eq!(
        told,
        "status\tShow sessions and the time they have left\n\
         --non-interactive\tNever prompt; exit with code 4 instead\n"
    );
}

#[test]
fn other_shells_have_completions_and_an_unknown_shell_is_an_error_that_lists_them() {
    for shell in ["elvish", "powershell"] {
        assert!(TestWorld::new().run(&["generate", "completions", shell]).out.contains("credential-process"));
    }
    let told = TestWorld::new().run(&["generate", "completions", "tcsh"]);
    assert_eq!((told.code, told.out.as_str()), (2, ""));
    assert!(told.err.contains("bash, elvish, fish, powershell, zsh"), "{told:?}");
}

#[test]
fn mandoc_finds_nothing_wrong_with_the_manual() {
    assert_eq!(run("mandoc", &["-T", "lint"], &made(&["man"], "aws-mfa-key.1")), "");
}

/// The manual as plain text on a terminal of this width in columns.
fn manual(width: usize) -> String {
    let told = run("mandoc", &["-T", "utf8", "-O", &format!("width={width}")], &made(&["man"], "aws-mfa-key.1"));
    // Bold is a letter printed over itself, italic a letter printed over an underscore.
    let mut text = String::new();
    for c in told.chars() {
        if c == '\u{8}' {
            text.pop();
        } else {
            text.push(c);
        }
    }
    text
}

/// One section of the manual.
fn section<'m>(manual: &'m str, title: &str) -> &'m str {
    let (_, rest) = manual.split_once(&format!("\n{title}\n")).unwrap_or_else(|| panic!("there is no {title}"));
    let is_next = |line: &str| line.starts_with(char::is_uppercase);
    let end = rest.lines().take_while(|line| !is_next(line)).map(|line| line.len() + 1).sum::<usize>();
    &rest[..end.min(rest.len())]
}

#[test]
fn the_manual_has_the_sections_of_a_manual() {
    let manual = manual(80);
    let titles: Vec<&str> = manual.lines().filter(|line| line.starts_with(char::is_uppercase)).collect();
    let wanted = [
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "COMMANDS",
        "OPTIONS",
        "SETTINGS",
        "FILES",
        "ENVIRONMENT",
        "EXIT STATUS",
        "EXAMPLES",
        "SEE ALSO",
    ];
    assert_eq!(titles[1..], wanted);
    for (title, words) in [
        ("EXIT STATUS", "       5      AWS refused.\n"),
        ("EXIT STATUS", "       130    interrupted (Ctrl-C).\n"),
        ("OPTIONS", "   Session\n"),
        ("OPTIONS", "-u, --session-profile NAME\n"),
        ("OPTIONS", "--token-code, --mfa-token"),
        ("FILES", "~/.local/state/aws-mfa-key\n"),
        ("EXAMPLES", "           aws-mfa-key exec dev -- aws s3 ls\n"),
    ] {
        assert!(section(&manual, title).contains(words), "{words}: {}", section(&manual, title));
    }
}

#[test]
fn the_manual_is_filled_to_the_width_of_the_terminal() {
    for width in [60, 80, 120] {
        let manual = manual(width);
        let text = section(&manual, "DESCRIPTION");
        let longest = text.lines().map(|line| line.chars().count()).max().unwrap();
        assert!((width - 10..=width).contains(&longest), "{width}: {text}");
    }
}

#[test]
fn the_manual_describes_every_command_and_option() {
    fn check(command: &clap::Command, words: &str, manual: &str) {
        let below: Vec<_> = command.get_subcommands().filter(|below| below.get_name() != "help").collect();
        if words != "aws-mfa-key" {
            let usage = format!("\n   {words}");
            let commands = format!("\n{}", section(manual, "COMMANDS"));
            let chapter = commands.split(&usage).skip(1).find(|rest| rest.starts_with([' ', '\n']));
            let chapter = chapter.unwrap_or_else(|| panic!("{words}: {commands}"));
            let chapter = chapter.split("\n   aws-mfa-key").next().unwrap();
            assert!(chapter.contains(&command.get_about().unwrap().to_string()), "{words}: {chapter}");
            let options = command.get_arguments().filter(|arg| !arg.is_hide_set()).filter_map(clap::Arg::get_long);
            let missing: Vec<_> = options.filter(|option| !chapter.contains(&format!("--{option}"))).collect();
            assert!(missing.is_empty(), "{words}: {missing:?}: {chapter}");
            assert!(section(manual, "EXAMPLES").contains(words), "{words}");
        }
        for below in below {
            check(below, &format!("{words} {}", below.get_name()), manual);
        }
    }
    check(&Cli::command(), "aws-mfa-key", &manual(500));
}

/// String literals in the program's source for which `is_wanted` is true.
fn literals(is_wanted: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else {
                let text = fs::read_to_string(&entry).unwrap();
                found.extend(text.split('"').filter(|part| is_wanted(part)).map(str::to_owned));
            }
        }
    }
    found
}

#[test]
fn the_manual_describes_every_setting_and_variable_of_the_program() {
    /// Variables that the program sets for its own child processes.
    const INTERNAL: [&str; 2] = ["AWS_MFA_KEY_COMMAND", "AWS_MFA_KEY_IN_COMMAND"];
    let manual = manual(500);
    let name = |text: &str, prefix: &str, is_letter: fn(char) -> bool| {
        text.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| is_letter(c) || c == '_'))
    };
    let variables = literals(|text| name(text, "AWS_MFA_KEY_", |c| c.is_ascii_uppercase()));
    assert!(variables.len() > 25, "{variables:?}");
    for variable in variables.iter().filter(|variable| !INTERNAL.contains(&variable.as_str())) {
        assert!(section(&manual, "ENVIRONMENT").contains(variable), "{variable}");
    }
    assert!(!manual.contains("AWS_MFA_KEY_CODE"));
    let keys = literals(|text| name(text, "mfa_key_", |c| c.is_ascii_lowercase()));
    assert!(keys.len() > 6, "{keys:?}");
    for key in keys {
        assert!(manual.contains(&key), "{key}");
    }
}
