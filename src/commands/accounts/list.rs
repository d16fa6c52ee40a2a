//! `accounts list`: lists the accounts on a token.

use super::{TokenDesk, as_json};
use crate::cli;
use crate::commands::table::{ascii, table};
use crate::plan;
use crate::report::Failure;
use crate::world::World;
use hw::oath::{Account, OathType};
use serde_json::{Value, json};

pub(super) fn run(typed: &cli::ListArgs, world: &mut World) -> Result<(), Failure> {
    let desk = TokenDesk::new(&typed.plugged, world)?;
    let json = plan::json(typed.json, &world.env)?;
    let what = "could not list the accounts";
    let look = desk.token(None).map_err(|error| Failure::Accounts { what, error: Box::new(error.into()) })?;
    if look.select_response().is_some_and(|select_response| select_response.pin_tries.is_some()) {
        world.person.tell("note: accounts behind the token's PIN are not shown");
    }
    let accounts = look.accounts().unwrap_or_default();
    let text = if json { rows_as_json(accounts) } else { rows_as_table(accounts) };
    world.out.write_all(text.as_bytes()).map_err(Failure::Output)
}

fn rows_as_json(accounts: &[Account]) -> String {
    let rows: Vec<Value> = accounts.iter().map(as_json).collect();
    ascii(&json!({ "accounts": rows }))
}

fn rows_as_table(accounts: &[Account]) -> String {
    if accounts.is_empty() {
        return "No accounts. Add one: `aws-mfa-key accounts add`\n".to_owned();
    }
    let row = |account: &Account| {
        let touch = match account.touch {
            Some(true) => "yes",
            Some(false) => "no",
            None => "-",
        };
        let period = match account.kind {
            OathType::Totp => format!("{} s", account.id.period()),
            OathType::Hotp => "counter".to_owned(),
        };
        let digits = account.digits.map_or("-".to_owned(), |digits| digits.to_string());
        [account.id.to_string(), touch.to_owned(), digits, period]
    };
    table(["ID", "TOUCH", "DIGITS", "PERIOD"], accounts.iter().map(row))
}
