//! Secrets in software that are not there or not fit, and commands that print no code.

use super::{Exit, Report, file, keyring};
use crate::source::command::CommandFault;
use crate::source::secret::{SecretFault, SecretPlace};
use crate::world::printable;
use hw::otpauth::OtpauthError;

pub(super) fn fault(what: String, place: &SecretPlace, fault: &SecretFault) -> Report {
    let (cause, next) = match fault {
        SecretFault::File(fault) => {
            let after = "if others could read it, make a new MFA device";
            let (path, kind, named_by) = match place {
                SecretPlace::File(path) => (path.to_string_lossy(), "secret file", "mfa_key_source"),
                SecretPlace::Credential { name, .. } => {
                    (name.into(), "systemd credential", "LoadCredential= in the unit")
                }
                SecretPlace::Keyring { name, .. } => (name.into(), "secret", "mfa_key_source"),
            };
            file::private(&printable(&path, 300), kind, named_by, after, fault)
        }
        SecretFault::NoCredentials => (
            format!("there is no {place}: CREDENTIALS_DIRECTORY is not set, as systemd does for a service"),
            "put LoadCredential= or LoadCredentialEncrypted= into the unit, and let systemd start it".to_owned(),
        ),
        SecretFault::NotKept => (
            format!("there is no secret in {place}"),
            format!("put it there: `aws-mfa-key secret add --keyring {}`", name(place)),
        ),
        SecretFault::Keyring(fault) => return keyring::report(what, fault),
        SecretFault::Malformed(fault) => (
            issued(&format!("the first line of {place}"), *fault),
            "put the secret there that IAM shows with the QR code (\"Show secret key\")".to_owned(),
        ),
        SecretFault::Unlike { digits, period, algorithm } => (
            format!(
                "the secret in {place} makes codes of {digits} digits for {period} s by {algorithm}; AWS's have 6 for 30 s by SHA1"
            ),
            "put the secret of the AWS MFA device there".to_owned(),
        ),
    };
    Report::new(Exit::Change, what, cause, next)
}

/// Why a text is not what an issuer gives.
pub(super) fn issued(text: &str, fault: OtpauthError) -> String {
    match fault {
        OtpauthError::NotASecret => format!("{text} is neither base32 nor an otpauth:// URI"),
        OtpauthError::Export => format!("{text} is an export of several accounts (otpauth-migration://)"),
        OtpauthError::Uri(fault) => format!("{text} is an otpauth:// URI with {fault}"),
    }
}

fn name(place: &SecretPlace) -> String {
    match place {
        SecretPlace::Keyring { name, .. } | SecretPlace::Credential { name, .. } => printable(name, 100),
        SecretPlace::File(path) => printable(&path.to_string_lossy(), 300),
    }
}

pub(super) fn command(what: String, origin: &str, fault: &CommandFault) -> Report {
    let look = "run it by itself in a shell, and look what it prints".to_owned();
    let (exit, cause, next) = match fault {
        CommandFault::NotRun(error) => {
            (Exit::Failed, format!("sh could not be run: {error}"), "look at PATH".to_owned())
        }
        CommandFault::NotFound => (
            Exit::Change,
            format!("there is no such program as the command in {origin} names"),
            "look at its name and at PATH".to_owned(),
        ),
        CommandFault::Failed(Some(code)) => {
            (Exit::Failed, format!("the command in {origin} failed with exit code {code}"), look)
        }
        CommandFault::Failed(None) => (Exit::Failed, format!("the command in {origin} was ended by a signal"), look),
        CommandFault::Late { waited } => (
            Exit::Failed,
            format!("the command in {origin} did not end within {} s, and was ended", waited.as_secs()),
            look,
        ),
        CommandFault::Nothing => (Exit::Change, format!("the command in {origin} printed nothing"), look),
        CommandFault::NotACode { yubico_otp: true } => (
            Exit::Change,
            format!(
                "the command in {origin} printed what a YubiKey types when it is touched (a Yubico OTP), not a code"
            ),
            "let it print a code of the OATH applet, or name the source token instead".to_owned(),
        ),
        CommandFault::NotACode { yubico_otp: false } => {
            (Exit::Change, format!("what the command in {origin} printed first is no code: 6 to 8 digits"), look)
        }
        CommandFault::NotSixDigits { digits } => (
            Exit::Change,
            format!("the command in {origin} printed a code of {digits} digits, and AWS's have six"),
            "let it print the code of the AWS MFA device".to_owned(),
        ),
    };
    Report::new(exit, what, cause, next)
}
