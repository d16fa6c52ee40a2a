//! The writer as a separate process, to be started many times and killed: this test program, started again.

use super::{write, write_now};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Environment variable that holds the task of the child process.
const TASK: &str = "WRITER_TASK";

/// Starts a writer. `once` writes a profile and reports the result; `unrehearsed` does so without a rehearsal;
/// `forever` writes profiles p0 to p9 until it is killed.
pub fn start(task: &str, path: &Path, profile: &str) -> Child {
    wrapped(&[], task, path, profile).stdout(Stdio::piped()).spawn().unwrap()
}

/// Builds the command of a writer, preceded by the words of another program: `["sh", "-c", "…; exec \"$@\"", "sh"]`.
pub fn wrapped(words: &[&str], task: &str, path: &Path, profile: &str) -> Command {
    let program = std::env::current_exe().unwrap();
    let mut all = words.iter().map(std::ffi::OsString::from).chain([program.into_os_string()]);
    let mut command = Command::new(all.next().unwrap());
    command.args(all).args(["--exact", "writer::hand::hand", "--ignored", "--nocapture"]);
    command.env(TASK, task).env("WRITER_PATH", path).env("WRITER_PROFILE", profile);
    command
}

/// Runs a writer that writes once. Returns whether it succeeded, and its result as text: `Ok(warnings)` or `Err(exit
/// code, cause)`.
pub fn told(mut command: Command) -> (bool, String) {
    let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let told = text.lines().find_map(|line| line.split_once("TOLD ")).map(|(_, told)| told.to_owned());
    (output.status.success(), told.unwrap_or(text))
}

#[test]
#[ignore = "no test, but the program that the tests of this module start"]
fn hand() {
    let Ok(task) = std::env::var(TASK) else { return };
    let path = std::env::var_os("WRITER_PATH").unwrap();
    let (path, profile) = (Path::new(&path), std::env::var("WRITER_PROFILE").unwrap());
    match task.as_str() {
        "once" => println(&format!("TOLD {:?}", write(path, &profile, "once"))),
        // As if the disk had filled up after the rehearsal.
        "unrehearsed" => println(&format!("TOLD {:?}", write_now(path, &profile, &"x".repeat(8192)))),
        "forever" => {
            println("READY");
            for round in 0_u64.. {
                // Tokens of varying length, so that half a file would be noticed.
                let token = format!("t{round}{}", "x".repeat((round % 7 * 300).try_into().unwrap()));
                write(path, &format!("p{}", round % 10), &token).unwrap();
            }
        }
        other => panic!("{other}"),
    }
}

fn println(text: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").unwrap();
    out.flush().unwrap();
}
