//! Finds the program that started this one, which messages name as the requester.

use super::printable;
use rustix::process::getppid;
use std::fs;
use std::path::Path;

/// Maximum length of a requester's name in messages, in characters.
const LONGEST: usize = 40;
/// Maximum number of ancestor processes to examine in search of the requester.
const DEEPEST: usize = 8;
/// Shells, through which a person or a program starts other programs.
const SHELLS: [&str; 9] = ["sh", "bash", "dash", "zsh", "fish", "ksh", "mksh", "ash", "nu"];
/// Interpreters, which are named by the script that they run.
const INTERPRETERS: [&str; 5] = ["python", "node", "ruby", "perl", "pwsh"];
/// Programs that start another program on behalf of their own parent, so the requester is above them.
const PASSERS_ON: [&str; 10] =
    ["setsid", "sudo", "doas", "env", "timeout", "nohup", "nice", "stdbuf", "strace", "script"];
/// Programs that are never the requester: init systems, and those that a person's shell runs under.
const NOBODY: [&str; 9] = ["systemd", "init", "tini", "dumb-init", "docker-init", "login", "su", "sshd", "tmux"];

/// Returns the name of the program that started this one, safe for a terminal; `None` if a person started it from a
/// shell, or if the program cannot be determined.
#[must_use]
pub fn name() -> Option<String> {
    let mut id = getppid()?.as_raw_nonzero().get();
    for _ in 0..DEEPEST {
        let (words, parent) = look(id)?;
        match classify(&words) {
            Ancestor::Nobody => return None,
            Ancestor::PassesOn => id = parent,
            Ancestor::Requester(name) => return Some(printable(&name, LONGEST)),
        }
    }
    None
}

/// Reads the command line and the parent's process ID of a process from `/proc`.
fn look(id: i32) -> Option<(Vec<String>, i32)> {
    let line = fs::read(format!("/proc/{id}/cmdline")).ok()?;
    let words = line.split(|byte| *byte == 0).filter(|word| !word.is_empty());
    let mut words: Vec<String> = words.map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name is enclosed in parentheses and may itself contain parentheses (proc(5)).
    let (head, tail) = stat.rsplit_once(')')?;
    if words.is_empty() {
        words.push(head.split_once('(')?.1.to_owned());
    }
    let parent = tail.split_whitespace().nth(1)?.parse().ok()?;
    Some((words, parent))
}

#[derive(Debug, PartialEq, Eq)]
enum Ancestor {
    Nobody,
    PassesOn,
    Requester(String),
}

fn classify(words: &[String]) -> Ancestor {
    let Some((program, rest)) = words.split_first() else { return Ancestor::Nobody };
    // The name of a login shell begins with a dash; some programs write more than their name, as in `sshd: alice`.
    let program = file_name(program.trim_start_matches('-').trim_end_matches(':'));
    let program = program.split([':', ' ']).next().unwrap_or_default().to_owned();
    if SHELLS.contains(&program.as_str()) {
        return shell(rest);
    }
    if PASSERS_ON.contains(&program.as_str()) {
        return Ancestor::PassesOn;
    }
    if program.is_empty() || NOBODY.contains(&program.as_str()) {
        return Ancestor::Nobody;
    }
    let is_interpreter = INTERPRETERS.iter().any(|name| program.starts_with(name));
    Ancestor::Requester(script(rest).filter(|_| is_interpreter).unwrap_or(program))
}

/// Classifies a shell by its arguments: the shell runs a command line for its parent, runs a script, or is
/// interactive.
fn shell(rest: &[String]) -> Ancestor {
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        let is_short = word.starts_with('-') && !word.starts_with("--");
        match word.as_str() {
            // These options take the next word as their value.
            "--rcfile" | "--init-file" | "-o" | "-O" | "+o" | "+O" => drop(words.next()),
            _ if is_short && word.contains('c') => return Ancestor::PassesOn,
            _ if is_short && word.contains(['i', 's']) => return Ancestor::Nobody,
            _ if word.starts_with(['-', '+']) => {}
            script => return Ancestor::Requester(file_name(script)),
        }
    }
    Ancestor::Nobody
}

/// Returns the script or module (`-m`) that an interpreter runs; `None` for code on the command line.
fn script(rest: &[String]) -> Option<String> {
    let at = rest.iter().position(|word| !word.starts_with('-') || ["-m", "-c", "-e"].contains(&word.as_str()))?;
    match rest[at].as_str() {
        "-c" | "-e" => None,
        "-m" => rest.get(at + 1).cloned(),
        script => Some(file_name(script)),
    }
}

fn file_name(path: &str) -> String {
    Path::new(path).file_name().map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_requester_is_found_by_its_command_line() {
        let named = |name: &str| Ancestor::Requester(name.to_owned());
        let cases = [
            ("terraform apply", named("terraform")),
            ("/usr/bin/python3 /usr/local/bin/aws s3 ls", named("aws")),
            ("python3 -m awscli s3 ls", named("awscli")),
            ("python3 -c print()", named("python3")),
            ("/usr/bin/python3 -I deploy.py", named("deploy.py")),
            ("node --inspect server.js", named("server.js")),
            ("bash deploy.sh --now", named("deploy.sh")),
            ("-bash", Ancestor::Nobody),
            ("/bin/zsh -l", Ancestor::Nobody),
            ("bash", Ancestor::Nobody),
            ("/bin/sh -c aws-mfa-key\u{a0}credential-process\u{a0}dev", Ancestor::PassesOn),
            ("bash -lc x", Ancestor::PassesOn),
            ("bash --norc", Ancestor::Nobody),
            ("/bin/bash --init-file /opt/editor/terminal.sh", Ancestor::Nobody),
            ("bash --rcfile x -i", Ancestor::Nobody),
            ("bash -eu -o pipefail deploy.sh", named("deploy.sh")),
            ("setsid --wait x", Ancestor::PassesOn),
            ("tmux: server", Ancestor::Nobody),
            ("sshd: alice@pts/0", Ancestor::Nobody),
            ("/sbin/init splash", Ancestor::Nobody),
        ];
        for (line, expected) in cases {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(classify(&words), expected, "{line}");
        }
        assert_eq!(classify(&[]), Ancestor::Nobody);
    }

    #[test]
    fn a_process_tells_its_command_line_and_parent() {
        let id = i32::try_from(std::process::id()).unwrap_or_default();
        let (words, parent) = look(id).unwrap_or_default();
        assert!(!words.is_empty() && Some(parent) == getppid().map(|id| id.as_raw_nonzero().get()));
    }
}
