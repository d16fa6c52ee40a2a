//! Why the accounts of a token could not be shown or changed.

use super::{AccountFault, PictureFault};
use crate::source::keyring::KeyringFault;
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

impl From<AccountFault> for AccountsError {
    fn from(fault: AccountFault) -> Self {
        Self::Account(fault)
    }
}
