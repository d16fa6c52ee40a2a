//! The machine as Linux describes it in its file systems: running processes, attached devices, logged-in users.
//! Anything that a system does not show counts as absent, not as an error.

use rustix::process::geteuid;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The machine that this program runs on. Tests use a folder with the same layout.
#[derive(Clone, Debug)]
pub struct Machine {
    root: PathBuf,
}

/// A running process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Name of the executable, or of the script that it runs. Any program can choose its own name, so do not trust
    /// it.
    pub name: String,
    /// Process ID.
    pub pid: u32,
}

impl Machine {
    /// Returns the machine whose files are below `root`: `/` for the real machine.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Returns the path of a file below the root folder, given its absolute path on the real machine.
    #[must_use]
    pub fn path(&self, absolute: &str) -> PathBuf {
        self.root.join(absolute.trim_start_matches('/'))
    }

    /// Returns the first MiB of a file as text; `None` if it cannot be read. Invalid UTF-8 is replaced.
    #[must_use]
    pub fn text(&self, absolute: &str) -> Option<String> {
        /// Maximum length that is read, in bytes.
        const LONGEST: u64 = 1 << 20;
        let mut bytes = Vec::new();
        fs::File::open(self.path(absolute)).ok()?.take(LONGEST).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Returns the names of a folder's entries, sorted; an empty list if the folder cannot be read.
    #[must_use]
    pub fn names(&self, absolute: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(absolute)).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort_unstable();
        names
    }

    /// Runs one of the system's programs and returns its output; `None` if the program does not end within two
    /// seconds. The output must fit into a pipe's buffer, or the program will not end.
    #[must_use]
    pub fn answer_of(&self, absolute: &str, arguments: &[&str]) -> Option<String> {
        const PATIENCE: Duration = Duration::from_secs(2);
        let mut command = Command::new(self.path(absolute));
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().ok()?;
        let end = Instant::now() + PATIENCE;
        while child.try_wait().ok()?.is_none() {
            if Instant::now() >= end {
                let _already_ended = child.kill();
                let _ = child.wait();
                return None;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let mut said = String::new();
        child.stdout?.read_to_string(&mut said).ok()?;
        Some(said)
    }

    /// Returns all processes of this user except this process, sorted by process ID.
    #[must_use]
    pub fn processes(&self) -> Vec<Process> {
        let entries = fs::read_dir(self.path("/proc")).into_iter().flatten().flatten();
        let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let mut pids: Vec<u32> = numbers.filter(|pid| *pid != std::process::id()).collect();
        pids.sort_unstable();
        pids.into_iter().filter_map(|pid| self.process(pid)).collect()
    }

    /// Returns a process; `None` if it has ended or belongs to another user.
    fn process(&self, pid: u32) -> Option<Process> {
        let folder = self.path("/proc").join(pid.to_string());
        let status = fs::read(folder.join("status")).ok()?;
        let status = String::from_utf8_lossy(&status);
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let owner: u32 = field("Uid:")?.split_whitespace().next()?.parse().ok()?;
        let short = field("Name:")?;
        (owner == geteuid().as_raw()).then(|| Process { name: whole_name(short, &folder), pid })
    }
}

/// Returns the full name of a process. The kernel keeps only the first 15 bytes, so a longer name is taken from the
/// command line.
fn whole_name(short: &str, folder: &Path) -> String {
    const KEPT: usize = 15;
    let words = fs::read(folder.join("cmdline")).unwrap_or_default();
    let words = String::from_utf8_lossy(&words);
    let names = words.split('\0').map(|word| word.rsplit('/').next().unwrap_or(word));
    let whole = names.take(2).find(|name| short.len() >= KEPT && name.starts_with(short));
    whole.unwrap_or(short).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_of_this_user_are_found_by_their_whole_names() {
        let root = tempfile::tempdir().unwrap();
        let own = geteuid().as_raw();
        let run = |pid: u32, name: &str, owner: u32, words: &str| {
            let folder = root.path().join(format!("proc/{pid}"));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("status"), format!("Name:\t{name}\nPid:\t{pid}\nUid:\t{owner}\t0\t0\t0\n")).unwrap();
            fs::write(folder.join("cmdline"), words.replace(' ', "\0")).unwrap();
        };
        run(4711, "scdaemon", own, "scdaemon --multi-server");
        run(12, "age-plugin-yubi", own, "/usr/bin/age-plugin-yubikey --list");
        run(13, "python3", own + 1, "python3");
        run(std::process::id(), "ourselves", own, "");
        fs::create_dir_all(root.path().join("proc/14")).unwrap();
        fs::create_dir_all(root.path().join("proc/self")).unwrap();
        let process = |name: &str, pid| Process { name: name.to_owned(), pid };
        let found = Machine::at(root.path()).processes();
        assert_eq!(found, [process("age-plugin-yubikey", 12), process("scdaemon", 4711)]);
        assert_eq!(Machine::at(Path::new("/nowhere")).processes(), []);
    }
}
