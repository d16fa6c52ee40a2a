//! `code`: prints a code of the MFA device, without a request to AWS.

use super::profile_plan;
use crate::cli;
use crate::login::code_alone;
use crate::plan::PlanError;
use crate::report::Failure;
use crate::sessions::wait_for_ledger;
use crate::source::token::Tokens;
use crate::world::{World, async_runtime};
use secrecy::ExposeSecret;

pub(super) fn run(typed: &cli::CodeArgs, world: &mut World) -> Result<(), Failure> {
    let plan = profile_plan::for_code(&typed.profile, &typed.how, world)?;
    let failed = |error| Failure::Login { profile: plan.profile.to_string(), error: Box::new(error) };
    let Some(serial) = plan.mfa_serial.clone() else {
        return Err(PlanError::NoSerial { profile: plan.profile.to_string() }.into());
    };
    let person = &world.person;
    let tokens = Tokens::on((world.bus)(plan.reader.as_deref()), world);
    let runtime = async_runtime::current_thread().map_err(Failure::Runtime)?;
    let code = runtime.block_on(async {
        let mut ledger = wait_for_ledger(&plan, &serial, world).await?;
        code_alone(&plan, &serial, &tokens, &world.clock, person, &mut ledger).await
    });
    let code = code.map_err(failed)?;
    writeln!(world.out, "{}", code.digits.expose_secret()).map_err(Failure::Output)
}
