//! Why the accounts of a token, or a secret in software, could not be shown or changed.

use super::{AccountFault, PictureFault};
use crate::source::keyring::KeyringFault;
use crate::source::secret::Keep;
use crate::source::token::TokenError;
use crate::world::NoAnswer;
use hw::oath::AccountId;
use std::io;
use std::path::PathBuf;

/// See the module.
#[derive(Debug)]
pub enum AccountsError {
    /// The token.
    Token(TokenError),
    /// What was given for the account.
    Account(AccountFault),
    /// The secret was on the command line, where others can read it.
    SecretInArguments,
    /// Nobody typed the secret.
    NoSecret(NoAnswer),
    /// Standard input.
    Input(io::Error),
    /// The picture with the QR code.
    Picture {
        /// The file.
        path: PathBuf,
        /// Why.
        fault: PictureFault,
    },
    /// It was not said that the account is to be removed.
    Unconfirmed {
        /// The account.
        id: AccountId,
        /// Why not; `None` if somebody said no.
        answer: Option<NoAnswer>,
    },
    /// Nobody typed the new password.
    NoPassword(NoAnswer),
    /// It was typed three times, and each time not twice the same.
    Unlike,
    /// There is a password already.
    IsSet {
        /// The token.
        token: String,
    },
    /// There is no password.
    IsNotSet {
        /// The token.
        token: String,
    },
    /// The keyring.
    Keyring(KeyringFault),
    /// There is a secret already where one is to be kept.
    SecretTaken {
        /// Where.
        place: String,
    },
    /// There is no secret to be removed.
    SecretMissing {
        /// Where.
        place: String,
    },
    /// It was not said that a secret is to be removed.
    SecretUnconfirmed {
        /// Where it is.
        place: String,
        /// Why not; `None` if somebody said no.
        answer: Option<NoAnswer>,
    },
    /// A secret could not be kept somewhere, or removed.
    Keep(Keep),
    /// The applet has no passwords of this kind.
    HasNone {
        /// The token.
        token: String,
    },
}

impl From<TokenError> for AccountsError {
    fn from(error: TokenError) -> Self {
        Self::Token(error)
    }
}

impl From<Keep> for AccountsError {
    fn from(fault: Keep) -> Self {
        Self::Keep(fault)
    }
}

impl From<AccountFault> for AccountsError {
    fn from(fault: AccountFault) -> Self {
        Self::Account(fault)
    }
}
