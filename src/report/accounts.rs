//! Accounts and passwords that could not be changed, and what is on the token now.

use super::{Exit, Report, listed, token};
use crate::accounts::{AccountFault, AccountsError, PictureFault, meant};
use crate::file::{FileError, FileFault};
use crate::source::keyring::KeyringFault;
use crate::source::secret::{Keep, SecretFault};
use crate::world::{NoAnswer, printable};
use hw::change::{ChangeError, ChangeRefusal, Feature};
use hw::oath::{AccountId, LONGEST_ID, OathError};
use hw::otpauth::OtpauthError;
use hw::transport::CarrierError;
use std::path::Path;

/// How to go on where the secret was not given as it should be.
const GIVE_IT: &str = "paste it at the prompt, pipe it in, or name a picture: --qr FILE";

/// How to go on where a token renames no accounts.
const ADD_IT_AGAIN: &str = "add it again under the new id, with its secret; firmware cannot be changed";

/// How to find out what is so.
const LOOK: &str = "look: `aws-mfa-key accounts list`";

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
            format!("in a script: `aws-mfa-key accounts remove --yes {}`", quoted(id)),
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
        AccountsError::Keyring(fault) => keyring(what, fault),
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
            let report = keyring(what, fault);
            Report { next: format!("{}; or name a file: --file PATH", report.next), ..report }
        }
        AccountsError::Keep(Keep::Keyring(fault)) => keyring(what, fault),
        AccountsError::Keep(Keep::NoSecret { place, fault: SecretFault::Malformed(_) }) => Report::new(
            Exit::Change,
            what,
            format!("{place} holds no secret, or more than that; it is as it was"),
            "look at it, and remove it by hand if it is meant",
        ),
        AccountsError::Keep(Keep::NoSecret { place, fault }) => super::secret::fault(what, place, fault),
        AccountsError::Keep(Keep::Credential) => Report::new(
            Exit::Change,
            what,
            "a systemd credential is systemd's to give",
            "`systemd-creds encrypt` makes one for LoadCredentialEncrypted=; or --keyring NAME, --file PATH",
        ),
        AccountsError::HasNone { token } => has_no_passwords(what, token),
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

fn has_no_passwords(what: String, token: &str) -> Report {
    let next = "lock it with its maker's own program";
    Report::new(Exit::Change, what, format!("{token} has no passwords of this kind"), next)
}

/// The keyring was asked for something by a person, and could not do it.
pub(super) fn keyring(what: String, fault: &KeyringFault) -> Report {
    let (exit, next) = match fault {
        KeyringFault::NoBus => {
            (Exit::Failed, "run it in the desktop's own session, where DBUS_SESSION_BUS_ADDRESS is set")
        }
        KeyringFault::NoKeyring => (Exit::Failed, "start one: gnome-keyring, KWallet or KeePassXC, for example"),
        KeyringFault::Locked => (Exit::Person, "unlock it in its dialog, or with the desktop's own program (Seahorse)"),
        KeyringFault::Stuck { .. } => (Exit::Failed, "look whether it waits for a password in a window of its own"),
        KeyringFault::Failed { .. } => (Exit::Failed, "look at what it logs: `journalctl --user`"),
    };
    Report::new(exit, what, fault.to_string(), next)
}

fn untyped(what: &str, answer: NoAnswer) -> String {
    match answer {
        NoAnswer::Nobody => format!("nobody can be asked here for {what}"),
        NoAnswer::Late => format!("{what} was not typed within two minutes"),
        NoAnswer::Nothing => format!("{what} was not typed"),
    }
}

/// An id as one types it to a shell.
fn quoted(id: &AccountId) -> String {
    super::quoted(&id.to_string())
}

/// A profile names an account that is not called so any more.
#[must_use]
pub fn is_named(profile: &str, now: Option<&AccountId>) -> String {
    let id = now.map_or("ID".to_owned(), quoted);
    let (said, profile) = (printable(profile, 80), super::quoted(&printable(profile, 80)));
    let which = if now.is_some() { "" } else { ", with another ID, or with '' for the one that is found" };
    format!(
        "profile {said} names it (mfa_key_account): `aws configure set mfa_key_account {id} --profile {profile}`{which}"
    )
}

/// Why a text is not what an issuer gives.
pub(super) fn issued(text: &str, fault: OtpauthError) -> String {
    match fault {
        OtpauthError::NotASecret => format!("{text} is neither base32 nor an otpauth:// URI"),
        OtpauthError::Export => format!("{text} is an export of several accounts (otpauth-migration://)"),
        OtpauthError::Uri(fault) => format!("{text} is an otpauth:// URI with {fault}"),
    }
}

fn account(what: String, fault: &AccountFault) -> Report {
    let (cause, next) = match fault {
        AccountFault::Issued(fault) => {
            let next = match fault {
                OtpauthError::NotASecret => GIVE_IT,
                OtpauthError::Export => "take the QR code or the secret of the one account, as its issuer showed it",
                OtpauthError::Uri(_) => "get it anew from who issued it, without changing it",
            };
            (issued("what was given", *fault), next)
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

/// A change that was not made, or perhaps not.
pub(super) fn change(what: String, token: &str, error: &ChangeError) -> Report {
    match error {
        ChangeError::Refused(refusal) => refused(what, token, refusal),
        ChangeError::Failed(OathError::Unsupported { command: "SET CODE" }) => has_no_passwords(what, token),
        ChangeError::Failed(why) => {
            let report = token::oath(what, token, why);
            let next = match why {
                OathError::Unsupported { command: "RENAME" } => ADD_IT_AGAIN.to_owned(),
                _ => report.next,
            };
            Report { cause: format!("{}; nothing was changed", report.cause), next, ..report }
        }
        ChangeError::Uncertain(why) => {
            let report = token::oath(what, token, why);
            let cause = match why.carrier() {
                Some(why) => format!("{token}: {why}, in the middle: it may be done, or not"),
                None => format!("{token}: {}, in the middle: it may be done, or not", token::chain(why)),
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
