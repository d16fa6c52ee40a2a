//! Reasons why accounts on a token, or secrets in software, could not be listed or changed.

use super::{AccountFault, PictureFault};
use crate::source::keyring::KeyringFault;
use crate::source::secret::Keep;
use crate::source::token::TokenError;
use crate::world::NoAnswer;
use hw::oath::AccountId;
use std::io;
use std::path::PathBuf;

/// Reason why a command about accounts or secrets failed.
#[derive(Debug)]
pub enum AccountsError {
    /// The token could not be found, unlocked or changed.
    Token(TokenError),
    /// The input does not describe an account.
    Account(AccountFault),
    /// The secret was given on the command line, where other users can read it.
    SecretInArguments,
    /// Nobody typed the secret.
    NoSecret(NoAnswer),
    /// Standard input could not be read.
    Input(io::Error),
    /// The picture shows no QR code of an account.
    Picture {
        /// Path of the picture.
        path: PathBuf,
        /// The reason why no account was found in the picture.
        fault: PictureFault,
    },
    /// Nobody confirmed that the account is to be removed.
    Unconfirmed {
        /// Id of the account that was not removed.
        id: AccountId,
        /// The reason why there was no answer; `None` if the answer was no.
        answer: Option<NoAnswer>,
    },
    /// Nobody typed the new password.
    NoPassword(NoAnswer),
    /// The new password was typed differently the second time, three times in a row.
    Unlike,
    /// The applet has a password already.
    IsSet {
        /// Name of the token, as shown to a person.
        token: String,
    },
    /// The applet has no password.
    IsNotSet {
        /// Name of the token, as shown to a person.
        token: String,
    },
    /// The request to the keyring failed.
    Keyring(KeyringFault),
    /// The place for the new secret already holds something.
    SecretTaken {
        /// Where the secret is stored, or should be, as shown to a person.
        place: String,
    },
    /// The place holds no secret that could be removed.
    SecretMissing {
        /// Where the secret is stored, or should be, as shown to a person.
        place: String,
    },
    /// Nobody confirmed that the secret is to be removed.
    SecretUnconfirmed {
        /// Where the secret is stored, or should be, as shown to a person.
        place: String,
        /// The reason why there was no answer; `None` if the answer was no.
        answer: Option<NoAnswer>,
    },
    /// A secret could not be stored or removed.
    Keep(Keep),
    /// The applet has no device id, without which a password cannot be set or remembered.
    HasNone {
        /// Name of the token, as shown to a person.
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
