//! `doctor`: checks everything that a login depends on, and prints a line for each check, with a fix for each fault.

use super::table::ascii;
use crate::cli;
use crate::doctor::examine;
use crate::plan::{self, NamedProfile};
use crate::report::Failure;
use crate::report::doctor::{Check, Severity, check, summary};
use crate::world::{self, World};
use serde_json::{Value, json};

pub(super) fn run(typed: &cli::DoctorArgs, world: &mut World) -> Result<(), Failure> {
    let how = typed.how();
    let interaction = plan::interaction(how.output, &how.touch_notice, &world.env)?;
    world.person.adjust(&interaction);
    let json = plan::json(typed.json, &world.env)?;
    let named = NamedProfile { argument: typed.profile.named.as_deref(), flag: typed.profile.profile.as_deref() };
    let findings = examine(named, &how, interaction.askable, world).map_err(Failure::Runtime)?;
    let checks: Vec<Check> = findings.iter().map(check).collect();
    let quiet = interaction.level == world::Level::Quiet;
    let text = if json { as_json(&checks) } else { as_lines(&checks, quiet) };
    world.out.write_all(text.as_bytes()).and_then(|()| world.out.flush()).map_err(Failure::Output)?;
    let faults = checks.iter().filter(|check| check.level == Severity::Fault).count();
    if faults == 0 { Ok(()) } else { Err(Failure::Faults) }
}

fn as_json(checks: &[Check]) -> String {
    let object = |check: &Check| json!({ "check": check.name, "level": check.level.name(), "message": check.message, "fix": check.fix });
    let checks: Vec<Value> = checks.iter().map(object).collect();
    ascii(&json!({ "checks": checks }))
}

/// Formats the checks for people; with `quiet`, only those that are not ok.
fn as_lines(checks: &[Check], quiet: bool) -> String {
    let told: Vec<&Check> = checks.iter().filter(|check| !quiet || check.level != Severity::Ok).collect();
    let width = told.iter().map(|check| check.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for check in &told {
        let (level, name) = (check.level.name(), check.name);
        text.push_str(&format!("{level:<7}  {name:<width$}  {}\n", check.message));
        if let Some(fix) = &check.fix {
            text.push_str(&format!("{:>7}  {fix}\n", "fix:"));
        }
    }
    if !quiet || !told.is_empty() {
        text.push_str(&format!("\n{}\n", summary(checks)));
    }
    text
}
