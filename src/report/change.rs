//! A change to a token that was not made, or perhaps not.

use super::oath::{chain, oath};
use super::{Exit, Report, listed};
use crate::accounts::meant;
use hw::change::{ChangeError, ChangeRefusal, Feature};
use hw::oath::{AccountId, LONGEST_ID, OathError};
use hw::transport::CarrierError;

/// How to go on where a token renames no accounts.
const ADD_IT_AGAIN: &str = "add it again under the new id, with its secret; firmware cannot be changed";

/// How to find out what is so.
const LOOK: &str = "look: `aws-mfa-key accounts list`";

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
                Some(why) => format!("{token}: {why}, in the middle: it may be done, or not"),
                None => format!("{token}: {}, in the middle: it may be done, or not", chain(why)),
            };
            let next = match why.carrier() {
                Some(CarrierError::Removed | CarrierError::Empty) => format!("plug it in again, and {LOOK}"),
                Some(
                    CarrierError::NoService | CarrierError::ServiceStopped | CarrierError::Refused | CarrierError::Busy,
                ) => format!(
                    "{}; then {LOOK}",
                    report.next.trim_end_matches("; then try again").trim_end_matches(", then try again")
                ),
                Some(CarrierError::Reset) => format!("{LOOK}, and try again if it is not"),
                Some(CarrierError::Mute | CarrierError::Broken | CarrierError::Other { .. }) | None => {
                    format!("pull the token out, plug it in again, and {LOOK}")
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
            format!("{token} has an account {id} already, which is as it was"),
            "choose another id; `aws-mfa-key accounts add --force` overwrites an account".to_owned(),
        ),
        ChangeRefusal::KeepsWhatItHas { id } => (
            Exit::Change,
            format!("{token} does not overwrite accounts; {id} is as it was"),
            format!("`aws-mfa-key accounts remove {}`, then add it again", quoted(id)),
        ),
        ChangeRefusal::NoSuchAccount { id, present } => no_such_account(token, id, present),
        ChangeRefusal::IdLength { length } => (
            Exit::Change,
            format!("the id has {length} bytes, and a token stores 1 to {LONGEST_ID}"),
            "choose a shorter one".to_owned(),
        ),
        ChangeRefusal::Full { used } => (
            Exit::Change,
            format!("{token} has no room left: there are {used} accounts on it"),
            "remove one: `aws-mfa-key accounts remove ID`".to_owned(),
        ),
        ChangeRefusal::TooOld { feature, has } => (
            Exit::Change,
            format!("{token} has version {has}, and {feature} came with {}", feature.since()),
            match feature {
                Feature::Touch => "leave out --touch, or use another token".to_owned(),
                Feature::Sha512 => "use another token".to_owned(),
                Feature::Rename => ADD_IT_AGAIN.to_owned(),
            },
        ),
        ChangeRefusal::Ambiguous { id, other } => (
            Exit::Change,
            format!("the firmware of {token} would overwrite {other}, since its id begins with {id}"),
            "choose an id with which no other begins".to_owned(),
        ),
        ChangeRefusal::NotKept => (
            Exit::Failed,
            format!("{token} said that it is done, and does not show it"),
            "look at it: `aws-mfa-key accounts list`".to_owned(),
        ),
        ChangeRefusal::GivenUp => (Exit::Failed, "it was given up".to_owned(), "try again".to_owned()),
        ChangeRefusal::Doubled { id } => (
            Exit::Failed,
            format!("{token} does not overwrite accounts: it has two of the id {id} now"),
            format!("`aws-mfa-key accounts remove {}` removes both; then add it again", quoted(id)),
        ),
        ChangeRefusal::NoTouch { id } => (
            Exit::Failed,
            format!("{token} knows no touch: {id} is there, and gives its codes without"),
            format!("`aws-mfa-key accounts remove {}`, if that is not good enough", quoted(id)),
        ),
    };
    Report::new(exit, what, cause, next)
}

fn no_such_account(token: &str, id: &AccountId, present: &[AccountId]) -> (Exit, String, String) {
    let there = if present.is_empty() { "it has none".to_owned() } else { format!("only {}", listed(present.iter())) };
    let next = match meant(id, present) {
        Some(meant) => format!("did you mean {}?", quoted(&meant)),
        None => "name one of them, byte for byte".to_owned(),
    };
    (Exit::Change, format!("{token} has no account {id}, {there}"), next)
}

pub(super) fn has_no_passwords(what: String, token: &str) -> Report {
    let next = "lock it with its maker's own program";
    Report::new(Exit::Change, what, format!("{token} has no passwords of this kind"), next)
}

/// An id as one types it to a shell.
pub(super) fn quoted(id: &AccountId) -> String {
    super::quoted(&id.to_string())
}
