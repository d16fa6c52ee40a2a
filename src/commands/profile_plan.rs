//! The plan for the one profile that a command names, and the code that was passed with `--code`.

use crate::aws::config_file::Profiles;
use crate::cli;
use crate::plan::{self, Aim, NamedProfile, Plan, PlanInputs, ProfileChoice};
use crate::report::Failure;
use crate::world::World;
use secrecy::SecretString;
use std::io::{BufRead, Read};
use zeroize::Zeroizing;

/// Makes the plan for a session of the profile, from AWS's files as they are now.
///
/// # Errors
/// [`Failure::Plan`] if the settings do not allow a session; [`Failure::Input`] if no code can be read from standard
/// input.
pub(super) fn for_session(
    named: &cli::ProfileArgs,
    how: &cli::LoginOptions,
    world: &mut World,
) -> Result<(Plan, Profiles), Failure> {
    decide(Aim::Session, named, how, world)
}

/// Makes the plan for a code of the profile, without a session.
///
/// # Errors
/// As [`for_session`].
pub(super) fn for_code(named: &cli::ProfileArgs, how: &cli::LoginOptions, world: &mut World) -> Result<Plan, Failure> {
    decide(Aim::Code, named, how, world).map(|(plan, _)| plan)
}

fn decide(
    aim: Aim,
    named: &cli::ProfileArgs,
    how: &cli::LoginOptions,
    world: &mut World,
) -> Result<(Plan, Profiles), Failure> {
    let interaction = plan::interaction(how.output, &how.touch_notice, &world.env)?;
    world.person.adjust(&interaction);
    let profiles = Profiles::read(&world.env)?;
    let code = given_code(how, world)?;
    let named = NamedProfile { argument: named.named.as_deref(), flag: named.profile.as_deref() };
    let which = ProfileChoice::of(named, &world.env, &profiles)?;
    let said = PlanInputs { aim, typed: how, code: code.as_ref(), env: &world.env, profiles: &profiles };
    Ok((Plan::make(&which, said)?, profiles))
}

/// Returns the code that `--code` passes: its value, or for `-` the first line of standard input.
///
/// # Errors
/// [`Failure::Input`] if standard input cannot be read, or has no line within two minutes.
pub(super) fn given_code(how: &cli::LoginOptions, world: &mut World) -> Result<Option<SecretString>, Failure> {
    /// Upper bound for that line, in bytes.
    const LONGEST: u64 = 256;
    let Some(code) = &how.code else { return Ok(None) };
    if code != "-" {
        return Ok(Some(SecretString::from(code.to_string_lossy().into_owned())));
    }
    let line = world.read_stdin(|input| {
        let mut line = Zeroizing::new(String::with_capacity(256));
        input.take(LONGEST).read_line(&mut line)?;
        Ok(SecretString::from(line.as_str()))
    });
    line.map(Some).map_err(Failure::Input)
}
