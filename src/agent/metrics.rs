//! How it goes, for Prometheus: the text that node_exporter's textfile collector reads.

use crate::world::printable;
use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// What is known of one profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ProfileMetrics {
    /// Its name.
    pub(super) profile: String,
    /// When its session ends; `None` if there is none.
    pub(super) ends: Option<SystemTime>,
    /// When it was renewed last.
    pub(super) renewed: Option<SystemTime>,
    /// How often it was renewed.
    pub(super) renewals: u64,
    /// How often AWS refused.
    pub(super) refusals: u64,
    /// How often a person was asked for it.
    pub(super) asked: u64,
    /// Whether it waits for a person.
    pub(super) waits_for_person: bool,
}

/// The whole text. Times are given as such, and not as seconds left: the file is written when something happens, and read
/// when nothing does.
#[must_use]
pub(super) fn text(all: &[ProfileMetrics]) -> String {
    type Value = fn(&ProfileMetrics) -> Option<u64>;
    let metrics: [(&str, &str, &str, Value); 6] = [
        (
            "session_ends_seconds",
            "gauge",
            "When the session ends, in seconds since 1970; 0 if there is none. What is left: this - time().",
            |metrics| metrics.ends.map_or(Some(0), seconds),
        ),
        (
            "last_success_seconds",
            "gauge",
            "When the session was renewed last, in seconds since 1970; nothing before the agent has done so.",
            |metrics| metrics.renewed.and_then(seconds),
        ),
        ("renewals_total", "counter", "How often the session was renewed.", |metrics| Some(metrics.renewals)),
        ("refusals_total", "counter", "How often AWS refused.", |metrics| Some(metrics.refusals)),
        ("touches_asked_total", "counter", "How often a person was asked.", |metrics| Some(metrics.asked)),
        ("waits_for_person", "gauge", "Whether a person is waited for.", |metrics| {
            Some(metrics.waits_for_person.into())
        }),
    ];
    let mut text = String::new();
    for (name, kind, help, value) in metrics {
        // A string takes whatever is written to it.
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

/// A name as it stands between quotes there.
fn label(name: &str) -> String {
    printable(name, 200).replace('\\', "\\\\").replace('"', "\\\"")
}

/// Replaces the file in one step; everybody may read it. A link there is replaced, and not followed: others may write to the
/// folder.
///
/// # Errors
/// What the system says against it, in the same words each time; it is not put in the place of a device or folder.
pub(super) fn write(path: &Path, all: &[ProfileMetrics]) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return Err(io::Error::other("it is not a regular file"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.map_or_else(|| PathBuf::from("."), Path::to_owned);
    if !folder.is_dir() {
        let folder = printable(&folder.to_string_lossy(), 200);
        return Err(io::Error::other(format!("there is no folder {folder}; next: make it, or name another file")));
    }
    // The name of one that could not be made is made of dice.
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
    fn the_text_is_what_prometheus_reads() {
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
        // Whoever watches for one that is too old is not told of one that never was.
        assert!(!text.contains("last_success_seconds{profile=\"a"), "{text}");
        assert!(text.ends_with('\n'));
    }

    #[test]
    fn the_file_is_replaced_and_everybody_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.prom");
        for _ in 0..2 {
            write(&path, &[]).unwrap();
        }
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
        let told = || write(&folder.path().join("nowhere/keys.prom"), &[]).unwrap_err().to_string();
        let next =
            format!("there is no folder {}/nowhere; next: make it, or name another file", folder.path().display());
        assert_eq!((told(), told()), (next.clone(), next), "it is told once");
        let device = folder.path().join("stdout");
        symlink("/dev/null", &device).unwrap();
        assert!(write(&device, &[]).is_err());
        assert!(write(folder.path(), &[]).is_err());
        assert!(device.is_symlink());
    }
}
