//! `code`: a code of the MFA device on standard output, and nothing else; AWS is not asked.

use super::session;
use crate::cli;
use crate::ledger;
use crate::login::{LoginError, code_alone};
use crate::plan::PlanError;
use crate::report::Failure;
use crate::world::World;
use secrecy::ExposeSecret;
use tokio::runtime;

pub(super) fn run(typed: &cli::Code, world: &mut World) -> Result<(), Failure> {
    let (plan, _) = session::plan(&typed.profile, &typed.how, world)?;
    let failed = |error| Failure::Login { profile: plan.profile.clone(), error: Box::new(error) };
    let Some(serial) = plan.mfa_serial.clone() else {
        return Err(PlanError::NoSerial { profile: plan.profile }.into());
    };
    let person = &mut world.person;
    let mut waiting = || person.show("Waiting for another login with the same MFA device", None);
    let held = ledger::hold(&plan.state, &serial, &mut waiting);
    world.person.clear();
    let mut ledger = held.map_err(|error| failed(LoginError::Ledger(error)))?;
    let runtime = runtime::Builder::new_current_thread().enable_time().build().map_err(Failure::Runtime)?;
    let bus = (world.bus)(plan.reader.as_deref());
    let code = code_alone(&plan, &serial, bus, &world.clock, &mut world.person, &mut ledger);
    let code = runtime.block_on(code).map_err(failed)?;
    writeln!(world.out, "{}", code.digits.expose_secret()).map_err(Failure::Output)
}
