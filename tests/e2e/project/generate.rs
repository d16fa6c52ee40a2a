//! Tests of generated files: completions, evaluated by the shells themselves, and the man page, checked by mandoc.

use crate::harness::test_world::TestWorld;
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

/// Runs a program with an almost empty environment. Returns stdout and stderr.
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

/// Calls the registered function with the variables that bash sets for it.
const BASH: &str = r#"
source "$1"
complete() { # WORD…: what the last word may become
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

/// In a pseudo-terminal, since zsh only completes there.
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
        "status\tShow each session: whose, how long, still good or not\n\
         --non-interactive\tNever ask: what would need a person ends with its own exit code\n"
    );
}

#[test]
fn other_shells_have_completions_and_unknown_ones_are_refused() {
    for shell in ["elvish", "powershell"] {
        assert!(TestWorld::new().run(&["generate", "completions", shell]).out.contains("credential-process"));
    }
    let told = TestWorld::new().run(&["generate", "completions", "tcsh"]);
    assert_eq!((told.code, told.out.as_str()), (2, ""));
    assert!(told.err.contains("bash, elvish, fish, powershell, zsh"), "{told:?}");
}

#[test]
fn the_man_page_passes_mandoc_lint() {
    let page = made(&["man"], "aws-mfa-key.1");
    // Long lines do not matter in a generated page. It has no date, since builds must be reproducible.
    let told = run("sh", &["-c", r#"mandoc -T lint -W warning "$0" || true"#], &page);
    let faults: Vec<&str> =
        told.lines().filter(|line| !line.contains(": STYLE: ") && !line.contains(" date, ")).collect();
    assert!(faults.is_empty(), "{told}");
}

#[test]
fn the_man_page_lists_commands_exit_codes_and_variables() {
    let told = run("mandoc", &["-T", "utf8", "-O", "width=200"], &made(&["man"], "aws-mfa-key.1"));
    // A character overstruck with itself is bold, with an underscore, italic.
    let mut text = String::new();
    for c in told.chars() {
        if c == '\u{8}' {
            text.pop();
        } else {
            text.push(c);
        }
    }
    let help = TestWorld::new().run(&["--help"]).out;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let mut seen = 0;
    // Lines that are indented further continue the previous one.
    let commands = commands.filter(|line| !line.starts_with("   "));
    for name in commands.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help") {
        assert!(text.contains(&format!("   aws-mfa-key {name}")), "{name}: {text}");
        seen += 1;
    }
    assert!(seen >= 10, "{help}");
    for words in [
        "aws-mfa-key accounts password set [OPTIONS]",
        "--session-profile NAME",
        "       5      AWS refused",
        "       130    interrupted",
        "       AWS_MFA_KEY_MIN_TTL\n              The same as --min-ttl.",
        "AWS_MFA_KEY_STATE_DIR",
        "credential_process = \"/path/to/aws-mfa-key\" credential-process dev",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!text.contains("AWS_MFA_KEY_CODE"));
}
