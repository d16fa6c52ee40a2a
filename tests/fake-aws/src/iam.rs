//! IAM: ListMFADevices, under the self-service policy that AWS recommends (each user may look at themselves), and
//! AttachUserPolicy of AWSDenyAll, which root may.

use crate::action::{Action, Service};
use crate::answer::Answer;
use crate::clock::{UnixSeconds, iso_extended};
use crate::front::Asked;
use crate::policy;
use crate::refusal::Refusal;
use crate::sts;
use crate::world::{SessionKind, World};
use crate::xml;

/// The MFA devices of one user, FIDO keys among them.
pub(crate) fn list_mfa_devices(world: &World, asked: &Asked<'_>) -> Result<Answer, Refusal> {
    let owner = user_asked_for(world, asked)?;
    let name = world.people[owner].name.as_deref().unwrap_or_default();
    let totp = world.devices.iter().filter(|device| device.owner == owner && device.enabled);
    let u2f = world.u2f.iter().filter(|key| key.owner == owner);
    let members: String = totp
        .map(|device| member(name, &device.serial_number, device.enable_date))
        .chain(u2f.map(|key| member(name, &key.serial_number, key.enable_date)))
        .collect();
    let inner = xml::element("MFADevices", &members) + &xml::text("IsTruncated", "false");
    Ok(Answer::result(Service::Iam, Action::ListMfaDevices, &inner, asked.request_id))
}

/// Denies a user everything. There is no other policy here, and nobody but root who may attach one.
pub(crate) fn attach_user_policy(world: &mut World, asked: &Asked<'_>) -> Result<Answer, Refusal> {
    let caller = &world.people[asked.caller.owner];
    if caller.name.is_some() {
        let caller = sts::identity(world, &asked.caller).0;
        return Err(not_authorized(&caller, asked));
    }
    let partition = world.partition(&caller.account);
    let policy = asked.field("PolicyArn").unwrap_or_default();
    if policy != format!("arn:{partition}:iam::aws:policy/AWSDenyAll") {
        let message = format!("Policy {policy} does not exist or is not attachable.");
        return Err(Refusal::new(404, "NoSuchEntity", message));
    }
    let user = user_asked_for(world, asked)?;
    world.people[user].is_denied = true;
    Ok(Answer::result(Service::Iam, Action::AttachUserPolicy, "", asked.request_id))
}

fn member(user: &str, serial_number: &str, enable_date: UnixSeconds) -> String {
    let inner = xml::text("UserName", user)
        + &xml::text("SerialNumber", serial_number)
        + &xml::text("EnableDate", &iso_extended(enable_date));
    xml::element("member", &inner)
}

/// The user that `UserName` names or, without it, the one who signed; refuses who may not know.
fn user_asked_for(world: &World, asked: &Asked<'_>) -> Result<usize, Refusal> {
    let caller = &asked.caller;
    let person = &world.people[caller.owner];
    match &caller.session {
        // Not AccessDenied: IAM does not know a session without MFA at all.
        Some(SessionKind::User { mfa: false }) => {
            let message = "The security token included in the request is invalid.";
            return Err(Refusal::new(403, "InvalidClientTokenId", message));
        }
        Some(SessionKind::Role { .. }) => {
            return Err(not_authorized(&sts::identity(world, caller).0, asked));
        }
        _ => {}
    }
    let Some(wanted) = asked.field("UserName") else {
        return Ok(caller.owner);
    };
    if person.name.as_deref() == Some(wanted) {
        return Ok(caller.owner);
    }
    if person.name.is_some() {
        return Err(not_authorized(&person.arn, asked));
    }
    let of_account =
        |other: &crate::world::Person| other.account == person.account && other.name.as_deref() == Some(wanted);
    world
        .people
        .iter()
        .position(of_account)
        .ok_or_else(|| Refusal::new(404, "NoSuchEntity", format!("The user with name {wanted} cannot be found.")))
}

fn not_authorized(caller: &str, asked: &Asked<'_>) -> Refusal {
    let (permission, user) = (policy::permission(asked.question.action), asked.field("UserName").unwrap_or_default());
    Refusal::access_denied(format!(
        "User: {caller} is not authorized to perform: {permission} on resource: user {user} \
         because no identity-based policy allows the {permission} action"
    ))
}
