//! New accounts for a token: parsing what their issuer gives, and choosing the id that the token stores.

mod error;
mod picture;

pub use error::AccountsError;
pub use picture::{PictureFault, uri_in};

use hw::oath::{AccountId, AccountSecret, Algorithm, LONGEST_PERIOD, NewAccount, OathType, USUAL_PERIOD};
use hw::otpauth::{DIGITS, IssuedAccount, OtpauthError};
use secrecy::{ExposeSecret, SecretString};

/// Reason why no account can be made from the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountFault {
    /// The input is neither base32 nor an `otpauth://` URI.
    Issued(OtpauthError),
    /// Neither the input nor the person gives the account a name.
    NoId,
    /// The id contains control characters, which could move a terminal's cursor.
    IdControls,
    /// The id stands for a different period than the account's.
    IdPeriod {
        /// Id as it was given by the person or the issuer.
        id: AccountId,
        /// Period that a token derives from the id, in seconds.
        read: u32,
        /// Period of the account, in seconds.
        period: u32,
    },
    /// The number of digits is not 6, 7 or 8.
    Digits,
    /// The period is not between 1 and 3600 seconds.
    Period,
}

/// Properties of a new account that a person sets. They take precedence over what the issuer gives.
#[derive(Clone, Default)]
pub struct Wishes {
    /// Id on the token; `None` for the name that the issuer gives.
    pub id: Option<String>,
    /// True if every code needs a touch.
    pub touch: bool,
    /// Hash algorithm of the codes; `None` for the issuer's.
    pub algorithm: Option<Algorithm>,
    /// Number of digits in the codes; `None` for the issuer's.
    pub digits: Option<u8>,
    /// Length of a time step in seconds; `None` for the issuer's.
    pub period: Option<u32>,
}

impl From<OtpauthError> for AccountFault {
    fn from(fault: OtpauthError) -> Self {
        Self::Issued(fault)
    }
}

impl Wishes {
    /// Checks the person's settings, and returns the id if the person set one. If not, the issuer's text has to give
    /// the id.
    ///
    /// # Errors
    /// [`AccountFault`] if digits, period or id are not valid.
    pub fn id(&self) -> Result<Option<AccountId>, AccountFault> {
        if self.digits.is_some_and(|digits| !DIGITS.contains(&digits)) {
            return Err(AccountFault::Digits);
        }
        if self.period.is_some_and(|period| !(1..=LONGEST_PERIOD).contains(&period)) {
            return Err(AccountFault::Period);
        }
        let Some(id) = &self.id else { return Ok(None) };
        let read = AccountId::from_bytes(id.as_bytes()).period().get();
        account_id(id, self.period.unwrap_or(read)).map(Some)
    }

    /// Returns the account that an issuer's `text` and these settings describe.
    ///
    /// # Errors
    /// [`AccountFault`] if the text cannot be parsed, or the account has no valid id, digits or period.
    pub fn account(&self, text: &SecretString) -> Result<NewAccount, AccountFault> {
        // Check the person's settings before the issuer's text.
        self.id()?;
        let given = IssuedAccount::read(text.expose_secret())?;
        let of_id = |id: &String| AccountId::from_bytes(id.as_bytes()).period().get();
        let period = self.period.or(given.period).or_else(|| self.id.as_ref().map(of_id)).unwrap_or(USUAL_PERIOD.get());
        let name = match (&self.id, &given.issuer, &given.name) {
            (Some(id), ..) => id.clone(),
            (None, Some(issuer), Some(name)) => format!("{issuer}:{name}"),
            (None, None, Some(name)) => name.clone(),
            (None, _, None) => return Err(AccountFault::NoId),
        };
        let id = match given.kind {
            OathType::Totp => account_id(&name, period)?,
            OathType::Hotp => without_controls(&name).map(|name| AccountId::from_bytes(name.as_bytes()))?,
        };
        Ok(NewAccount {
            id,
            kind: given.kind,
            algorithm: self.algorithm.unwrap_or(given.algorithm),
            digits: self.digits.unwrap_or(given.digits),
            secret: AccountSecret::new(given.secret),
            touch: self.touch,
            counter: given.counter,
        })
    }
}

/// Returns the id of an account with this name and period. A period other than 30 seconds is part of the id, because
/// the token stores it nowhere else.
fn account_id(name: &str, period: u32) -> Result<AccountId, AccountFault> {
    let name = without_controls(name)?;
    let plain = AccountId::from_bytes(name.as_bytes());
    if plain.period().get() == period {
        return Ok(plain);
    }
    let id = AccountId::from_bytes(format!("{period}/{name}").as_bytes());
    // A period at the beginning of the name would be mistaken for the account's period.
    let read = plain.period().get();
    if read == USUAL_PERIOD.get() && id.period().get() == period {
        Ok(id)
    } else {
        Err(AccountFault::IdPeriod { id: plain, read, period })
    }
}

fn without_controls(name: &str) -> Result<&str, AccountFault> {
    match name {
        "" => Err(AccountFault::NoId),
        name if name.chars().any(char::is_control) => Err(AccountFault::IdControls),
        name => Ok(name),
    }
}

/// Returns the ids of an account before and after it is renamed from `old` to `new`. The period stays, as a part of
/// the id.
///
/// # Errors
/// [`AccountFault`] if the new name is not valid, or begins with another period.
pub fn renamed(old: &str, new: &str) -> Result<(AccountId, AccountId), AccountFault> {
    let old = AccountId::from_bytes(old.as_bytes());
    let new = account_id(new, old.period().get())?;
    Ok((old, new))
}

/// Returns the id that was probably meant by `id`, which no account has: the most similar of the ids in `present`, if
/// it is similar enough.
#[must_use]
pub fn meant(id: &AccountId, present: &[AccountId]) -> Option<AccountId> {
    let text = |id: &AccountId| String::from_utf8_lossy(id.as_bytes()).to_lowercase();
    let wanted = text(id);
    let likeness = |other: &AccountId| {
        let other = text(other);
        // An id without its issuer counts as very similar.
        let is_part = wanted.len() >= 3 && other.contains(&wanted);
        if is_part { 1.0 } else { strsim::jaro_winkler(&wanted, &other) }
    };
    let closest = present.iter().map(|other| (likeness(other), other)).max_by(|one, other| one.0.total_cmp(&other.0));
    closest.filter(|(likeness, _)| *likeness > 0.85).map(|(_, other)| other.clone())
}

/// Returns the serial number of the MFA device that an account of AWS belongs to, from the account's name, which
/// AWS's QR code sets: `NAME@ALIAS`, `NAME@NUMBER`, or an ARN. With an alias, the ARN has `ACCOUNT` in place of the
/// account number.
#[must_use]
pub fn mfa_device(id: &AccountId) -> Option<String> {
    // The serial number goes into a command for people to paste; IAM names and ARNs have no other characters.
    let is_plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "+=,.@-_/:".contains(c));
    let text = String::from_utf8_lossy(id.as_bytes());
    if let Some(at) = text.find("arn:aws") {
        return Some(text[at..].to_owned()).filter(|serial| is_plain(serial));
    }
    let name = String::from_utf8_lossy(id.parts().name).into_owned();
    let (name, place) = name.rsplit_once('@').unwrap_or((&name, ""));
    let is_number = place.len() == 12 && place.bytes().all(|byte| byte.is_ascii_digit());
    // The ARN of root's MFA device has another form.
    (name != "root-account-mfa-device" && is_plain(name))
        .then(|| format!("arn:aws:iam::{}:mfa/{name}", if is_number { place } else { "ACCOUNT" }))
}

#[cfg(test)]
mod tests;
