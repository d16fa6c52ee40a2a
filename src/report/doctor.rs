//! What the doctor found, line by line: how bad it is, what is so, and the exact fix.

mod at_aws;
mod pcsc;
mod profile;
mod token;

use super::Report;
use crate::doctor::Finding;

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// As it should be.
    Ok,
    /// Login works, or may work, all the same.
    Warning,
    /// Login does not work, or AWS's clients do not.
    Fault,
}

impl Severity {
    /// As it stands in tables and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Fault => "fault",
        }
    }
}

/// One line of what the doctor found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was looked at; scripts rely on these.
    pub name: &'static str,
    /// How bad it is.
    pub level: Severity,
    /// What is so.
    pub message: String,
    /// What to type, for all that is not ok.
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

    /// What login would stop at, of which the error says no more than that.
    fn stop(name: &'static str, report: Report) -> Self {
        Self::fault(name, report.cause, report.next)
    }

    /// What a command would stop at, of which the error says what it is about.
    fn error(name: &'static str, report: Report) -> Self {
        Self::fault(name, format!("{}: {}", report.error, report.cause), report.next)
    }

    /// The same, where login goes on.
    fn merely(self, is_dispensable: bool) -> Self {
        let level = if is_dispensable { self.level.min(Severity::Warning) } else { self.level };
        Self { level, ..self }
    }
}

/// One line for one thing that was looked at.
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

/// What all lines together come to, and what is in them: they may be shown to others.
#[must_use]
pub fn summary(checks: &[Check]) -> String {
    let count = |level| checks.iter().filter(|check| check.level == level).count();
    let said = |count: usize, name: &str| format!("{count} {name}{}", if count == 1 { "" } else { "s" });
    let outcome = match (count(Severity::Fault), count(Severity::Warning)) {
        (0, 0) => "All is well.".to_owned(),
        (faults, warnings) => format!("{}, {}.", said(faults, "fault"), said(warnings, "warning")),
    };
    format!("{outcome} {CONTENT}")
}

/// What whoever shows it to others should know.
const CONTENT: &str =
    "This names tokens, accounts, profiles, users, hosts and files; no secret, key, password or code is in it.";
