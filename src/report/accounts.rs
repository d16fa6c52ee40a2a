//! Accounts and passwords that could not be changed, and what is on the token now.

use super::{Exit, Report, change, keyring, secret, token};
use crate::accounts::{AccountFault, AccountsError, PictureFault};
use crate::file::{FileError, FileFault};
use crate::source::keyring::KeyringFault;
use crate::source::secret::{Keep, SecretFault};
use crate::world::{NoAnswer, printable};
use hw::oath::AccountId;
use hw::otpauth::OtpauthError;
use std::path::Path;

/// How to go on where the secret was not given as it should be.
const GIVE_IT: &str = "paste it at the prompt, pipe it in, or name a picture: --qr FILE";

pub(super) fn report(what: String, error: &AccountsError) -> Report {
    match error {
        AccountsError::Token(error) => token::report(what, error),
        AccountsError::Account(fault) => account(what, fault),
        AccountsError::SecretInArguments => Report::new(
            Exit::Change,
            what,
            "a secret on the command line can be read by others, and stays in the shell's history",
            format!("leave it out; {GIVE_IT}"),
        ),
        AccountsError::NoSecret(answer) => Report::new(Exit::Person, what, untyped("the secret", *answer), GIVE_IT),
        AccountsError::Input(error) => {
            Report::new(Exit::Change, what, format!("standard input: {error}"), "look what is piped in")
        }
        AccountsError::Picture { path, fault } => picture(what, path, fault),
        AccountsError::Unconfirmed { answer: None, .. } => {
            Report::new(Exit::Failed, what, "the answer was not y; it is as it was", "answer y if it is meant")
        }
        AccountsError::Unconfirmed { id, answer: Some(answer) } => Report::new(
            Exit::Person,
            what,
            match answer {
                NoAnswer::Nobody => "nobody can be asked here whether it is meant; it is as it was",
                NoAnswer::Late | NoAnswer::Nothing => "nobody said whether it is meant; it is as it was",
            },
            format!("in a script: `aws-mfa-key accounts remove --yes {}`", change::quoted(id)),
        ),
        AccountsError::NoPassword(answer) => {
            let next = "run it in a terminal and type it, or pipe it in: --stdin";
            Report::new(Exit::Person, what, format!("{}; nothing was changed", untyped("the password", *answer)), next)
        }
        AccountsError::Unlike => {
            Report::new(Exit::Person, what, "it was not typed twice the same; nothing was changed", "try again")
        }
        AccountsError::IsSet { token } => Report::new(
            Exit::Change,
            what,
            format!("{token} has a password already"),
            "`aws-mfa-key accounts password change`",
        ),
        AccountsError::IsNotSet { token } => Report::new(
            Exit::Change,
            what,
            format!("{token} has no password"),
            "`aws-mfa-key accounts password set` sets one",
        ),
        AccountsError::Keyring(fault) => keyring::report(what, fault),
        AccountsError::SecretTaken { place } => Report::new(
            Exit::Change,
            what,
            format!("there is something in {place} already, which is as it was"),
            "choose another place; --force replaces it",
        ),
        AccountsError::SecretMissing { place } => Report::new(
            Exit::Change,
            what,
            format!("there is no secret in {place}"),
            "name another place: --keyring NAME or --file PATH; `aws-mfa-key secret list` shows the keyring's",
        ),
        AccountsError::SecretUnconfirmed { answer: None, .. } => {
            Report::new(Exit::Failed, what, "the answer was not y; it is as it was", "answer y if it is meant")
        }
        AccountsError::SecretUnconfirmed { place, answer: Some(_) } => Report::new(
            Exit::Person,
            what,
            format!("nobody said whether the secret in {place} is meant; it is as it was"),
            "say the same with --yes, if it is meant",
        ),
        AccountsError::Keep(Keep::File(error)) => kept_in_file(what, error),
        AccountsError::Keep(Keep::Keyring(fault @ (KeyringFault::NoBus | KeyringFault::NoKeyring))) => {
            let report = keyring::report(what, fault);
            Report { next: format!("{}; or name a file: --file PATH", report.next), ..report }
        }
        AccountsError::Keep(Keep::Keyring(fault)) => keyring::report(what, fault),
        AccountsError::Keep(Keep::NoSecret { place, fault: SecretFault::Malformed(_) }) => Report::new(
            Exit::Change,
            what,
            format!("{place} holds no secret, or more than that; it is as it was"),
            "look at it, and remove it by hand if it is meant",
        ),
        AccountsError::Keep(Keep::NoSecret { place, fault }) => secret::fault(what, place, fault),
        AccountsError::Keep(Keep::Credential) => Report::new(
            Exit::Change,
            what,
            "a systemd credential is systemd's to give",
            "`systemd-creds encrypt` makes one for LoadCredentialEncrypted=; or --keyring NAME, --file PATH",
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
            format!("{path} is a folder, a pipe or a device"),
            "name a file: --file PATH",
        ),
        _ => Report { error: what, ..super::file::report(error) },
    }
}

fn untyped(what: &str, answer: NoAnswer) -> String {
    match answer {
        NoAnswer::Nobody => format!("nobody can be asked here for {what}"),
        NoAnswer::Late => format!("{what} was not typed within two minutes"),
        NoAnswer::Nothing => format!("{what} was not typed"),
    }
}

/// A profile names an account that is not called so any more.
#[must_use]
pub fn is_named(profile: &str, now: Option<&AccountId>) -> String {
    let id = now.map_or("ID".to_owned(), change::quoted);
    let (said, profile) = (printable(profile, 80), super::quoted(&printable(profile, 80)));
    let which = if now.is_some() { "" } else { ", with another ID, or with '' for the one that is found" };
    format!(
        "profile {said} names it (mfa_key_account): `aws configure set mfa_key_account {id} --profile {profile}`{which}"
    )
}

fn account(what: String, fault: &AccountFault) -> Report {
    let (cause, next) = match fault {
        AccountFault::Issued(fault) => {
            let next = match fault {
                OtpauthError::NotASecret => GIVE_IT,
                OtpauthError::Export => "take the QR code or the secret of the one account, as its issuer showed it",
                OtpauthError::Uri(_) => "get it anew from who issued it, without changing it",
            };
            (secret::issued("what was given", *fault), next)
        }
        AccountFault::NoId => {
            let next = "give it an id, such as \"Amazon Web Services:alice@example\"";
            ("nothing says what the account is to be called".to_owned(), next)
        }
        AccountFault::IdControls => {
            ("the id has characters that do not print".to_owned(), "give it another: --id \"ISSUER:NAME\"")
        }
        AccountFault::IdPeriod { id, read, period } => (
            format!("{id} reads as an account whose codes are good for {read} s, and they are for {period} s"),
            "give it an id that does not begin with another number and a slash",
        ),
        AccountFault::Digits => ("a code has 6, 7 or 8 digits".to_owned(), "change --digits, or leave it out"),
        AccountFault::Period => ("a code is good for 1 to 3600 seconds".to_owned(), "change --period, or leave it out"),
    };
    Report::new(Exit::Change, what, cause, next)
}

fn picture(what: String, path: &Path, fault: &PictureFault) -> Report {
    let path = printable(&path.to_string_lossy(), 300);
    let (cause, next) = match fault {
        PictureFault::Unreadable(error) => (error.to_string(), "look at its name and permissions"),
        PictureFault::NotAFile => ("it is no regular file".to_owned(), "name the picture itself"),
        PictureFault::TooLarge => ("it is too large".to_owned(), "cut out the QR code"),
        PictureFault::NotAPicture => ("it is neither PNG nor JPEG".to_owned(), "save it as one of them"),
        PictureFault::Damaged => ("it is damaged".to_owned(), "take the picture again"),
        PictureFault::NoCode => {
            ("no QR code in it can be read".to_owned(), "take the picture again, larger and sharper")
        }
        PictureFault::NoAccount => ("its QR code is not of an account".to_owned(), "take a picture of the right one"),
        PictureFault::Several => ("it shows several accounts".to_owned(), "cut out the one that is meant"),
    };
    Report::new(Exit::Change, what, format!("{path}: {cause}"), next)
}
