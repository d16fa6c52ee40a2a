//! Findings of `doctor` as text: each has a severity, a message and, for a problem, a fix.

mod at_aws;
mod pcsc;
mod profile;
mod token;

use super::Report;
use crate::doctor::Finding;

/// Severity of a finding. Only a fault makes `doctor` fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The check found no problem.
    Ok,
    /// A problem with which a login still works, or may still work.
    Warning,
    /// A problem that makes a login or AWS's clients fail.
    Fault,
}

impl Severity {
    /// Returns the name that tables and JSON show.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Fault => "fault",
        }
    }
}

/// A finding as text, which is printed as a line or as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Name of the check, such as `clock`. Scripts rely on these names.
    pub name: &'static str,
    /// Severity of the finding. `--quiet` hides those that are ok.
    pub level: Severity,
    /// The fact that was found, as a sentence for the person.
    pub message: String,
    /// A command to paste, or another step that solves the problem; `None` if there is no problem.
    pub fix: Option<String>,
}

impl Check {
    fn ok(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, level: Severity::Ok, message: message.into(), fix: None }
    }

    fn warning(name: &'static str, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, level: Severity::Warning, message: message.into(), fix: Some(fix.into()) }
    }

    fn fault(name: &'static str, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, level: Severity::Fault, message: message.into(), fix: Some(fix.into()) }
    }

    /// Makes a fault that would stop a login. The report's `error` line is left out, because it says nothing new.
    fn stop(name: &'static str, report: Report) -> Self {
        Self::fault(name, report.cause, report.next)
    }

    /// Makes a fault whose message includes the report's `error` line, which names the thing that is wrong.
    fn error(name: &'static str, report: Report) -> Self {
        Self::fault(name, format!("{}: {}", report.error, report.cause), report.next)
    }

    /// Lowers a fault to a warning if a login works without the thing that was checked.
    fn merely(self, is_dispensable: bool) -> Self {
        let level = if is_dispensable { self.level.min(Severity::Warning) } else { self.level };
        Self { level, ..self }
    }
}

/// Returns the name, severity, message and fix of a finding.
#[must_use]
pub fn check(finding: &Finding) -> Check {
    match finding {
        Finding::Service(finding) => pcsc::service(finding),
        Finding::Usb(finding) => pcsc::usb(finding),
        Finding::Token(finding) => token::check(finding),
        Finding::Profile(finding) => profile::check(finding),
        Finding::File(finding) => profile::file(finding),
        Finding::Environment(winner) => profile::winner(winner),
        Finding::Aws(finding) => at_aws::check(finding),
    }
}

/// Returns the last line of the output: the number of problems, and a note that the output is safe to share.
#[must_use]
pub fn summary(checks: &[Check]) -> String {
    let count = |level| checks.iter().filter(|check| check.level == level).count();
    let problems = match count(Severity::Fault) {
        0 => "No problems found".to_owned(),
        1 => "1 problem found".to_owned(),
        count => format!("{count} problems found"),
    };
    let warnings = match count(Severity::Warning) {
        0 => String::new(),
        1 => ", 1 warning".to_owned(),
        count => format!(", {count} warnings"),
    };
    format!("{problems}{warnings}. Safe to share: contains names, but no secrets.")
}
