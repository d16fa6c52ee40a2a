//! Matching of accounts: finds an MFA device's account among those of a token, without ever guessing between two.

use hw::oath::{Account, AccountId, LONGEST_ID, OathType};
use std::fmt;

/// Issuers that AWS uses in account names, in lower case.
const ISSUERS: [&[u8]; 3] = [b"amazon web services", b"aws", b"amazon"];

/// Shortest word that is searched for anywhere in an id, in bytes: shorter words occur in too many ids.
const SHORTEST_WORD: usize = 3;

/// Facts about the wanted account. Each is optional, and each narrows the search.
#[derive(Clone, Copy, Debug, Default)]
pub struct WantedAccount<'a> {
    /// The account's id, if the person named it. It is matched byte for byte, and all other facts are ignored.
    pub id: Option<&'a [u8]>,
    /// Serial number of the MFA device: an ARN, which contains device name and account number.
    pub mfa_serial: Option<&'a str>,
    /// Name of the IAM user.
    pub user: Option<&'a str>,
    /// Number of the AWS account, used if the serial number does not contain it.
    pub account_number: Option<&'a str>,
    /// Alias of the AWS account.
    pub account_alias: Option<&'a str>,
    /// Name of the profile that the code is for.
    pub profile: Option<&'a str>,
}

/// Reason why not exactly one account was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum MatchError {
    /// No account has the id that the person named.
    NoSuchId {
        /// Id that the person named.
        id: AccountId,
        /// Ids of all accounts that are not hidden.
        present: Vec<AccountId>,
    },
    /// The account that the person named is HOTP; AWS uses TOTP.
    NotByTime {
        /// Id of the account that the person named.
        id: AccountId,
    },
    /// No account matches.
    NoMatch {
        /// Ids of the TOTP accounts that are neither hidden nor Steam's.
        present: Vec<AccountId>,
    },
    /// Several accounts match equally well.
    Several {
        /// Ids of the accounts that match.
        matching: Vec<AccountId>,
    },
}

impl fmt::Display for MatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchId { id, .. } => write!(f, "the token has no account {id}"),
            Self::NotByTime { id } => write!(f, "account {id} is counter-based (HOTP), not time-based (TOTP)"),
            Self::NoMatch { .. } => f.write_str("no account on the token matches"),
            Self::Several { matching } => write!(f, "{} accounts on the token match", matching.len()),
        }
    }
}

impl std::error::Error for MatchError {}

/// The one account that matched, and how well it matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AccountMatch<'a> {
    pub account: &'a Account,
    /// True if only a word in the id matched, so that an account on a token that could not be examined may fit
    /// better.
    pub is_guess: bool,
}

/// Finds the wanted account. The first of these grounds on which any account matches decides:
/// 1. the id that the person named;
/// 2. the MFA device's ARN, with or without `aws:` before it, or the part of the ARN that fits into an id's 64 bytes;
/// 3. AWS as the issuer, and user or device name at this AWS account;
/// 4. AWS as the issuer, and user or device name, without an AWS account or with an alias that may be this account's;
/// 5. ARN, device, user, alias, account number, profile, in this order, anywhere in the id, ignoring case.
///
/// HOTP, hidden and Steam accounts are ignored, unless the person named one. For 3 to 5, an account is ruled out by
/// another AWS account's number in its id. For 5, it is also ruled out by an issuer other than AWS, since many
/// services have a user of the same name, unless the word is an ARN or an account number.
///
/// # Errors
/// `NoSuchId` and `NotByTime` if the person named an id; otherwise `NoMatch`, or `Several` if the deciding ground
/// fits more than one account.
pub(super) fn find<'a>(accounts: &'a [Account], wanted: &WantedAccount<'_>) -> Result<AccountMatch<'a>, MatchError> {
    if let Some(id) = wanted.id {
        return named(accounts, id).map(|account| AccountMatch { account, is_guess: false });
    }
    let eligible: Vec<&Account> = accounts
        .iter()
        .filter(|account| account.kind == OathType::Totp && !account.id.is_hidden() && !account.id.is_steam())
        .collect();
    let facts = Facts::of(wanted);
    for ground in facts.grounds() {
        let hits: Vec<&Account> = eligible.iter().copied().filter(|account| facts.fit(&account.id, ground)).collect();
        match hits.as_slice() {
            [] => {}
            [first, others @ ..] if others.iter().all(|other| other.id == first.id) => {
                return Ok(AccountMatch { account: first, is_guess: matches!(ground, Ground::Word(_)) });
            }
            several => return Err(MatchError::Several { matching: ids(several) }),
        }
    }
    Err(MatchError::NoMatch { present: ids(&eligible) })
}

/// Returns true if the account looks like AWS's: by its issuer, or by an MFA device's ARN in its id.
#[must_use]
pub fn is_of_aws(id: &AccountId) -> bool {
    let is_issuer = |issuer| ISSUERS.iter().any(|ours| same(ours, issuer));
    let bytes = id.as_bytes();
    id.parts().issuer.is_some_and(is_issuer) || contains(bytes, b"arn:aws") && contains(bytes, b":mfa/")
}

/// Returns the account whose id is `id`, byte for byte.
fn named<'a>(accounts: &'a [Account], id: &[u8]) -> Result<&'a Account, MatchError> {
    match accounts.iter().find(|account| account.id.as_bytes() == id) {
        Some(account) if account.kind == OathType::Totp => Ok(account),
        Some(account) => Err(MatchError::NotByTime { id: account.id.clone() }),
        None => {
            let present = accounts.iter().filter(|account| !account.id.is_hidden()).collect::<Vec<_>>();
            Err(MatchError::NoSuchId { id: AccountId::from_bytes(id), present: ids(&present) })
        }
    }
}

fn ids(accounts: &[&Account]) -> Vec<AccountId> {
    accounts.iter().map(|account| account.id.clone()).collect()
}

/// Reason to consider an id the wanted account's.
#[derive(Clone, Copy)]
enum Ground<'a> {
    /// The id is the MFA device's ARN.
    Arn,
    /// AWS is the issuer, and the name is that of the user or the device, at the wanted AWS account.
    UserHere,
    /// AWS is the issuer, and the name is that of the user or the device, without an AWS account or at one that may
    /// be the wanted account.
    UserSomewhere,
    /// The id contains this word.
    Word(&'a [u8]),
}

/// Parsed facts about the wanted account. No value is empty.
struct Facts<'a> {
    arn: Option<&'a [u8]>,
    /// Device name and user name, either of which may stand in an account's id.
    who: Vec<&'a [u8]>,
    number: Option<&'a [u8]>,
    alias: Option<&'a [u8]>,
    profile: Option<&'a [u8]>,
}

impl<'a> Facts<'a> {
    fn of(wanted: &WantedAccount<'a>) -> Self {
        let known = |text: Option<&'a str>| text.map(str::as_bytes).filter(|text| !text.is_empty());
        let parts: Vec<&str> = wanted.mfa_serial.unwrap_or_default().splitn(6, ':').collect();
        // Format: arn:PARTITION:iam::NUMBER:mfa/PATH/NAME
        let (number, device) = match parts.as_slice() {
            ["arn", _, "iam", _, number, resource] => (Some(*number), resource.rsplit_once('/').map(|(_, name)| name)),
            _ => (None, None),
        };
        Self {
            arn: known(wanted.mfa_serial.filter(|_| number.is_some())),
            who: [known(device), known(wanted.user)].into_iter().flatten().collect(),
            number: known(number).or(known(wanted.account_number)),
            alias: known(wanted.account_alias),
            profile: known(wanted.profile),
        }
    }

    /// Returns true if an id is the MFA device's ARN, or the part of it that could be stored: its end, or as much as
    /// fits into 64 bytes.
    fn is_arn(&self, id: &AccountId) -> bool {
        let Some(arn) = self.arn else { return false };
        let id = id.as_bytes();
        let (prefix, stored) = match id.split_at_checked(4) {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case(b"aws:") => (prefix.len(), rest),
            _ => (0, id),
        };
        let is_full = id.len() == LONGEST_ID;
        let is_cut = prefix + arn.len() > LONGEST_ID && stored.len() < arn.len();
        let has_resource = contains(stored, b"mfa/");
        stored == arn
            || is_cut && is_full && arn.starts_with(stored)
            || is_cut && (is_full || has_resource) && arn.ends_with(stored)
    }

    /// Returns true if AWS is the issuer and the name is that of the user or the device, at the wanted AWS account.
    fn is_user_here(&self, id: &AccountId) -> bool {
        self.is_user_at(id, |place| {
            place.is_some_and(|place| [self.number, self.alias].iter().flatten().any(|ours| same(ours, place)))
        })
    }

    /// Returns true if AWS is the issuer and the name is `who` or `who@place`, with a `place` that `fits`. A name may
    /// itself contain `@`, so each way of splitting it counts.
    fn is_user_at(&self, id: &AccountId, fits: impl Fn(Option<&[u8]>) -> bool) -> bool {
        let parts = id.parts();
        if !parts.issuer.is_some_and(|issuer| ISSUERS.iter().any(|ours| same(ours, issuer))) {
            return false;
        }
        self.who.iter().any(|who| match parts.name.split_at_checked(who.len()) {
            Some((name, [])) => same(who, name) && fits(None),
            Some((name, [b'@', place @ ..])) => same(who, name) && fits(Some(place)),
            _ => false,
        })
    }

    /// Returns true if an id contains AWS account numbers, and the wanted account's is not among them.
    fn belongs_elsewhere(&self, id: &[u8]) -> bool {
        let mut numbers = id.split(|byte| !byte.is_ascii_digit()).filter(|digits| digits.len() == 12).peekable();
        match self.number {
            Some(ours) if numbers.peek().is_some() => numbers.all(|number| number != ours),
            _ => false,
        }
    }

    /// Returns true if a word occurs only in connection with AWS: the ARN and the account number.
    fn is_telling(&self, word: &[u8]) -> bool {
        [self.arn, self.number].contains(&Some(word))
    }

    /// Returns true if an id names an issuer that is neither AWS nor the account's alias nor the profile.
    fn is_foreign(&self, id: &AccountId) -> bool {
        let ours = |issuer| {
            [b"aws".as_slice(), b"amazon"].iter().any(|word| contains(issuer, word))
                || [Some(b"arn".as_slice()), self.alias, self.profile].iter().flatten().any(|name| same(name, issuer))
        };
        id.parts().issuer.is_some_and(|issuer| !ours(issuer))
    }

    /// Returns true if AWS is the issuer, and the id names a user at an AWS account who is not the wanted one.
    fn is_another_users(&self, id: &AccountId) -> bool {
        let parts = id.parts();
        let is_aws = parts.issuer.is_some_and(|issuer| ISSUERS.iter().any(|ours| same(ours, issuer)));
        is_aws
            && parts.name.contains(&b'@')
            && !self.who.is_empty()
            && !self.who.iter().any(|who| contains(parts.name, who))
    }

    /// Returns the grounds to try, the most telling first.
    fn grounds(&self) -> Vec<Ground<'a>> {
        let words = [self.arn].into_iter().chain(self.who.iter().copied().map(Some));
        let words = words.chain([self.alias, self.number, self.profile]).flatten();
        let words = words.filter(|word| word.len() >= SHORTEST_WORD).map(Ground::Word);
        [Ground::Arn, Ground::UserHere, Ground::UserSomewhere].into_iter().chain(words).collect()
    }

    fn fit(&self, id: &AccountId, ground: Ground<'_>) -> bool {
        match ground {
            Ground::Arn => self.is_arn(id),
            _ if self.belongs_elsewhere(id.as_bytes()) => false,
            Ground::UserHere => self.is_user_here(id),
            Ground::UserSomewhere => self.is_user_at(id, |_| true),
            Ground::Word(_) if self.is_another_users(id) => false,
            Ground::Word(word) => contains(id.as_bytes(), word) && (self.is_telling(word) || !self.is_foreign(id)),
        }
    }
}

/// Returns true if two names are equal, ignoring case.
fn same(a: &[u8], b: &[u8]) -> bool {
    fold(a) == fold(b)
}

/// Returns true if `id` contains `word`, ignoring case.
fn contains(id: &[u8], word: &[u8]) -> bool {
    let (id, word) = (fold(id), fold(word));
    id.windows(word.len().max(1)).any(|window| window == word)
}

/// Converts to lower case: all of Unicode if the bytes are UTF-8, otherwise ASCII only.
fn fold(bytes: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_lowercase().into_bytes(),
        Err(_) => bytes.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests;
