//! Findings of `doctor`: a severity, a message and a fix for each.

mod at_aws;
mod pcsc;
mod profile;
mod token;

use super::Report;
use crate::doctor::Finding;

/// Severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// No problem.
    Ok,
    /// A login works, or may work, all the same.
    Warning,
    /// A login fails, or AWS's clients do.
    Fault,
}

impl Severity {
    /// Returns the name in tables and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Fault => "fault",
        }
    }
}

/// A finding in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Name of the check; scripts rely on these.
    pub name: &'static str,
    /// Severity of the finding.
    pub level: Severity,
    /// The fact that was found.
    pub message: String,
    /// A command to paste, or a thing to do; `None` if all is ok.
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

    /// A fault that would stop a login. Only cause and next step are new to the reader.
    fn stop(name: &'static str, report: Report) -> Self {
        Self::fault(name, report.cause, report.next)
    }

    /// A fault whose error line names the thing that is wrong.
    fn error(name: &'static str, report: Report) -> Self {
        Self::fault(name, format!("{}: {}", report.error, report.cause), report.next)
    }

    /// Lowers a fault to a warning if a login works without what was checked.
    fn merely(self, is_dispensable: bool) -> Self {
        let level = if is_dispensable { self.level.min(Severity::Warning) } else { self.level };
        Self { level, ..self }
    }
}

/// Puts a finding into words.
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

/// Returns the last line: the number of problems, and that the output may be shared.
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
