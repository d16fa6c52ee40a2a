//! `tokens`: lists the tokens that are plugged in and their AWS accounts. Nobody is asked, and nothing is written.

use super::accounts::{TokenDesk, as_json, touch_and_all};
use super::table::{ascii, table};
use crate::cli;
use crate::plan;
use crate::report::Failure;
use crate::source::token::{TokenError, is_of_aws, is_there, present};
use crate::world::{World, printable};
use hw::apdu::ExchangeError;
use hw::oath::{Account, OathError};
use hw::survey::{Contents, TokenInfo, Unseen};
use serde_json::{Value, json};

/// Error line for all failures of this command.
/// Upper bound for the accounts in a token's row.
const WHAT: &str = "could not list the tokens";
const MOST: usize = 4;

pub(super) fn run(typed: &cli::TokensArgs, world: &mut World) -> Result<(), Failure> {
    let desk = TokenDesk::new(&typed.plugged, world)?;
    let failed = |error: TokenError| Failure::Accounts { what: WHAT, error: Box::new(error.into()) };
    let (survey, fault) = desk.present().map_err(failed)?;
    let looks = present(&survey, desk.serial()).unwrap_or_default();
    // If the requested token was not found, it may be one of those that could not be examined.
    let unseen = survey.unseen.iter().filter(|unseen| is_there(unseen));
    let unseen: Vec<&Unseen> = unseen.filter(|_| desk.serial().is_none() || looks.is_empty()).collect();
    let json = plan::json(typed.json, &world.env)?;
    if !looks.is_empty() || !unseen.is_empty() || json {
        let text = if json { rows_as_json(&looks, &unseen) } else { rows_as_table(&looks, &unseen) };
        world.out.write_all(text.as_bytes()).map_err(Failure::Output)?;
    }
    if json && fault.is_none() {
        for unseen in &unseen {
            world.person.must_know(&why(unseen));
        }
    }
    fault.map_or(Ok(()), |error| Err(failed(error)))
}

/// Returns the reason why a token could not be examined, after its reader's name.
fn why(unseen: &Unseen) -> String {
    let why = match &unseen.why {
        OathError::Exchange(ExchangeError::Carrier(why)) => why.to_string(),
        OathError::Exchange(why) => why.to_string(),
        why => why.to_string(),
    };
    format!("{}: {why}", printable(&unseen.reader, 100))
}

fn rows_as_json(looks: &[&TokenInfo], unseen: &[&Unseen]) -> String {
    let locked = |look: &TokenInfo| match look.contents {
        Contents::NoApplet { .. } => None,
        Contents::Locked { .. } => Some(true),
        Contents::Open { .. } => Some(false),
    };
    let row = |look: &&TokenInfo| {
        json!({
            "serial": look.identity.serial,
            "firmware": look.identity.firmware.map(|firmware| firmware.to_string()),
            "reader": look.reader,
            "locked": locked(look),
            "used": look.accounts().map(<[Account]>::len),
            "capacity": look.capacity(),
            "accounts": look.accounts().map(|accounts| accounts.iter().map(as_json).collect::<Vec<Value>>()),
        })
    };
    let nothing = |unseen: &&Unseen| {
        json!({
            "serial": null, "firmware": null, "reader": unseen.reader, "locked": null,
            "used": null, "capacity": null, "accounts": null,
        })
    };
    let tokens: Vec<Value> = looks.iter().map(row).chain(unseen.iter().map(nothing)).collect();
    ascii(&json!({ "tokens": tokens }))
}

fn rows_as_table(looks: &[&TokenInfo], unseen: &[&Unseen]) -> String {
    let unknown = || "-".to_owned();
    let row = |look: &&TokenInfo| {
        let (locked, accounts) = match &look.contents {
            Contents::NoApplet { disabled: Some(true), .. } => (unknown(), "its OATH applet is disabled".to_owned()),
            Contents::NoApplet { .. } => (unknown(), "it has no OATH applet".to_owned()),
            Contents::Locked { .. } => {
                ("yes".to_owned(), "`aws-mfa-key accounts list` asks for its password".to_owned())
            }
            Contents::Open { accounts, .. } => ("no".to_owned(), of_aws(accounts)),
        };
        let room = match (look.accounts().map(<[Account]>::len), look.capacity()) {
            (Some(used), Some(capacity)) => format!("{} of {capacity}", capacity.saturating_sub(used)),
            _ => unknown(),
        };
        let serial = look.identity.serial.map_or_else(unknown, |serial| serial.to_string());
        let firmware = look.identity.firmware.map_or_else(unknown, |firmware| firmware.to_string());
        [serial, firmware, locked, room, accounts]
    };
    let nothing = |unseen: &&Unseen| [unknown(), unknown(), unknown(), unknown(), why(unseen)];
    let rows = looks.iter().map(row).chain(unseen.iter().map(nothing));
    table(["SERIAL", "FIRMWARE", "LOCKED", "ROOM LEFT", "AWS ACCOUNTS"], rows)
}

/// Returns the accounts of AWS, and the number of other accounts.
fn of_aws(accounts: &[Account]) -> String {
    let ours: Vec<&Account> = accounts.iter().filter(|account| is_of_aws(&account.id)).collect();
    let mut said: Vec<String> = ours.iter().take(MOST).map(|account| touch_and_all(account)).collect();
    let unsaid = ours.len().saturating_sub(MOST);
    if unsaid > 0 {
        said.push(format!("{unsaid} more"));
    }
    let others = accounts.len() - ours.len();
    match (said.is_empty(), others) {
        (true, 0) => "none".to_owned(),
        (true, others) => format!("none ({others} other)"),
        (false, 0) => said.join(", "),
        (false, others) => format!("{} ({others} other)", said.join(", ")),
    }
}
