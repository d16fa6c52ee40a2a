//! `secret …`: stores, removes and lists the secrets of MFA devices in software.

use super::secret_input::without_a_person;
use crate::accounts::{AccountFault, AccountsError};
use crate::aws::config_file::Profiles;
use crate::cli::{self, SecretCommand};
use crate::plan::{self, NamedProfile, ProfileChoice, SecretHome};
use crate::report::{Failure, quoted};
use crate::source::secret::{SecretFault, SoftwareSecret, in_keyring};
use crate::world::{World, async_runtime, printable};
use hw::otpauth::{OtpauthError, may_be_secret};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;
use tokio::runtime::Runtime;

/// Time limit for typing an answer.
const TYPING: Duration = Duration::from_mins(2);
/// Number of invalid answers that a person may type before the command gives up.
const TRIES: usize = 3;

pub(super) fn run(command: &SecretCommand, world: &mut World) -> Result<(), Failure> {
    match command {
        SecretCommand::Add(typed) => add(typed, world),
        SecretCommand::Remove(typed) => remove(typed, world),
        SecretCommand::List(typed) => list(typed, world),
    }
}

fn add(typed: &cli::SecretAddArgs, world: &mut World) -> Result<(), Failure> {
    let failed = |error| Failure::Accounts { what: "could not store the secret", error: Box::new(error) };
    let words = [&typed.place.profile.named, &typed.place.profile.profile, &typed.place.keyring];
    if !typed.more.is_empty() || words.into_iter().flatten().any(|word| may_be_secret(word)) {
        return Err(failed(AccountsError::SecretInArguments));
    }
    let (home, runtime) = begin(&typed.place, typed.output, world)?;
    let place = home.place.to_string();
    let given = without_a_person(typed.qr.as_deref(), world).map_err(failed)?;
    let given = given.map(|text| parse(&text).map(|secret| (text, secret))).transpose().map_err(failed)?;
    let person = world.person.clone();
    let is_taken = runtime.block_on(home.place.is_taken(&person)).map_err(|fault| failed(fault.into()))?;
    if is_taken && !typed.force {
        return Err(failed(AccountsError::SecretTaken { place }));
    }
    let (text, secret) = match given {
        Some(given) => given,
        None => asked(&home, &runtime, world).map_err(failed)?,
    };
    let put = runtime.block_on(home.place.put(&text, typed.force, &person)).map_err(|fault| failed(fault.into()))?;
    if !put {
        return Err(failed(AccountsError::SecretTaken { place }));
    }
    person.tell(&format!("Stored the secret of profile {} in {place}.", printable(&home.profile, 100)));
    secret.doubt().iter().for_each(|doubt| person.tell(doubt));
    if let Err(SecretFault::Unlike { digits, period, algorithm }) = secret.check() {
        let kind = format!("{digits} digits, {period} s, {algorithm}");
        person.tell(&format!(
            "note: AWS does not use such codes ({kind}); `aws-mfa-key code` prints them, but they are useless for a login"
        ));
    }
    if !home.is_source {
        let source = home.place.as_source();
        let source = source
            .strip_suffix(&format!(":{}", home.profile))
            .filter(|source| *source == "secret:keyring")
            .unwrap_or(&source);
        let (source, profile) = (quoted(&printable(source, 300)), quoted(&printable(&home.profile, 100)));
        person.tell(&format!("next: `aws configure set mfa_key_source {source} --profile {profile}`"));
    }
    Ok(())
}

fn remove(typed: &cli::SecretRemoveArgs, world: &mut World) -> Result<(), Failure> {
    let failed = |error| Failure::Accounts { what: "could not remove the secret", error: Box::new(error) };
    let (home, runtime) = begin(&typed.place, typed.output, world)?;
    let (place, person) = (home.place.to_string(), &world.person);
    let is_there = runtime.block_on(home.place.is_taken(person)).map_err(|fault| failed(fault.into()))?;
    if !is_there {
        return Err(failed(AccountsError::SecretMissing { place }));
    }
    if !typed.yes {
        let question = format!("Remove the secret in {place}? It cannot be recovered. [y/N] ");
        let unconfirmed = |answer| failed(AccountsError::SecretUnconfirmed { place: place.clone(), answer });
        let answer =
            runtime.block_on(person.ask(&question, true, TYPING)).map_err(|answer| unconfirmed(Some(answer)))?;
        if !["y", "yes"].contains(&answer.expose_secret().trim().to_lowercase().as_str()) {
            return Err(unconfirmed(None));
        }
    }
    runtime.block_on(home.place.remove(person)).map_err(|fault| failed(fault.into()))?;
    person.tell(&format!("Removed the secret from {place}."));
    Ok(())
}

fn list(typed: &cli::SecretListArgs, world: &mut World) -> Result<(), Failure> {
    let runtime = talk(typed.output, world)?;
    let names = runtime.block_on(in_keyring(&world.env, &world.person)).map_err(|fault| {
        let error = Box::new(AccountsError::Keyring(fault));
        Failure::Accounts { what: "could not list the secrets", error }
    })?;
    let text: String = names.iter().map(|name| format!("{}\n", printable(name, 200))).collect();
    world.out.write_all(text.as_bytes()).map_err(Failure::Output)
}

/// Decides where the secret is kept, and how a person is talked to.
fn begin(
    typed: &cli::SecretPlaceArgs,
    how: cli::OutputArgs,
    world: &mut World,
) -> Result<(SecretHome, Runtime), Failure> {
    let runtime = talk(how, world)?;
    let profiles = Profiles::read(&world.env)?;
    let named = NamedProfile { argument: typed.profile.named.as_deref(), flag: typed.profile.profile.as_deref() };
    let which = ProfileChoice::of(named, &world.env, &profiles)?;
    Ok((plan::secret_home(&which, typed, &world.env, &profiles)?, runtime))
}

fn talk(typed: cli::OutputArgs, world: &World) -> Result<Runtime, Failure> {
    let interaction = plan::interaction(typed, &cli::TouchNoticeArgs::default(), &world.env)?;
    world.person.adjust(&interaction);
    async_runtime::current_thread().map_err(Failure::Runtime)
}

/// Asks the person for the secret.
fn asked(home: &SecretHome, runtime: &Runtime, world: &World) -> Result<(SecretString, SoftwareSecret), AccountsError> {
    let question = format!("Secret of profile {}, or its otpauth:// URI (hidden): ", printable(&home.profile, 100));
    let mut tried = 0;
    loop {
        let asking = world.person.ask(&question, false, TYPING);
        let text = runtime.block_on(asking).map_err(AccountsError::NoSecret)?;
        tried += 1;
        match parse(&text) {
            Err(AccountsError::Account(AccountFault::Issued(OtpauthError::NotASecret))) if tried < TRIES => {
                world.person.must_know("That is neither base32 nor an otpauth:// URI. Try again.")
            }
            outcome => return outcome.map(|secret| (text, secret)),
        }
    }
}

fn parse(text: &SecretString) -> Result<SoftwareSecret, AccountsError> {
    SoftwareSecret::parse(text.expose_secret()).map_err(|fault| AccountsError::Account(fault.into()))
}
