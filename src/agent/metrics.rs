//! The agent's metrics for Prometheus, as a text file that node_exporter's textfile collector reads.

use crate::world::printable;
use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Metrics of one profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ProfileMetrics {
    /// Name of the profile that the numbers are about.
    pub(super) profile: String,
    /// Time at which the session expires; `None` without a session.
    pub(super) ends: Option<SystemTime>,
    /// Time of the last renewal; `None` before the first one.
    pub(super) renewed: Option<SystemTime>,
    /// Number of renewals since the agent started.
    pub(super) renewals: u64,
    /// Number of requests that AWS refused.
    pub(super) refusals: u64,
    /// Number of times that a person was asked.
    pub(super) asked: u64,
    /// True if the profile waits for a person.
    pub(super) waits_for_person: bool,
}

/// Returns the text of the file. It has points in time, not seconds left, because it is only written when something
/// happens but read at any time.
#[must_use]
pub(super) fn text(all: &[ProfileMetrics]) -> String {
    type Value = fn(&ProfileMetrics) -> Option<u64>;
    let metrics: [(&str, &str, &str, Value); 6] = [
        (
            "session_ends_seconds",
            "gauge",
            "Unix time at which the session expires; 0 if there is none. Time left: this - time().",
            |metrics| metrics.ends.map_or(Some(0), seconds),
        ),
        (
            "last_success_seconds",
            "gauge",
            "Unix time of the last renewal by this agent; absent before the first.",
            |metrics| metrics.renewed.and_then(seconds),
        ),
        ("renewals_total", "counter", "Number of renewals of the session.", |metrics| Some(metrics.renewals)),
        ("refusals_total", "counter", "Number of refusals by AWS.", |metrics| Some(metrics.refusals)),
        ("touches_asked_total", "counter", "Number of times a person was asked.", |metrics| Some(metrics.asked)),
        ("waits_for_person", "gauge", "1 while the profile waits for a person, otherwise 0.", |metrics| {
            Some(metrics.waits_for_person.into())
        }),
    ];
    let mut text = String::new();
    for (name, kind, help, value) in metrics {
        // Writing to a string never fails.
        let _ = writeln!(text, "# HELP aws_mfa_key_{name} {help}\n# TYPE aws_mfa_key_{name} {kind}");
        for (metrics, value) in all.iter().filter_map(|metrics| Some((metrics, value(metrics)?))) {
            let profile = label(&metrics.profile);
            let _ = writeln!(text, "aws_mfa_key_{name}{{profile=\"{profile}\"}} {value}");
        }
    }
    text
}

fn seconds(time: SystemTime) -> Option<u64> {
    time.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs())
}

/// Escapes a name for a label's value.
fn label(name: &str) -> String {
    printable(name, 200).replace('\\', "\\\\").replace('"', "\\\"")
}

/// Replaces the file in one step, readable for everybody. A symbolic link is replaced, not followed, because other
/// users may be able to write to the directory.
///
/// # Errors
/// The directory does not exist, the path is a device or directory, or writing fails. The same fault always has the
/// same text.
pub(super) fn write(path: &Path, all: &[ProfileMetrics]) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return Err(io::Error::other("it is not a regular file"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.map_or_else(|| PathBuf::from("."), Path::to_owned);
    if !folder.is_dir() {
        let folder = printable(&folder.to_string_lossy(), 200);
        return Err(io::Error::other(format!("there is no folder {folder}; next: create it, or choose another file")));
    }
    // Keep only the kind of the error: its text has the temporary file's random name.
    let mut new = tempfile::NamedTempFile::new_in(folder).map_err(|error| io::Error::from(error.kind()))?;
    new.write_all(text(all).as_bytes())?;
    new.as_file().set_permissions(Permissions::from_mode(0o644))?;
    new.persist(path).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::time::Duration;

    #[test]
    fn writes_the_format_that_prometheus_reads() {
        let ends = Some(UNIX_EPOCH + Duration::from_secs(1_800_000_000));
        let all = [
            ProfileMetrics {
                profile: "dev".to_owned(),
                ends,
                renewed: ends,
                renewals: 3,
                asked: 2,
                ..ProfileMetrics::default()
            },
            ProfileMetrics { profile: "a\"b\\".to_owned(), waits_for_person: true, ..ProfileMetrics::default() },
        ];
        let text = text(&all);
        for line in [
            "# TYPE aws_mfa_key_session_ends_seconds gauge",
            "aws_mfa_key_session_ends_seconds{profile=\"dev\"} 1800000000",
            "aws_mfa_key_session_ends_seconds{profile=\"a\\\"b\\\\\"} 0",
            "aws_mfa_key_last_success_seconds{profile=\"dev\"} 1800000000",
            "aws_mfa_key_renewals_total{profile=\"dev\"} 3",
            "aws_mfa_key_touches_asked_total{profile=\"dev\"} 2",
            "aws_mfa_key_waits_for_person{profile=\"a\\\"b\\\\\"} 1",
        ] {
            assert!(text.lines().any(|there| there == line), "{line} is not in {text}");
        }
        // An alert for an old renewal must not fire for a profile that was never renewed.
        assert!(!text.contains("last_success_seconds{profile=\"a"), "{text}");
        assert!(text.ends_with('\n'));
    }

    #[test]
    fn replaces_the_file_and_makes_it_readable_for_everybody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.prom");
        for _ in 0..2 {
            write(&path, &[]).unwrap();
        }
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
        let told = || write(&folder.path().join("nowhere/keys.prom"), &[]).unwrap_err().to_string();
        let next =
            format!("there is no folder {}/nowhere; next: create it, or choose another file", folder.path().display());
        assert_eq!((told(), told()), (next.clone(), next), "it is told once");
        let device = folder.path().join("stdout");
        symlink("/dev/null", &device).unwrap();
        assert!(write(&device, &[]).is_err());
        assert!(write(folder.path(), &[]).is_err());
        assert!(device.is_symlink());
    }
}
