//! IAM: ListMFADevices, under the self-service policy that AWS recommends (each user may look at themselves), and what root
//! does about a user who is lost: AttachUserPolicy of AWSDenyAll, and taking away keys and MFA devices.

use crate::action::{Action, Service};
use crate::answer::Answer;
use crate::clock::{UnixSeconds, iso_extended};
use crate::front::Asked;
use crate::mfa::Device;
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
    check_root(world, asked)?;
    let partition = world.partition(&world.people[asked.caller.owner].account);
    let policy = asked.field("PolicyArn").unwrap_or_default();
    if policy != format!("arn:{partition}:iam::aws:policy/AWSDenyAll") {
        return Err(no_such(format!("Policy {policy} does not exist or is not attachable.")));
    }
    let user = user_asked_for(world, asked)?;
    world.people[user].is_denied = true;
    Ok(Answer::result(Service::Iam, Action::AttachUserPolicy, "", asked.request_id))
}

/// Takes away a user's long-term key; sessions that came from it go on.
pub(crate) fn delete_access_key(world: &mut World, asked: &Asked<'_>) -> Result<Answer, Refusal> {
    check_root(world, asked)?;
    let (user, id) = (user_asked_for(world, asked)?, asked.field("AccessKeyId").unwrap_or_default());
    if world.keys.get(id).is_none_or(|key| key.owner != user) {
        return Err(no_such(format!("The Access Key with id {id} cannot be found.")));
    }
    world.keys.remove(id);
    Ok(Answer::result(Service::Iam, Action::DeleteAccessKey, "", asked.request_id))
}

/// Takes an MFA device away from its user.
pub(crate) fn deactivate_mfa_device(world: &mut World, asked: &Asked<'_>) -> Result<Answer, Refusal> {
    check_root(world, asked)?;
    let (user, serial_number) = (user_asked_for(world, asked)?, asked.field("SerialNumber").unwrap_or_default());
    let device = world.device_mut(serial_number).filter(|device| device.owner == user && device.enabled);
    device.ok_or_else(|| no_such("MFA Device invalid for user.".to_owned()))?.enabled = false;
    Ok(Answer::result(Service::Iam, Action::DeactivateMfaDevice, "", asked.request_id))
}

/// Deletes an MFA device that was taken away from its user.
pub(crate) fn delete_virtual_mfa_device(world: &mut World, asked: &Asked<'_>) -> Result<Answer, Refusal> {
    check_root(world, asked)?;
    let serial_number = asked.field("SerialNumber").unwrap_or_default();
    let missing = || no_such(format!("VirtualMFADevice with serial number {serial_number} does not exist."));
    let account = &world.people[asked.caller.owner].account;
    let is_meant =
        |device: &&Device| device.serial_number == serial_number && &world.people[device.owner].account == account;
    if world.devices.iter().find(is_meant).ok_or_else(missing)?.enabled {
        return Err(Refusal::new(409, "DeleteConflict", "MFA VirtualDevice in use. Must deactivate first."));
    }
    world.devices.retain(|device| device.serial_number != serial_number);
    Ok(Answer::result(Service::Iam, Action::DeleteVirtualMfaDevice, "", asked.request_id))
}

/// Nobody else may change anything.
fn check_root(world: &World, asked: &Asked<'_>) -> Result<(), Refusal> {
    match world.people[asked.caller.owner].name {
        Some(_) => Err(not_authorized(&sts::identity(world, &asked.caller).0, asked)),
        None => Ok(()),
    }
}

fn no_such(message: String) -> Refusal {
    Refusal::new(404, "NoSuchEntity", message)
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
        .ok_or_else(|| no_such(format!("The user with name {wanted} cannot be found.")))
}

fn not_authorized(caller: &str, asked: &Asked<'_>) -> Refusal {
    let (permission, user) = (policy::permission(asked.question.action), asked.field("UserName").unwrap_or_default());
    Refusal::access_denied(format!(
        "User: {caller} is not authorized to perform: {permission} on resource: user {user} \
         because no identity-based policy allows the {permission} action"
    ))
}
