//! Reports of changes to a token that were not made, or may not have been made.

use super::oath::{chain, oath};
use super::{Exit, Report, listed};
use crate::accounts::meant;
use hw::change::{ChangeError, ChangeRefusal, Feature};
use hw::oath::{AccountId, LONGEST_ID, OathError};
use hw::transport::CarrierError;

/// Next step if the token cannot rename accounts.
const ADD_IT_AGAIN: &str = "add it again under the new id, with its secret (a token's firmware cannot be updated)";

/// Next step if it is unknown whether a change was made.
pub(super) const CHECK: &str = "check: `aws-mfa-key accounts list`";
/// Cause if it is unknown whether a change was made.
pub(super) const UNCERTAIN: &str = "the change may or may not have been made";

pub(super) fn report(what: String, token: &str, error: &ChangeError) -> Report {
    match error {
        ChangeError::Refused(refusal) => refused(what, token, refusal),
        ChangeError::Failed(OathError::Unsupported { command: "SET CODE" }) => has_no_passwords(what, token),
        ChangeError::Failed(why) => {
            let report = oath(what, token, why);
            let next = match why {
                OathError::Unsupported { command: "RENAME" } => ADD_IT_AGAIN.to_owned(),
                _ => report.next,
            };
            Report { cause: format!("{}; nothing was changed", report.cause), next, ..report }
        }
        ChangeError::Uncertain(why) => {
            let report = oath(what, token, why);
            let cause = match why.carrier() {
                Some(why) => format!("{token}: {why}; {UNCERTAIN}"),
                None => format!("{token}: {}; {UNCERTAIN}", chain(why)),
            };
            let next = match why.carrier() {
                Some(CarrierError::Removed | CarrierError::Empty) => format!("plug it in again, and {CHECK}"),
                Some(
                    CarrierError::NoService | CarrierError::ServiceStopped | CarrierError::Refused | CarrierError::Busy,
                ) => format!("{}; then {CHECK}", report.next.trim_end_matches(", then try again")),
                Some(CarrierError::Reset) => format!("{CHECK}, and try again if the change was not made"),
                Some(CarrierError::Mute | CarrierError::Broken | CarrierError::Other { .. }) | None => {
                    format!("unplug the token, plug it in again, and {CHECK}")
                }
            };
            Report { cause, next, ..report }
        }
    }
}

fn refused(what: String, token: &str, refusal: &ChangeRefusal) -> Report {
    let (exit, cause, next) = match refusal {
        ChangeRefusal::Exists { id } => (
            Exit::Change,
            format!("{token} already has an account {id}; nothing was changed"),
            format!("choose another id; `aws-mfa-key accounts add --force {}` overwrites that account", quoted(id)),
        ),
        ChangeRefusal::KeepsWhatItHas { id } => (
            Exit::Change,
            format!("{token} cannot overwrite account {id}; nothing was changed"),
            format!("remove it: `aws-mfa-key accounts remove {}`, then add it again", quoted(id)),
        ),
        ChangeRefusal::NoSuchAccount { id, present } => no_such_account(token, id, present),
        ChangeRefusal::IdLength { length } => (
            Exit::Change,
            format!("the id has {length} bytes, and a token stores 1 to {LONGEST_ID}"),
            format!("choose an id of 1 to {LONGEST_ID} bytes"),
        ),
        ChangeRefusal::Full { used } => (
            Exit::Change,
            format!("{token} is full: it has {used} accounts"),
            "remove one: `aws-mfa-key accounts remove ID` (`aws-mfa-key accounts list` shows the ids)".to_owned(),
        ),
        ChangeRefusal::TooOld { feature, has } => (
            Exit::Change,
            format!("{token} has version {has}, and {feature} needs {} or later", feature.since()),
            match feature {
                Feature::Touch => "omit --touch, or use another token".to_owned(),
                Feature::Sha512 => "use another token".to_owned(),
                Feature::Rename => ADD_IT_AGAIN.to_owned(),
            },
        ),
        ChangeRefusal::Ambiguous { id, other } => (
            Exit::Change,
            format!("the firmware of {token} would overwrite {other}, because that id begins with {id}"),
            "choose an id that no other id begins with".to_owned(),
        ),
        ChangeRefusal::NotKept => {
            (Exit::Failed, format!("{token} reported success, but the change is not there"), CHECK.to_owned())
        }
        ChangeRefusal::GivenUp => {
            (Exit::Failed, "it was cancelled; nothing was changed".to_owned(), "try again".to_owned())
        }
        ChangeRefusal::Doubled { id } => (
            Exit::Failed,
            format!("{token} cannot overwrite accounts, and now has two with the id {id}"),
            format!("`aws-mfa-key accounts remove {}` removes both; then add it again", quoted(id)),
        ),
        ChangeRefusal::NoTouch { id } => (
            Exit::Failed,
            format!("{token} does not support touch: {id} was added, and gives its codes without one"),
            format!("if it has to need a touch, remove it: `aws-mfa-key accounts remove {}`", quoted(id)),
        ),
    };
    Report::new(exit, what, cause, next)
}

fn no_such_account(token: &str, id: &AccountId, present: &[AccountId]) -> (Exit, String, String) {
    let there =
        if present.is_empty() { "it has no accounts".to_owned() } else { format!("it has {}", listed(present.iter())) };
    let next = match (meant(id, present), present) {
        (Some(meant), _) => format!("did you mean {}?", quoted(&meant)),
        (None, []) => "find the token that has the account: `aws-mfa-key tokens`".to_owned(),
        (None, _) => "give the exact id of one of them".to_owned(),
    };
    (Exit::Change, format!("{token} has no account {id}; {there}"), next)
}

/// Reports a token whose applet cannot be locked with a password.
pub(super) fn has_no_passwords(what: String, token: &str) -> Report {
    let next = "lock it with its vendor's own program";
    Report::new(Exit::Change, what, format!("{token} does not support this kind of password"), next)
}

/// Quotes an id for a POSIX shell, if it needs quotes.
pub(super) fn quoted(id: &AccountId) -> String {
    super::quoted(&id.to_string())
}
