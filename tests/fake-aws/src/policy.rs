//! Identity-based policies, of which AWSDenyAll is the only one: it denies every call that a policy can deny, in
//! existing sessions too.

use crate::action::Action;
use crate::front::AuthorizedCall;
use crate::inventory::{Inventory, SessionKind};
use crate::refusal::AwsRefusal;
use crate::sts;

/// Refuses callers with AWSDenyAll. No policy can deny GetCallerIdentity or GetSessionToken; a role's session has the
/// role's policies, not those of the user who assumed it.
pub(crate) fn check(inventory: &Inventory, asked: &AuthorizedCall<'_>) -> Result<(), AwsRefusal> {
    let is_out_of_reach = matches!(asked.question.action, Action::GetCallerIdentity | Action::GetSessionToken)
        || matches!(asked.caller.session, Some(SessionKind::Role { .. }));
    if is_out_of_reach || !inventory.people[asked.caller.owner].is_denied {
        return Ok(());
    }
    Err(denied(inventory, asked, "*"))
}

/// Builds the refusal of an explicit `Deny`.
pub(crate) fn denied(inventory: &Inventory, asked: &AuthorizedCall<'_>, resource: &str) -> AwsRefusal {
    let caller = sts::identity(inventory, &asked.caller).0;
    let permission = permission(asked.question.action);
    AwsRefusal::access_denied(format!(
        "User: {caller} is not authorized to perform: {permission} on resource: \"{resource}\" \
         with an explicit deny in an identity-based policy"
    ))
}

/// Returns the name of an action in policies.
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
