//! A session's section in the credentials file: what we write there, and how we know it again.

use crate::aws::config_file::damaged;
use crate::aws::sections::{EditFault, Sections};
use crate::aws::{Identity, MfaSerial, Session};
use crate::file::{self, FileError, Privacy};
use aws_config::profile::Profile;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use secrecy::ExposeSecret;
use std::path::{Path, PathBuf};

/// Marks a section as written by us; its value is the profile whose session it is.
pub const OWNER: &str = "mfa_key_owner";
const EXPIRES: &str = "x_security_token_expires";
const IDENTITY: &str = "mfa_key_identity";
const MFA_SERIAL: &str = "mfa_key_mfa_serial";

/// Keys in which other tools keep a session's end; where one stands, it is kept true.
const OTHER_EXPIRIES: [&str; 3] = ["aws_expiration", "aws_session_expiration", "aws_credential_expiration"];

/// A session that we wrote earlier, as its section tells.
pub struct Stored {
    /// The profile whose session it is.
    pub owner: String,
    /// Whose it is, as AWS said.
    pub identity: Option<String>,
    /// The MFA device whose code it was made with.
    pub mfa_serial: Option<String>,
    /// Until when AWS takes it; `None` if that cannot be read.
    pub expires: Option<DateTime>,
}

impl Stored {
    /// Reads the section of a session profile; `None` if we did not write it.
    #[must_use]
    pub fn read(profile: &Profile) -> Option<Self> {
        let text = |key: &str| profile.get(key).map(str::to_owned);
        let whole = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"];
        let expires = profile.get(EXPIRES).and_then(|end| DateTime::from_str(end, Format::DateTimeWithOffset).ok());
        Some(Self {
            owner: text(OWNER)?,
            identity: text(IDENTITY),
            mfa_serial: text(MFA_SERIAL),
            expires: expires
                .filter(|_| whole.iter().all(|key| profile.get(key).is_some_and(|value| !value.is_empty()))),
        })
    }
}

impl Stored {
    /// The session itself; `None` if a part of it is missing.
    #[must_use]
    pub fn session(&self, profile: &Profile) -> Option<Session> {
        let get = |key: &str| profile.get(key).map(str::to_owned);
        Some(Session {
            access_key_id: get("aws_access_key_id")?,
            secret_access_key: get("aws_secret_access_key")?.into(),
            session_token: get("aws_session_token")?.into(),
            expires: self.expires?,
        })
    }
}

/// Why a session was not written; the file is as it was.
#[derive(Debug)]
pub enum CredentialsError {
    /// The file itself.
    File(FileError),
    /// The section holds a long-term key, which would be lost.
    LongTermKey {
        /// The file.
        path: PathBuf,
        /// The section.
        profile: String,
    },
    /// A value has characters that AWS's clients read differently; which one.
    Strange {
        /// The key whose value it would be.
        key: &'static str,
    },
}

impl From<FileError> for CredentialsError {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

/// What goes into a session's section.
pub struct Entry<'a> {
    /// The section.
    pub profile: &'a str,
    /// The profile whose session it is.
    pub owner: &'a str,
    /// Whose it is.
    pub identity: &'a Identity,
    /// The MFA device.
    pub mfa_serial: &'a MfaSerial,
    /// The keys.
    pub session: &'a Session,
}

impl Entry<'_> {
    /// Writes it: only its own section's keys change (spec: the session's section).
    ///
    /// # Errors
    /// [`CredentialsError`]; the file is then byte for byte as it was.
    pub fn write(&self, path: &Path) -> Result<(), CredentialsError> {
        let session = self.session;
        let expires = rfc3339(&session.expires);
        let keys = [
            ("aws_access_key_id", session.access_key_id.as_str()),
            ("aws_secret_access_key", session.secret_access_key.expose_secret()),
            ("aws_session_token", session.session_token.expose_secret()),
            (EXPIRES, &expires),
            (OWNER, self.owner),
            (IDENTITY, &self.identity.arn),
            (MFA_SERIAL, self.mfa_serial.as_str()),
        ];
        if let Some((key, _)) = keys.iter().find(|(_, value)| !is_plain(value)) {
            return Err(CredentialsError::Strange { key });
        }
        file::replace(path, Privacy::Secret, |text| {
            let mut sections = Sections::new(text);
            check(&sections, path, self.profile)?;
            self.set(&mut sections, &keys).map_err(|fault| damaged(path, fault))?;
            Ok(sections.into_bytes())
        })
    }

    fn set(&self, sections: &mut Sections, keys: &[(&str, &str)]) -> Result<(), EditFault> {
        let mut keys = keys.to_vec();
        let (expires, spaced) = (rfc3339(&self.session.expires), spaced(&self.session.expires));
        let stands = |key: &str| Ok(sections.get(self.profile, key)?.is_some());
        for key in OTHER_EXPIRIES {
            if stands(key)? {
                keys.push((key, &expires));
            }
        }
        if stands("expiration")? {
            keys.push(("expiration", &spaced));
        }
        // Python's clients prefer this older key to the one that we write.
        let mut gone = vec!["aws_security_token"];
        if sections.get(self.profile, "aws_account_id")?.is_some_and(|account| account != self.identity.account) {
            gone.push("aws_account_id");
        }
        sections.set(self.profile, &keys, &gone)
    }
}

/// Finds out whether a session could be written to `profile`'s section now.
///
/// # Errors
/// [`CredentialsError`] as [`Entry::write`].
pub fn rehearse(path: &Path, profile: &str) -> Result<(), CredentialsError> {
    /// Room for a section with a long session token, in bytes.
    const SIZE: usize = 8192;
    if let Some(text) = file::read(path)? {
        let mut sections = Sections::new(text);
        check(&sections, path, profile)?;
        sections.set(profile, &[], &[]).map_err(|fault| damaged(path, fault))?;
    }
    Ok(file::rehearse(path, Privacy::Secret, SIZE)?)
}

/// Refuses a section whose keys would be lost: a key without a session token is a long-term one.
fn check(sections: &Sections, path: &Path, profile: &str) -> Result<(), CredentialsError> {
    let all = |key| sections.all(profile, key).map_err(|fault| damaged(path, fault));
    let (ids, secrets) = (all("aws_access_key_id")?, all("aws_secret_access_key")?);
    let tokens = [all("aws_session_token")?, all("aws_security_token")?].concat();
    let some = |values: &[&str]| values.iter().any(|value| !value.is_empty());
    let lone = (some(&ids) || some(&secrets)) && !some(&tokens);
    if lone || ids.iter().any(|id| id.starts_with("AKIA")) {
        return Err(CredentialsError::LongTermKey { path: path.to_owned(), profile: profile.to_owned() });
    }
    Ok(())
}

/// Whether a value stands for itself to every client: it prints, has no blanks, and begins with neither quote nor comment.
#[must_use]
pub fn is_plain(value: &str) -> bool {
    !value.starts_with(['#', ';', '"', '\'', '[']) && !value.is_empty() && value.bytes().all(|b| b.is_ascii_graphic())
}

/// `2026-11-22T10:00:00Z`.
#[must_use]
pub fn rfc3339(time: &DateTime) -> String {
    DateTime::from_secs(time.secs()).fmt(Format::DateTime).unwrap_or_default()
}

/// `2026-11-22 10:00:00`, UTC without saying so, as broamski/aws-mfa writes it.
fn spaced(time: &DateTime) -> String {
    rfc3339(time).replace('T', " ").replace('Z', "")
}
