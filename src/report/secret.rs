//! Reports of software secrets that are absent or unusable, and of commands that print no code.

use super::{Exit, Report, file, keyring, quoted};
use crate::source::command::CommandFault;
use crate::source::secret::{SecretFault, SecretPlace};
use crate::world::printable;
use hw::otpauth::OtpauthError;

pub(super) fn fault(what: String, place: &SecretPlace, fault: &SecretFault) -> Report {
    let (cause, next) = match fault {
        SecretFault::File(fault) => {
            let after = "if others may have read it, replace the MFA device";
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
            format!("there is no {place}: CREDENTIALS_DIRECTORY is not set (systemd sets it for a service)"),
            "add LoadCredential= or LoadCredentialEncrypted= to the unit, and let systemd start it".to_owned(),
        ),
        SecretFault::NotKept => (
            format!("there is no secret in {place}"),
            format!("store it: `aws-mfa-key secret add --keyring {}`", quoted(&name(place))),
        ),
        SecretFault::Keyring(fault) => return keyring::report(what, fault),
        SecretFault::Malformed(fault) => (
            issued(&format!("the first line of {place}"), *fault),
            "replace it with the secret that IAM shows with the QR code (\"Show secret key\")".to_owned(),
        ),
        SecretFault::Unlike { digits, period, algorithm } => (
            format!(
                "the secret in {place} is for codes of {digits} digits, {period} s and {algorithm}; AWS uses 6 digits, 30 s and SHA1"
            ),
            "replace it with the secret of the AWS MFA device".to_owned(),
        ),
    };
    Report::new(Exit::Change, what, cause, next)
}

/// Explains why an input cannot be used as a secret. `text` is the input's name at the start of the sentence, such as
/// "the input".
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
    let look = "run the command in a shell, and check what it prints".to_owned();
    let (exit, cause, next) = match fault {
        CommandFault::NotRun(error) => (Exit::Failed, format!("sh could not be run: {error}"), "check PATH".to_owned()),
        CommandFault::NotFound => (
            Exit::Change,
            format!("the program of the command in {origin} does not exist"),
            "check its name and PATH".to_owned(),
        ),
        CommandFault::Failed(Some(code)) => {
            (Exit::Failed, format!("the command in {origin} failed with exit code {code}"), look)
        }
        CommandFault::Failed(None) => {
            (Exit::Failed, format!("the command in {origin} was terminated by a signal"), look)
        }
        CommandFault::Late { waited } => (
            Exit::Failed,
            format!("the command in {origin} did not finish within {} s, and was terminated", waited.as_secs()),
            look,
        ),
        CommandFault::Nothing => (Exit::Change, format!("the command in {origin} printed nothing"), look),
        CommandFault::NotACode { yubico_otp: true } => (
            Exit::Change,
            format!(
                "the command in {origin} printed a Yubico one-time password (what a YubiKey types when touched), not a code"
            ),
            "make it print a code of the OATH applet, or use the source `token` instead".to_owned(),
        ),
        CommandFault::NotACode { yubico_otp: false } => (
            Exit::Change,
            format!("the output of the command in {origin} does not begin with a code of 6 to 8 digits"),
            look,
        ),
        CommandFault::NotSixDigits { digits } => (
            Exit::Change,
            format!("the command in {origin} printed a code of {digits} digits, and AWS needs six"),
            "make it print the code of the AWS MFA device".to_owned(),
        ),
    };
    Report::new(exit, what, cause, next)
}
