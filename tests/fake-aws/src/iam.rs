//! IAM: ListMFADevices, under the self-service policy that AWS recommends (users see only themselves), and the calls
//! with which root locks out a compromised user: attaching AWSDenyAll, and removing keys and MFA devices.

use crate::action::{Action, Service};
use crate::clock::{UnixSeconds, iso_extended};
use crate::front::AuthorizedCall;
use crate::inventory::{Inventory, SessionKind};
use crate::mfa::MfaDevice;
use crate::policy;
use crate::refusal::AwsRefusal;
use crate::response::HttpResponse;
use crate::sts;
use crate::xml;

/// Lists the enabled MFA devices of a user, FIDO security keys included.
pub(crate) fn list_mfa_devices(inventory: &Inventory, asked: &AuthorizedCall<'_>) -> Result<HttpResponse, AwsRefusal> {
    let owner = user_asked_for(inventory, asked)?;
    let name = inventory.people[owner].name.as_deref().unwrap_or_default();
    let totp = inventory.devices.iter().filter(|device| device.owner == owner && device.enabled);
    let u2f = inventory.u2f.iter().filter(|key| key.owner == owner);
    let members: String = totp
        .map(|device| member(name, &device.serial_number, device.enable_date))
        .chain(u2f.map(|key| member(name, &key.serial_number, key.enable_date)))
        .collect();
    let inner = xml::element("MFADevices", &members) + &xml::text("IsTruncated", "false");
    Ok(HttpResponse::result(Service::Iam, Action::ListMfaDevices, &inner, asked.request_id))
}

/// Attaches AWSDenyAll to a user. No other policy exists here, and only root may attach it.
pub(crate) fn attach_user_policy(
    inventory: &mut Inventory,
    asked: &AuthorizedCall<'_>,
) -> Result<HttpResponse, AwsRefusal> {
    check_root(inventory, asked)?;
    let partition = inventory.partition(&inventory.people[asked.caller.owner].account);
    let policy = asked.field("PolicyArn").unwrap_or_default();
    if policy != format!("arn:{partition}:iam::aws:policy/AWSDenyAll") {
        return Err(no_such(format!("Policy {policy} does not exist or is not attachable.")));
    }
    let user = user_asked_for(inventory, asked)?;
    inventory.people[user].is_denied = true;
    Ok(HttpResponse::result(Service::Iam, Action::AttachUserPolicy, "", asked.request_id))
}

/// Deletes a user's long-term key. Sessions made with it stay valid.
pub(crate) fn delete_access_key(
    inventory: &mut Inventory,
    asked: &AuthorizedCall<'_>,
) -> Result<HttpResponse, AwsRefusal> {
    check_root(inventory, asked)?;
    let (user, id) = (user_asked_for(inventory, asked)?, asked.field("AccessKeyId").unwrap_or_default());
    if inventory.keys.get(id).is_none_or(|key| key.owner != user) {
        return Err(no_such(format!("The Access Key with id {id} cannot be found.")));
    }
    inventory.keys.remove(id);
    Ok(HttpResponse::result(Service::Iam, Action::DeleteAccessKey, "", asked.request_id))
}

/// Detaches an MFA device from its user.
pub(crate) fn deactivate_mfa_device(
    inventory: &mut Inventory,
    asked: &AuthorizedCall<'_>,
) -> Result<HttpResponse, AwsRefusal> {
    check_root(inventory, asked)?;
    let (user, serial_number) = (user_asked_for(inventory, asked)?, asked.field("SerialNumber").unwrap_or_default());
    let device = inventory.device_mut(serial_number).filter(|device| device.owner == user && device.enabled);
    device.ok_or_else(|| no_such("MFA Device invalid for user.".to_owned()))?.enabled = false;
    Ok(HttpResponse::result(Service::Iam, Action::DeactivateMfaDevice, "", asked.request_id))
}

/// Deletes an MFA device, which must have been deactivated.
pub(crate) fn delete_virtual_mfa_device(
    inventory: &mut Inventory,
    asked: &AuthorizedCall<'_>,
) -> Result<HttpResponse, AwsRefusal> {
    check_root(inventory, asked)?;
    let serial_number = asked.field("SerialNumber").unwrap_or_default();
    let missing = || no_such(format!("VirtualMFADevice with serial number {serial_number} does not exist."));
    let account = &inventory.people[asked.caller.owner].account;
    let is_meant = |device: &&MfaDevice| {
        device.serial_number == serial_number && &inventory.people[device.owner].account == account
    };
    if inventory.devices.iter().find(is_meant).ok_or_else(missing)?.enabled {
        return Err(AwsRefusal::new(409, "DeleteConflict", "MFA VirtualDevice in use. Must deactivate first."));
    }
    inventory.devices.retain(|device| device.serial_number != serial_number);
    Ok(HttpResponse::result(Service::Iam, Action::DeleteVirtualMfaDevice, "", asked.request_id))
}

/// Refuses callers other than root: only root may change anything.
fn check_root(inventory: &Inventory, asked: &AuthorizedCall<'_>) -> Result<(), AwsRefusal> {
    match inventory.people[asked.caller.owner].name {
        Some(_) => Err(not_authorized(&sts::identity(inventory, &asked.caller).0, asked)),
        None => Ok(()),
    }
}

fn no_such(message: String) -> AwsRefusal {
    AwsRefusal::new(404, "NoSuchEntity", message)
}

fn member(user: &str, serial_number: &str, enable_date: UnixSeconds) -> String {
    let inner = xml::text("UserName", user)
        + &xml::text("SerialNumber", serial_number)
        + &xml::text("EnableDate", &iso_extended(enable_date));
    xml::element("member", &inner)
}

/// Returns the index of the user named by `UserName`, or of the caller without it. Refuses if the caller may not see
/// that user.
fn user_asked_for(inventory: &Inventory, asked: &AuthorizedCall<'_>) -> Result<usize, AwsRefusal> {
    let caller = &asked.caller;
    let person = &inventory.people[caller.owner];
    match &caller.session {
        // Not `AccessDenied`: IAM treats a session without MFA as an unknown key.
        Some(SessionKind::User { mfa: false }) => {
            let message = "The security token included in the request is invalid.";
            return Err(AwsRefusal::new(403, "InvalidClientTokenId", message));
        }
        Some(SessionKind::Role { .. }) => {
            return Err(not_authorized(&sts::identity(inventory, caller).0, asked));
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
        |other: &crate::inventory::UserRecord| other.account == person.account && other.name.as_deref() == Some(wanted);
    inventory
        .people
        .iter()
        .position(of_account)
        .ok_or_else(|| no_such(format!("The user with name {wanted} cannot be found.")))
}

fn not_authorized(caller: &str, asked: &AuthorizedCall<'_>) -> AwsRefusal {
    let (permission, user) = (policy::permission(asked.question.action), asked.field("UserName").unwrap_or_default());
    AwsRefusal::access_denied(format!(
        "User: {caller} is not authorized to perform: {permission} on resource: user {user} \
         because no identity-based policy allows the {permission} action"
    ))
}
