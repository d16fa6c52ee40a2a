//! A session's section in the credentials file: how it is written, recognised and removed.

use crate::aws::config_file::damaged;
use crate::aws::sections::warnings::{Warning, warnings};
use crate::aws::sections::{Edits, Section, Sections};
use crate::aws::{Identity, MfaSerial, ProfileName, Session, SessionProfile, is_portable};
use crate::file::{self, FileError, Privacy};
use aws_config::profile::Profile;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use secrecy::ExposeSecret;
use std::path::{Path, PathBuf};

/// Key that marks a section as written by this program. Its value is the name of the profile that owns the session.
pub const OWNER: &str = "mfa_key_owner";
const EXPIRES: &str = "x_security_token_expires";
const IDENTITY: &str = "mfa_key_identity";
const MFA_SERIAL: &str = "mfa_key_mfa_serial";

/// Keys that we write, in the order used in a section that login creates. In a section that existed before, [`OWNER`]
/// comes first. The order tells `logout` which sections it may remove entirely.
const KEYS: [&str; 7] =
    ["aws_access_key_id", "aws_secret_access_key", "aws_session_token", EXPIRES, OWNER, IDENTITY, MFA_SERIAL];

/// Older name of the key `aws_session_token`. Python's clients prefer it to `aws_session_token`, so it must not
/// remain in a section.
const OLDER_TOKEN: &str = "aws_security_token";

/// Keys that override a session if they are in `[DEFAULT]`, because Python's clients apply that section to every
/// other section.
const WINNING: [&str; 5] = [OLDER_TOKEN, "role_arn", "web_identity_token_file", "sso_session", "sso_start_url"];

/// Keys in which other tools store a session's expiry. If a section has any of them, they are updated.
const OTHER_EXPIRIES: [&str; 3] = ["aws_expiration", "aws_session_expiration", "aws_credential_expiration"];

/// A session that this program wrote to the credentials file, as its section describes it.
pub struct Stored {
    /// Profile that owns the session.
    pub owner: ProfileName,
    /// ARN of the user or role that the session acts as, as AWS reported it.
    pub identity: Option<String>,
    /// Serial number of the MFA device whose code the session was made with.
    pub mfa_serial: Option<String>,
    /// Expiry of the session; `None` if the section has no valid expiry, or if one of the session's keys is missing.
    pub expires: Option<DateTime>,
}

impl Stored {
    /// Reads the section of a session profile; `None` if this program did not write the section.
    #[must_use]
    pub fn read(profile: &Profile) -> Option<Self> {
        let text = |key: &str| profile.get(key).map(str::to_owned);
        let whole = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"];
        let expires = profile.get(EXPIRES).and_then(|end| DateTime::from_str(end, Format::DateTimeWithOffset).ok());
        Some(Self {
            owner: profile.get(OWNER)?.into(),
            identity: text(IDENTITY),
            mfa_serial: text(MFA_SERIAL),
            expires: expires
                .filter(|_| whole.iter().all(|key| profile.get(key).is_some_and(|value| !value.is_empty()))),
        })
    }
}

impl Stored {
    /// Returns the session's keys and expiry; `None` if any of them is missing.
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

/// Reasons why a session was not written or removed; the file is unchanged.
#[derive(Debug)]
pub enum CredentialsError {
    /// The file cannot be read or written.
    File(FileError),
    /// The section holds a long-term key, which the change would destroy.
    LongTermKey {
        /// Path of the credentials file.
        path: PathBuf,
        /// Name of the session profile, and so of its section.
        profile: String,
    },
    /// Python's clients would use a key in `[DEFAULT]` instead of the session, whatever the session's section says.
    Overruled {
        /// Path of the credentials file.
        path: PathBuf,
        /// Line number of the key, from 1.
        line: usize,
        /// The key in `[DEFAULT]` that clients would use instead.
        key: &'static str,
    },
    /// A value has characters that AWS's clients interpret in different ways.
    Strange {
        /// Key that the value is for, or `profile` if the section's name is at fault.
        key: &'static str,
    },
}

/// A fact about the file that a person should know before a session is written to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialsNotice {
    /// A side effect of replacing the file.
    File(file::ReplaceNotice),
    /// An existing line of the file that some clients misread.
    Line(Warning),
}

/// The outcome of removing a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// The keys that we wrote were removed, and the whole section if login had created it.
    Session,
    /// The section has no session of that owner; nothing was changed.
    Nothing,
}

impl From<FileError> for CredentialsError {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

/// A session to write, with everything that its section will contain.
pub struct SessionEntry<'a> {
    /// Name of the session profile, and so of its section.
    pub profile: &'a SessionProfile,
    /// Profile that owns the session.
    pub owner: &'a ProfileName,
    /// IAM user or role that the session acts as.
    pub identity: &'a Identity,
    /// Serial number of the MFA device whose code the session was made with.
    pub mfa_serial: &'a MfaSerial,
    /// Keys and expiry of the session.
    pub session: &'a Session,
}

impl SessionEntry<'_> {
    /// Writes the session; only the keys of its own section change.
    ///
    /// # Errors
    /// [`CredentialsError`] if the session cannot be written; the file is then byte for byte unchanged.
    pub fn write(&self, path: &Path) -> Result<(), CredentialsError> {
        write_all(path, std::slice::from_ref(self))
    }

    fn write_to(&self, edits: &mut Edits<'_>, sections: &Sections, path: &Path) -> Result<(), CredentialsError> {
        let session = self.session;
        let expires = rfc3339(&session.expires);
        let values = [
            session.access_key_id.as_str(),
            session.secret_access_key.expose_secret(),
            session.session_token.expose_secret(),
            &expires,
            self.owner.as_str(),
            &self.identity.arn,
            self.mfa_serial.as_str(),
        ];
        let keys: Vec<(&'static str, &str)> = KEYS.into_iter().zip(values).collect();
        if let Some((key, _)) = keys.iter().find(|(_, value)| !is_plain(value)) {
            return Err(CredentialsError::Strange { key });
        }
        if !is_portable(self.profile.as_str()) {
            return Err(CredentialsError::Strange { key: "profile" });
        }
        let section = find(sections, path, self.profile.as_str())?;
        check(sections, section.as_ref(), path, self.profile.as_str())?;
        let spaced = spaced(&session.expires);
        let (keys, gone) = self.changes(section.as_ref(), &keys, &spaced);
        Ok(edits.set(self.profile.as_str(), &keys, &gone).map_err(|fault| damaged(path, fault))?)
    }

    /// Returns the keys to set and the keys to remove. Keys of other tools in an existing section are updated, or
    /// removed if they would be wrong.
    fn changes<'k>(
        &self,
        section: Option<&Section<'_>>,
        keys: &[(&'static str, &'k str)],
        spaced: &'k str,
    ) -> (Vec<(&'static str, &'k str)>, Vec<&'static str>) {
        let mut keys = keys.to_vec();
        let Some(section) = section else { return (keys, Vec::new()) };
        let expires = keys[3].1;
        keys.sort_by_key(|(key, _)| *key != OWNER);
        let others = OTHER_EXPIRIES.into_iter().filter(|key| section.get(key).is_some());
        keys.extend(others.map(|key| (key, expires)));
        keys.extend(section.get("expiration").map(|_| ("expiration", spaced)));
        let mut gone = vec![OLDER_TOKEN];
        if section.get("aws_account_id").is_some_and(|account| account != self.identity.account) {
            gone.push("aws_account_id");
        }
        (keys, gone)
    }
}

/// Writes several sessions in one step, or none of them.
///
/// # Errors
/// [`CredentialsError`], as for [`SessionEntry::write`].
pub fn write_all(path: &Path, entries: &[SessionEntry<'_>]) -> Result<(), CredentialsError> {
    file::replace(path, Privacy::Secret, |text| {
        file::check_text(path, &text)?;
        let sections = Sections::new(text);
        let mut edits = Edits::of(&sections);
        entries.iter().try_for_each(|entry| entry.write_to(&mut edits, &sections, path))?;
        let edits = edits.finish();
        Ok(sections.edited(edits))
    })
}

/// The result of checking that sessions could be written.
pub struct Rehearsal {
    /// Facts about the file that a person should know before the sessions are written.
    pub notices: Vec<CredentialsNotice>,
    /// For each profile, in the order given, the reason why its session could not be written; `None` if it could be
    /// written.
    pub refused: Vec<Option<CredentialsError>>,
}

/// Checks that sessions could be written to the sections of `profiles`. Call this before codes are used to obtain the
/// sessions.
///
/// # Errors
/// [`FileError`] if the file cannot be read or replaced, which rules out writing any session.
pub fn rehearse(path: &Path, profiles: &[&SessionProfile]) -> Result<Rehearsal, FileError> {
    /// Room for a section with a long session token, in bytes.
    const SIZE: usize = 8192;
    let mut rehearsal = Rehearsal { notices: Vec::new(), refused: Vec::new() };
    let sections = Sections::new(file::read(path)?.unwrap_or_default());
    let mut ours = Vec::new();
    for profile in profiles.iter().map(|profile| profile.as_str()) {
        let section = sections.editable(profile, &KEYS).map_err(|fault| CredentialsError::File(damaged(path, fault)));
        let checked = section.and_then(|section| {
            check(&sections, section.as_ref(), path, profile)?;
            Ok(section.map(|section| section.line_numbers(&[&KEYS[..], &[OLDER_TOKEN]].concat())).unwrap_or_default())
        });
        match checked {
            Ok(lines) => {
                ours.extend(lines);
                rehearsal.refused.push(None);
            }
            Err(error) => rehearsal.refused.push(Some(error)),
        }
    }
    let stays = |warning: &Warning| !ours.iter().any(|lines| lines.contains(&warning.line));
    rehearsal.notices.extend(warnings(&sections).into_iter().filter(stays).map(CredentialsNotice::Line));
    let written = rehearsal.refused.iter().filter(|refused| refused.is_none()).count();
    if written > 0 {
        let notices = file::rehearse(path, Privacy::Secret, SIZE.saturating_mul(written))?;
        rehearsal.notices.extend(notices.into_iter().map(CredentialsNotice::File));
    }
    Ok(rehearsal)
}

/// Removes the session of `owner` from `profile`'s section. If login created the section, the whole section is
/// removed and the file is byte for byte what it was before the login. Otherwise only our keys are removed.
///
/// # Errors
/// [`CredentialsError`] if the file cannot be read or written, or the section now holds a long-term key. The file is
/// then unchanged.
pub fn remove(path: &Path, profile: &SessionProfile, owner: &ProfileName) -> Result<Removed, CredentialsError> {
    if file::read(path)?.is_none() {
        return Ok(Removed::Nothing);
    }
    let (profile, owner) = (profile.as_str(), owner.as_str());
    let mut removed = Removed::Nothing;
    file::replace(path, Privacy::Secret, |text| {
        file::check_text(path, &text)?;
        let sections = Sections::new(text);
        let mut edits = Edits::of(&sections);
        let section = find(&sections, path, profile)?;
        let ours = section.filter(|section| section.get(OWNER) == Some(owner));
        removed = Removed::Nothing;
        if let Some(section) = ours {
            // Somebody may have put a long-term key into the section since login wrote it.
            check_key(&section, path, profile)?;
            edits.remove(profile, &KEYS).map_err(|fault| damaged(path, fault))?;
            removed = Removed::Session;
        }
        let edits = edits.finish();
        Ok::<_, CredentialsError>(sections.edited(edits))
    })?;
    Ok(removed)
}

fn find<'a>(sections: &'a Sections, path: &Path, profile: &str) -> Result<Option<Section<'a>>, FileError> {
    sections.find(profile).map_err(|fault| damaged(path, fault))
}

fn check(
    sections: &Sections,
    section: Option<&Section<'_>>,
    path: &Path,
    profile: &str,
) -> Result<(), CredentialsError> {
    section.map_or(Ok(()), |section| check_key(section, path, profile))?;
    let Ok(Some(all)) = sections.find("DEFAULT") else { return Ok(()) };
    match WINNING.into_iter().find_map(|key| Some((key, all.line_numbers(&[key]).first()?.start))) {
        Some((key, line)) => Err(CredentialsError::Overruled { path: path.to_owned(), line, key }),
        None => Ok(()),
    }
}

/// Refuses a section that holds a long-term key, which the change would destroy. A key without a session token is a
/// long-term key.
fn check_key(section: &Section<'_>, path: &Path, profile: &str) -> Result<(), CredentialsError> {
    let (ids, secrets) = (section.all("aws_access_key_id"), section.all("aws_secret_access_key"));
    let tokens = [section.all("aws_session_token"), section.all(OLDER_TOKEN)].concat();
    let some = |values: &[&str]| values.iter().any(|value| !value.is_empty());
    let lone = (some(&ids) || some(&secrets)) && !some(&tokens);
    if lone || ids.iter().any(|id| id.starts_with("AKIA")) {
        return Err(CredentialsError::LongTermKey { path: path.to_owned(), profile: profile.to_owned() });
    }
    Ok(())
}

/// Returns true if every client reads the value unchanged: it is not empty, has only printable ASCII characters and
/// no blanks, and does not begin with a quote, a comment sign or `[`.
#[must_use]
pub fn is_plain(value: &str) -> bool {
    !value.starts_with(['#', ';', '"', '\'', '[']) && !value.is_empty() && value.bytes().all(|b| b.is_ascii_graphic())
}

/// Formats a time as `2026-11-22T10:00:00Z` (RFC 3339, UTC).
#[must_use]
pub fn rfc3339(time: &DateTime) -> String {
    DateTime::from_secs(time.secs()).fmt(Format::DateTime).unwrap_or_default()
}

/// Formats a time as broamski/aws-mfa does: `2026-11-22 10:00:00`, in UTC but without a time zone.
fn spaced(time: &DateTime) -> String {
    rfc3339(time).replace('T', " ").replace('Z', "")
}
