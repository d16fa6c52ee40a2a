//! `accounts password …`: sets, changes and clears the password of a token's OATH applet, and has it remembered or
//! forgotten.

mod memory;

use super::{AccountsFailure, TRIES, TokenDesk};
use crate::accounts::AccountsError;
use crate::cli::{self, PasswordCommand};
use crate::source::token::{SearchOutcome, TokenError, choose, name};
use crate::world::{NoAnswer, World};
use hw::change::Change;
use hw::oath::{AccessKey, DeviceId, Password};
use hw::survey::TokenInfo;
use secrecy::{ExposeSecret, SecretString};
use std::collections::VecDeque;
use std::io::{self, BufRead, Read};
use zeroize::Zeroizing;

pub(super) fn run(command: &PasswordCommand, world: &mut World) -> (&'static str, Result<(), AccountsFailure>) {
    match command {
        PasswordCommand::Set(typed) => ("could not set the password", set(typed, world)),
        PasswordCommand::Change(typed) => ("could not change the password", change(typed, world)),
        PasswordCommand::Clear(typed) => ("could not clear the password", clear(typed, world)),
        PasswordCommand::Remember(typed) => ("could not remember the password", memory::remember(typed, world)),
        PasswordCommand::Forget(typed) => ("could not forget the password", memory::forget(typed, world)),
    }
}

fn set(typed: &cli::PasswordChangeArgs, world: &mut World) -> Result<(), AccountsFailure> {
    let desk = TokenDesk::new(&typed.plugged, world)?;
    let mut piped = lines(typed, 1, world)?;
    let (token, has_password) = standing(&desk)?;
    if has_password {
        return Err(AccountsError::IsSet { token }.into());
    }
    let look = desk.token(None)?;
    give(&desk, &look, &mut piped)?;
    world.person.tell(&format!("{token} is now locked with a password."));
    Ok(())
}

fn change(typed: &cli::PasswordChangeArgs, world: &mut World) -> Result<(), AccountsFailure> {
    let desk = TokenDesk::new(&typed.plugged, world)?;
    let mut piped = lines(typed, 2, world)?;
    let look = with_present_password(&desk, &mut piped)?;
    give(&desk, &look, &mut piped)?;
    world.person.tell(&format!("Changed the password of {}.", name(&look)));
    Ok(())
}

fn clear(typed: &cli::PasswordChangeArgs, world: &mut World) -> Result<(), AccountsFailure> {
    let desk = TokenDesk::new(&typed.plugged, world)?;
    let mut piped = lines(typed, 1, world)?;
    let look = with_present_password(&desk, &mut piped)?;
    desk.change(&look, Change::ClearPassword)?;
    memory::follow(&desk, &look, None);
    world.person.tell(&format!("Removed the password of {}.", name(&look)));
    Ok(())
}

/// Returns the wanted token's name, and true if its applet is locked with a password, for which nobody is asked.
fn standing(desk: &TokenDesk) -> Result<(String, bool), TokenError> {
    Ok(match choose(&*desk.survey()?, desk.serial())? {
        SearchOutcome::Locked { token, .. } => (token, true),
        SearchOutcome::Found(look) => (name(&look), false),
    })
}

/// Returns the wanted token, unlocked with its present password.
fn with_present_password(desk: &TokenDesk, piped: &mut PipedLines) -> Result<TokenInfo, AccountsError> {
    let (token, has_password) = standing(desk)?;
    if !has_password {
        return Err(AccountsError::IsNotSet { token });
    }
    let present = piped.as_mut().map(|lines| lines.pop_front().ok_or(AccountsError::NoPassword(NoAnswer::Nothing)));
    Ok(desk.token(present.transpose()?.as_ref())?)
}

/// Sets a new password, which the keyring remembers if it remembered the old one.
fn give(desk: &TokenDesk, look: &TokenInfo, piped: &mut PipedLines) -> Result<(), AccountsError> {
    let Some(device_id) = look.device_id() else { return Err(AccountsError::HasNone { token: name(look) }) };
    let password = match piped {
        Some(lines) => lines.pop_front().ok_or(AccountsError::NoPassword(NoAnswer::Nothing))?,
        None => typed_twice(desk, &name(look))?,
    };
    let key = key(&password, device_id);
    desk.change(look, Change::SetPassword { key: key.clone() })?;
    memory::follow(desk, look, Some(&key));
    Ok(())
}

fn key(password: &SecretString, device_id: &DeviceId) -> AccessKey {
    AccessKey::derive(&Password::new(password.expose_secret().to_owned()), device_id)
}

/// Asks for a new password twice, and again if the two differ, three times at most.
fn typed_twice(desk: &TokenDesk, token: &str) -> Result<SecretString, AccountsError> {
    for _ in 0..TRIES {
        let ask = |question: &str| desk.ask(question, false).map_err(AccountsError::NoPassword);
        let first = ask(&format!("New OATH password for {token}: "))?;
        let second = ask("Repeat it: ")?;
        if first.expose_secret() == second.expose_secret() {
            return Ok(first);
        }
        desk.person.must_know("The two did not match. Try again.");
    }
    Err(AccountsError::Unlike)
}

/// Lines of standard input that have not been used yet; `None` if passwords are typed.
type PipedLines = Option<VecDeque<SecretString>>;

/// Reads `count` passwords from standard input, one a line, if the command line says so.
fn lines(typed: &cli::PasswordChangeArgs, count: usize, world: &mut World) -> Result<PipedLines, AccountsError> {
    if !typed.stdin {
        return Ok(None);
    }
    world.read_stdin(move |input| read(input, count)).map(Some).map_err(AccountsError::Input)
}

fn read(mut input: &mut dyn BufRead, count: usize) -> io::Result<VecDeque<SecretString>> {
    /// Upper bound for a password's length in bytes, as for a typed one.
    const LONGEST: u64 = 4096;
    let mut lines = VecDeque::new();
    while lines.len() < count {
        let mut line = Zeroizing::new(String::with_capacity(LONGEST as usize));
        (&mut input).take(LONGEST).read_line(&mut line)?;
        let password = line.trim_end_matches(['\n', '\r']);
        if password.is_empty() {
            break;
        }
        lines.push_back(SecretString::from(password.to_owned()));
    }
    Ok(lines)
}
