//! What is denied to a user: with AWSDenyAll attached, everything that a policy can deny, in sessions that are out as well.

use crate::action::Action;
use crate::front::AuthorizedCall;
use crate::inventory::{Inventory, SessionKind};
use crate::refusal::AwsRefusal;
use crate::sts;

/// Refuses who is denied everything. Whose key it is, and that somebody has an MFA device, no policy keeps anybody from
/// being told by STS; and a role's session has the role's policies, not those of the user who took it.
pub(crate) fn check(inventory: &Inventory, asked: &AuthorizedCall<'_>) -> Result<(), AwsRefusal> {
    let is_out_of_reach = matches!(asked.question.action, Action::GetCallerIdentity | Action::GetSessionToken)
        || matches!(asked.caller.session, Some(SessionKind::Role { .. }));
    if is_out_of_reach || !inventory.people[asked.caller.owner].is_denied {
        return Ok(());
    }
    Err(denied(inventory, asked, "*"))
}

/// The refusal of a policy that says `Deny`.
pub(crate) fn denied(inventory: &Inventory, asked: &AuthorizedCall<'_>, resource: &str) -> AwsRefusal {
    let caller = sts::identity(inventory, &asked.caller).0;
    let permission = permission(asked.question.action);
    AwsRefusal::access_denied(format!(
        "User: {caller} is not authorized to perform: {permission} on resource: \"{resource}\" \
         with an explicit deny in an identity-based policy"
    ))
}

/// What a policy calls an action.
pub(crate) fn permission(action: Action) -> &'static str {
    match action {
        Action::GetCallerIdentity => "sts:GetCallerIdentity",
        Action::GetSessionToken => "sts:GetSessionToken",
        Action::AssumeRole => "sts:AssumeRole",
        Action::ListMfaDevices => "iam:ListMFADevices",
        Action::AttachUserPolicy => "iam:AttachUserPolicy",
        Action::DeleteAccessKey => "iam:DeleteAccessKey",
        Action::DeactivateMfaDevice => "iam:DeactivateMFADevice",
        Action::DeleteVirtualMfaDevice => "iam:DeleteVirtualMFADevice",
        Action::ListBuckets => "s3:ListAllMyBuckets",
        Action::ListObjectsV2 => "s3:ListBucket",
        Action::Unknown => "*",
    }
}
