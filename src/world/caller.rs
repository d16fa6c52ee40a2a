//! Which program started this one: it is what a person is asked for.

use super::printable;
use rustix::process::getppid;
use std::fs;
use std::path::Path;

/// Most characters of its name.
const LONGEST: usize = 40;
/// How many that only pass on what they were told are looked past.
const DEEPEST: usize = 8;
/// Shells, by which a person or a program starts others.
const SHELLS: [&str; 9] = ["sh", "bash", "dash", "zsh", "fish", "ksh", "mksh", "ash", "nu"];
/// Programs whose script has the name that says something.
const INTERPRETERS: [&str; 5] = ["python", "node", "ruby", "perl", "pwsh"];
/// Programs that start another one for somebody.
const PASSERS_ON: [&str; 10] =
    ["setsid", "sudo", "doas", "env", "timeout", "nohup", "nice", "stdbuf", "strace", "script"];
/// Who starts what nobody else does, and those under which people work.
const NOBODY: [&str; 9] = ["systemd", "init", "tini", "dumb-init", "docker-init", "login", "su", "sshd", "tmux"];

/// Its name, as far as this system tells; nothing where a person typed our name into a shell.
#[must_use]
pub fn name() -> Option<String> {
    let mut id = getppid()?.as_raw_nonzero().get();
    for _ in 0..DEEPEST {
        let (words, parent) = look(id)?;
        match judge(&words) {
            Judged::Nobody => return None,
            Judged::PassesOn => id = parent,
            Judged::NamedProfile(name) => return Some(printable(&name, LONGEST)),
        }
    }
    None
}

/// What a process was started as, and by which other one. Linux tells everybody.
fn look(id: i32) -> Option<(Vec<String>, i32)> {
    let line = fs::read(format!("/proc/{id}/cmdline")).ok()?;
    let words = line.split(|byte| *byte == 0).filter(|word| !word.is_empty());
    let mut words: Vec<String> = words.map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name in parentheses may have some of its own.
    let (head, tail) = stat.rsplit_once(')')?;
    if words.is_empty() {
        words.push(head.split_once('(')?.1.to_owned());
    }
    let parent = tail.split_whitespace().nth(1)?.parse().ok()?;
    Some((words, parent))
}

#[derive(Debug, PartialEq, Eq)]
enum Judged {
    Nobody,
    PassesOn,
    NamedProfile(String),
}

fn judge(words: &[String]) -> Judged {
    let Some((program, rest)) = words.split_first() else { return Judged::Nobody };
    // A login shell's name begins with a dash; some programs write more than their name there.
    let program = file_name(program.trim_start_matches('-').trim_end_matches(':'));
    let program = program.split([':', ' ']).next().unwrap_or_default().to_owned();
    if SHELLS.contains(&program.as_str()) {
        return shell(rest);
    }
    if PASSERS_ON.contains(&program.as_str()) {
        return Judged::PassesOn;
    }
    if program.is_empty() || NOBODY.contains(&program.as_str()) {
        return Judged::Nobody;
    }
    let is_interpreter = INTERPRETERS.iter().any(|name| program.starts_with(name));
    Judged::NamedProfile(script(rest).filter(|_| is_interpreter).unwrap_or(program))
}

/// A shell runs a line for somebody, or a script, or waits for what a person types.
fn shell(rest: &[String]) -> Judged {
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        let is_short = word.starts_with('-') && !word.starts_with("--");
        match word.as_str() {
            // Those that have a word after them.
            "--rcfile" | "--init-file" | "-o" | "-O" | "+o" | "+O" => drop(words.next()),
            _ if is_short && word.contains('c') => return Judged::PassesOn,
            _ if is_short && word.contains(['i', 's']) => return Judged::Nobody,
            _ if word.starts_with(['-', '+']) => {}
            script => return Judged::NamedProfile(file_name(script)),
        }
    }
    Judged::Nobody
}

/// What an interpreter runs: its first argument, or the module that a flag names.
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
    fn who_asks_by_what_was_started() {
        let named = |name: &str| Judged::NamedProfile(name.to_owned());
        let cases = [
            ("terraform apply", named("terraform")),
            ("/usr/bin/python3 /usr/local/bin/aws s3 ls", named("aws")),
            ("python3 -m awscli s3 ls", named("awscli")),
            ("python3 -c print()", named("python3")),
            ("/usr/bin/python3 -I deploy.py", named("deploy.py")),
            ("node --inspect server.js", named("server.js")),
            ("bash deploy.sh --now", named("deploy.sh")),
            ("-bash", Judged::Nobody),
            ("/bin/zsh -l", Judged::Nobody),
            ("bash", Judged::Nobody),
            ("/bin/sh -c aws-mfa-key\u{a0}credential-process\u{a0}dev", Judged::PassesOn),
            ("bash -lc x", Judged::PassesOn),
            ("bash --norc", Judged::Nobody),
            ("/bin/bash --init-file /opt/editor/terminal.sh", Judged::Nobody),
            ("bash --rcfile x -i", Judged::Nobody),
            ("bash -eu -o pipefail deploy.sh", named("deploy.sh")),
            ("setsid --wait x", Judged::PassesOn),
            ("tmux: server", Judged::Nobody),
            ("sshd: alice@pts/0", Judged::Nobody),
            ("/sbin/init splash", Judged::Nobody),
        ];
        for (line, expected) in cases {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(judge(&words), expected, "{line}");
        }
        assert_eq!(judge(&[]), Judged::Nobody);
    }

    #[test]
    fn a_process_says_what_it_was_started_as() {
        let id = i32::try_from(std::process::id()).unwrap_or_default();
        let (words, parent) = look(id).unwrap_or_default();
        assert!(!words.is_empty() && Some(parent) == getppid().map(|id| id.as_raw_nonzero().get()));
    }
}
