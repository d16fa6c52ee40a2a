//! `accounts …`: lists and changes the accounts on a token.

mod add;
mod list;
mod password;
mod remove;
mod rename;

use crate::accounts::AccountsError;
use crate::aws::config_file::Profiles;
use crate::cli::{self, AccountsCommand};
use crate::plan::TokenChoice;
use crate::report::{self, Failure};
use crate::source::token::{TokenError, Tokens, choose, present};
use crate::world::{NoAnswer, Person, World, async_runtime};
use hw::change::{Change, ChangeError, ChangeRefusal};
use hw::oath::{Account, AccountId, OathType};
use hw::survey::{Survey, TokenInfo};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// Time limit for typing an answer.
const TYPING: Duration = Duration::from_mins(2);
/// Number of times that a person may type an answer that cannot be right.
const TRIES: usize = 3;

pub(super) fn run(command: &AccountsCommand, world: &mut World) -> Result<(), Failure> {
    let (what, outcome) = match command {
        AccountsCommand::List(typed) => return list::run(typed, world),
        AccountsCommand::Add(typed) => ("could not add the account", add::run(typed, world)),
        AccountsCommand::Rename(typed) => ("could not rename the account", rename::run(typed, world)),
        AccountsCommand::Remove(typed) => ("could not remove the account", remove::run(typed, world)),
        AccountsCommand::Password(typed) => password::run(&typed.command, world),
    };
    outcome.map_err(|stop| stop.failure(what))
}

/// Reason why a command about accounts failed.
enum AccountsFailure {
    /// A failure that other commands have as well.
    Failure(Failure),
    /// A failure that concerns accounts only.
    Accounts(AccountsError),
}

impl AccountsFailure {
    fn failure(self, what: &'static str) -> Failure {
        match self {
            Self::Failure(failure) => failure,
            Self::Accounts(error) => Failure::Accounts { what, error: Box::new(error) },
        }
    }
}

impl From<Failure> for AccountsFailure {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl<E: Into<AccountsError>> From<E> for AccountsFailure {
    fn from(error: E) -> Self {
        Self::Accounts(error.into())
    }
}

/// The tokens that a command works on, and the person it talks to.
pub(super) struct TokenDesk {
    plugged: TokenChoice,
    tokens: Tokens,
    person: Person,
    runtime: Runtime,
}

impl TokenDesk {
    /// Makes the desk with the choice of a token and the settings on the command line.
    pub(super) fn new(typed: &cli::TokenArgs, world: &World) -> Result<Self, Failure> {
        let plugged = TokenChoice::decide(typed, &world.env)?;
        let person = world.person.clone();
        person.adjust(&plugged.interaction);
        let tokens = Tokens::on((world.bus)(plugged.reader.as_deref()), world);
        let runtime = async_runtime::current_thread().map_err(Failure::Runtime)?;
        Ok(Self { plugged, tokens, person, runtime })
    }

    /// Returns the serial number of the wanted token; `None` for any token.
    pub(super) fn serial(&self) -> Option<u32> {
        self.plugged.token
    }

    /// Adds a guess at who is using the token, if the error says that another program does.
    pub(super) fn explained(&self, error: TokenError) -> TokenError {
        self.tokens.explained(error)
    }

    /// Surveys the tokens. The wanted one is among them.
    pub(super) fn survey(&self) -> Result<Arc<Survey>, TokenError> {
        let (survey, fault) = self.present()?;
        fault.map_or(Ok(survey), Err)
    }

    /// Surveys the tokens, and returns also the reason if the wanted one is not among them. It is waited for before,
    /// if the command line says so.
    pub(super) fn present(&self) -> Result<(Arc<Survey>, Option<TokenError>), TokenError> {
        let attempt = async || present(&*self.tokens.look().await?, self.serial()).map(drop);
        let (outcome, survey) = self.runtime.block_on(async {
            (self.tokens.awaited(self.plugged.wait, None, attempt).await, self.tokens.look().await)
        });
        match (outcome, survey) {
            (Err(fault), Err(_)) => Err(fault),
            (outcome, survey) => Ok((survey?, outcome.err().map(|fault| self.explained(fault)))),
        }
    }

    /// Returns the wanted token, unlocked with the password `given`, or else with a remembered or typed one.
    fn token(&self, given: Option<&SecretString>) -> Result<TokenInfo, TokenError> {
        let lookup = |survey: &Survey| choose(survey, self.plugged.token);
        let attempt = async || self.tokens.unlocked(&self.person, given, lookup).await;
        self.runtime.block_on(self.tokens.awaited(self.plugged.wait, None, attempt))
    }

    fn change(&self, look: &TokenInfo, change: Change) -> Result<(), TokenError> {
        self.runtime.block_on(self.tokens.change(look, change, &self.person))
    }

    /// Asks the person for one line. No token is held meanwhile.
    fn ask(&self, question: &str, echo: bool) -> Result<SecretString, NoAnswer> {
        self.runtime.block_on(self.person.ask(question, echo, TYPING))
    }
}

/// Shows for each profile that names an account by its old id the command that corrects it. `now` is the new id;
/// `None` if the account was removed.
fn tell_profiles(before: &AccountId, now: Option<&AccountId>, world: &World) {
    // Without readable files there are no such profiles.
    let Ok(profiles) = Profiles::read(&world.env) else { return };
    for name in profiles.names() {
        let named = profiles.get(name).and_then(|profile| profile.get("mfa_key_account"));
        if named.is_some_and(|id| id.as_bytes() == before.as_bytes()) {
            world.person.must_know(&report::account_is_named(name, now));
        }
    }
}

/// Returns the error for a change that its preconditions do not allow, found before a person is asked for anything.
fn refused(look: &TokenInfo, refusal: ChangeRefusal) -> TokenError {
    TokenError::Change { token: crate::source::token::name(look), why: ChangeError::Refused(refusal) }
}

/// Returns one account as JSON; unknown facts are `null`.
pub(super) fn as_json(account: &Account) -> Value {
    let period = (account.kind == OathType::Totp).then(|| account.id.period().get());
    let id = String::from_utf8_lossy(account.id.as_bytes());
    json!({ "id": id, "touch": account.touch, "digits": account.digits, "period": period })
}

/// Formats one account for a row about something else: its id, and if it needs a touch.
pub(super) fn touch_and_all(account: &Account) -> String {
    let touch = if account.touch == Some(true) { " (touch)" } else { "" };
    format!("{}{touch}", account.id)
}
