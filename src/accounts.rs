//! A new account for a token: what its issuer gives for it, and what the token will know it by.

mod error;
mod picture;

pub use error::AccountsError;
pub use picture::{PictureFault, uri_in};

use hw::oath::{AccountId, AccountSecret, Algorithm, LONGEST_PERIOD, NewAccount, OathType, USUAL_PERIOD};
use hw::otpauth::{DIGITS, IssuedAccount, OtpauthError};
use secrecy::{ExposeSecret, SecretString};

/// Why no account can be made of what was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountFault {
    /// It is not what an issuer gives.
    Issued(OtpauthError),
    /// Nothing says what it is to be called.
    NoId,
    /// The id has characters that move the cursor of a terminal.
    IdControls,
    /// The id would be read as that of an account with another period.
    IdPeriod {
        /// The id.
        id: AccountId,
        /// How it is read.
        read: u32,
        /// What the account has.
        period: u32,
    },
    /// The number of digits is not 6 to 8.
    Digits,
    /// The period is not 1 to 3600 seconds.
    Period,
}

/// What the person says of an account beside its secret; it outweighs what the issuer says.
#[derive(Clone, Default)]
pub struct Wishes {
    /// What the token is to know it by.
    pub id: Option<String>,
    /// Whether each code is to need a touch.
    pub touch: bool,
    /// The hash function.
    pub algorithm: Option<Algorithm>,
    /// How many digits its codes have.
    pub digits: Option<u8>,
    /// Length of a time step in seconds.
    pub period: Option<u32>,
}

impl From<OtpauthError> for AccountFault {
    fn from(fault: OtpauthError) -> Self {
        Self::Issued(fault)
    }
}

impl Wishes {
    /// The id, as far as it is known before the secret is. Checks what the person says.
    ///
    /// # Errors
    /// [`AccountFault`].
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

    /// The account that an issuer's `text` makes.
    ///
    /// # Errors
    /// [`AccountFault`].
    pub fn account(&self, text: &SecretString) -> Result<NewAccount, AccountFault> {
        // What the person says is looked at first.
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

/// The id of an account with this name and period, which nothing but the id says to whoever wants a code.
fn account_id(name: &str, period: u32) -> Result<AccountId, AccountFault> {
    let name = without_controls(name)?;
    let plain = AccountId::from_bytes(name.as_bytes());
    if plain.period().get() == period {
        return Ok(plain);
    }
    let id = AccountId::from_bytes(format!("{period}/{name}").as_bytes());
    // A name that begins with another period would hide it.
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

/// The ids of an account `old` that is to be called `new`. Its period stays, and so stays in its id.
///
/// # Errors
/// [`AccountFault`].
pub fn renamed(old: &str, new: &str) -> Result<(AccountId, AccountId), AccountFault> {
    let old = AccountId::from_bytes(old.as_bytes());
    let new = account_id(new, old.period().get())?;
    Ok((old, new))
}

/// The account that was meant where `id` is not there: one that looks almost alike.
#[must_use]
pub fn meant(id: &AccountId, present: &[AccountId]) -> Option<AccountId> {
    let text = |id: &AccountId| String::from_utf8_lossy(id.as_bytes()).to_lowercase();
    let wanted = text(id);
    let likeness = |other: &AccountId| {
        let other = text(other);
        // Who leaves out the issuer means the account all the same.
        let is_part = wanted.len() >= 3 && other.contains(&wanted);
        if is_part { 1.0 } else { strsim::jaro_winkler(&wanted, &other) }
    };
    let closest = present.iter().map(|other| (likeness(other), other)).max_by(|one, other| one.0.total_cmp(&other.0));
    closest.filter(|(likeness, _)| *likeness > 0.85).map(|(_, other)| other.clone())
}

/// The MFA device that an account of AWS is of, as its QR code names it: `NAME@ALIAS` or `NAME@NUMBER`.
#[must_use]
pub fn mfa_device(id: &AccountId) -> Option<String> {
    // It is to stand in a command that people paste: nothing else is in a name at IAM, or in an ARN.
    let is_plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "+=,.@-_/:".contains(c));
    let text = String::from_utf8_lossy(id.as_bytes());
    if let Some(at) = text.find("arn:aws") {
        return Some(text[at..].to_owned()).filter(|serial| is_plain(serial));
    }
    let name = String::from_utf8_lossy(id.parts().name).into_owned();
    let (name, place) = name.rsplit_once('@').unwrap_or((&name, ""));
    let is_number = place.len() == 12 && place.bytes().all(|byte| byte.is_ascii_digit());
    // Root's has an ARN of another form.
    (name != "root-account-mfa-device" && is_plain(name))
        .then(|| format!("arn:aws:iam::{}:mfa/{name}", if is_number { place } else { "ACCOUNT" }))
}

#[cfg(test)]
mod tests;
