//! Reports of failed commands for accounts, passwords and software secrets.

use super::{Exit, Report, change, keyring, nobody_to_ask, secret, token};
use crate::accounts::{AccountFault, AccountsError, PictureFault};
use crate::file::{FileError, FileFault};
use crate::source::keyring::KeyringFault;
use crate::source::secret::{Keep, SecretFault};
use crate::world::{NoAnswer, printable};
use hw::oath::AccountId;
use hw::otpauth::OtpauthError;
use std::path::Path;

/// Next step if no usable secret was given.
const GIVE_IT: &str = "paste it at the prompt, pipe it in, or give a picture of its QR code: --qr FILE";
/// Cause if the person did not confirm a change.
const NOT_CONFIRMED: &str = "not confirmed; nothing was changed";

pub(super) fn report(what: String, error: &AccountsError) -> Report {
    match error {
        AccountsError::Token(error) => token::report(what, error),
        AccountsError::Account(fault) => account(what, fault),
        AccountsError::SecretInArguments => Report::new(
            Exit::Change,
            what,
            "others can read a secret on the command line, and it stays in the shell's history",
            format!("omit it; {GIVE_IT}"),
        ),
        AccountsError::NoSecret(answer) => Report::new(Exit::Person, what, untyped("the secret", *answer), GIVE_IT),
        AccountsError::Input(error) => {
            Report::new(Exit::Change, what, format!("could not read standard input: {error}"), "check what is piped in")
        }
        AccountsError::Picture { path, fault } => picture(what, path, fault),
        AccountsError::Unconfirmed { answer: None, .. } => {
            Report::new(Exit::Failed, what, NOT_CONFIRMED, "answer y to confirm")
        }
        AccountsError::Unconfirmed { id, answer: Some(answer) } => Report::new(
            Exit::Person,
            what,
            match answer {
                NoAnswer::Nobody => format!("{}; nothing was changed", nobody_to_ask("not confirmed")),
                NoAnswer::Late | NoAnswer::Nothing => NOT_CONFIRMED.to_owned(),
            },
            format!("confirm it with --yes: `aws-mfa-key accounts remove --yes {}`", change::quoted(id)),
        ),
        AccountsError::NoPassword(answer) => {
            let next = "run it in a terminal, or pipe the password in: --stdin";
            Report::new(Exit::Person, what, format!("{}; nothing was changed", untyped("the password", *answer)), next)
        }
        AccountsError::Unlike => {
            Report::new(Exit::Person, what, "the two did not match; nothing was changed", "try again")
        }
        AccountsError::IsSet { token } => Report::new(
            Exit::Change,
            what,
            format!("{token} already has a password"),
            "change it: `aws-mfa-key accounts password change`",
        ),
        AccountsError::IsNotSet { token } => Report::new(
            Exit::Change,
            what,
            format!("{token} has no password"),
            "set one: `aws-mfa-key accounts password set`",
        ),
        AccountsError::Keyring(fault) => keyring::report(what, fault),
        AccountsError::SecretTaken { place } => Report::new(
            Exit::Change,
            what,
            format!("there is already something in {place}; nothing was changed"),
            "choose another place, or replace it with --force",
        ),
        AccountsError::SecretMissing { place } => Report::new(
            Exit::Change,
            what,
            format!("there is no secret in {place}"),
            "choose another place: --keyring NAME or --file PATH; `aws-mfa-key secret list` lists those in the keyring",
        ),
        AccountsError::SecretUnconfirmed { answer: None, .. } => {
            Report::new(Exit::Failed, what, NOT_CONFIRMED, "answer y to confirm")
        }
        AccountsError::SecretUnconfirmed { place, answer: Some(_) } => Report::new(
            Exit::Person,
            what,
            format!("removing the secret in {place} was {NOT_CONFIRMED}"),
            "run the same command with --yes to confirm it",
        ),
        AccountsError::Keep(Keep::File(error)) => kept_in_file(what, error),
        AccountsError::Keep(Keep::Keyring(fault @ (KeyringFault::NoBus | KeyringFault::NoKeyring))) => {
            let report = keyring::report(what, fault);
            Report { next: format!("{}; or choose a file: --file PATH", report.next), ..report }
        }
        AccountsError::Keep(Keep::Keyring(fault)) => keyring::report(what, fault),
        AccountsError::Keep(Keep::NoSecret { place, fault: SecretFault::Malformed(_) }) => Report::new(
            Exit::Change,
            what,
            format!("{place} does not hold a secret and nothing else; nothing was changed"),
            "check what is in it, and remove it by hand",
        ),
        AccountsError::Keep(Keep::NoSecret { place, fault }) => secret::fault(what, place, fault),
        AccountsError::Keep(Keep::Credential) => Report::new(
            Exit::Change,
            what,
            "systemd provides its credentials, and they cannot be changed from here",
            "create one for LoadCredentialEncrypted= with `systemd-creds encrypt`; or use --keyring NAME or --file PATH",
        ),
        AccountsError::HasNone { token } => change::has_no_passwords(what, token),
    }
}

fn kept_in_file(what: String, error: &FileError) -> Report {
    let path = printable(&error.path.to_string_lossy(), 300);
    match error.fault {
        FileFault::NotAFile => Report::new(
            Exit::Change,
            what,
            format!("{path} is not a regular file (a folder, a pipe or a device)"),
            "choose a regular file: --file PATH",
        ),
        _ => Report { error: what, ..super::file::report(error) },
    }
}

fn untyped(what: &str, answer: NoAnswer) -> String {
    match answer {
        NoAnswer::Nobody => nobody_to_ask(&format!("{what} is needed")),
        NoAnswer::Late => format!("{what} was not typed within two minutes"),
        NoAnswer::Nothing => format!("{what} was not typed"),
    }
}

/// Returns the warning that a profile refers to an account by an id that is gone. `now` is the account's new id; `None` if
/// the account was removed.
#[must_use]
pub fn is_named(profile: &str, now: Option<&AccountId>) -> String {
    let id = now.map_or("ID".to_owned(), change::quoted);
    let (said, profile) = (printable(profile, 80), super::quoted(&printable(profile, 80)));
    let which = if now.is_some() { "" } else { ", with another ID, or with '' to have the account found" };
    format!(
        "profile {said} still refers to it (mfa_key_account); correct it: `aws configure set mfa_key_account {id} --profile {profile}`{which}"
    )
}

fn account(what: String, fault: &AccountFault) -> Report {
    let (cause, next) = match fault {
        AccountFault::Issued(fault) => {
            let next = match fault {
                OtpauthError::NotASecret => GIVE_IT,
                OtpauthError::Export => "use the QR code or the secret of the one account, as its issuer showed it",
                OtpauthError::Uri(_) => "get a new one from its issuer, and use it unchanged",
            };
            (secret::issued("the input", *fault), next)
        }
        AccountFault::NoId => {
            let next = "give it an id, such as \"Amazon Web Services:alice@example\"";
            ("no id was given for the account".to_owned(), next)
        }
        AccountFault::IdControls => {
            ("the id has control characters".to_owned(), "give it another id: --id \"ISSUER:NAME\"")
        }
        AccountFault::IdPeriod { id, read, period } => (
            format!("the id {id} stands for codes that are valid for {read} s, and these are valid for {period} s"),
            "choose an id that does not begin with another number and a slash",
        ),
        AccountFault::Digits => ("a code has 6, 7 or 8 digits".to_owned(), "correct --digits, or omit it"),
        AccountFault::Period => ("a code is valid for 1 to 3600 seconds".to_owned(), "correct --period, or omit it"),
    };
    Report::new(Exit::Change, what, cause, next)
}

fn picture(what: String, path: &Path, fault: &PictureFault) -> Report {
    let path = printable(&path.to_string_lossy(), 300);
    let (cause, next) = match fault {
        PictureFault::Unreadable(error) => (error.to_string(), "check the file's name and permissions"),
        PictureFault::NotAFile => ("it is not a regular file".to_owned(), "give the path of the picture itself"),
        PictureFault::TooLarge => ("it is too large".to_owned(), "crop it to the QR code"),
        PictureFault::NotAPicture => ("it is neither PNG nor JPEG".to_owned(), "save it as PNG or JPEG"),
        PictureFault::Damaged => ("it is damaged".to_owned(), "take the picture again"),
        PictureFault::NoCode => {
            ("no QR code could be read in it".to_owned(), "take the picture again, larger and sharper")
        }
        PictureFault::NoAccount => (
            "its QR code is not for an account".to_owned(),
            "use the QR code that IAM shows for an \"Authenticator app\"",
        ),
        PictureFault::Several => ("it shows several accounts".to_owned(), "crop it to the QR code of the right one"),
    };
    Report::new(Exit::Change, what, format!("{path}: {cause}"), next)
}
