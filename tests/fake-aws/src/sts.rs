//! STS: GetCallerIdentity, GetSessionToken, AssumeRole.

use crate::action::{Action, Service};
use crate::authorize::SignedCaller;
use crate::clock::{UnixSeconds, iso_extended};
use crate::front::AuthorizedCall;
use crate::inventory::{AwsSession, Inventory, RoleRecord, SessionKind};
use crate::mfa::Judgement;
use crate::refusal::{AwsRefusal, Constraints};
use crate::response::HttpResponse;
use crate::xml;

/// Longest session of root, and of a role assumed from another session, in seconds.
const HOUR: i64 = 3_600;

/// Answers GetCallerIdentity, which is allowed to every authenticated caller.
pub(crate) fn get_caller_identity(inventory: &Inventory, asked: &AuthorizedCall<'_>) -> HttpResponse {
    let (arn, id, account) = identity(inventory, &asked.caller);
    let inner = xml::text("Arn", &arn) + &xml::text("UserId", &id) + &xml::text("Account", &account);
    HttpResponse::result(Service::Sts, Action::GetCallerIdentity, &inner, asked.request_id)
}

/// Returns the ARN, unique id and AWS account of a caller.
pub(crate) fn identity(inventory: &Inventory, caller: &SignedCaller) -> (String, String, String) {
    if let Some(SessionKind::Role { role, session_name }) = &caller.session {
        let role = &inventory.roles[*role];
        return (
            assumed_arn(inventory, role, session_name),
            format!("{}:{session_name}", role.unique_id),
            role.account.clone(),
        );
    }
    let person = &inventory.people[caller.owner];
    (person.arn.clone(), person.unique_id.clone(), person.account.clone())
}

fn assumed_arn(inventory: &Inventory, role: &RoleRecord, session_name: &str) -> String {
    let (partition, account, name) = (inventory.partition(&role.account), &role.account, &role.role.name);
    format!("arn:{partition}:sts::{account}:assumed-role/{name}/{session_name}")
}

/// Answers GetSessionToken: a session for a long-term key, with MFA if the request carries a good code.
pub(crate) fn get_session_token(
    inventory: &mut Inventory,
    asked: &AuthorizedCall<'_>,
) -> Result<HttpResponse, AwsRefusal> {
    let mut wrong = Constraints::default();
    wrong.mfa(asked.field("SerialNumber"), asked.field("TokenCode"));
    let duration = wrong.number("durationSeconds", asked.field("DurationSeconds"), 900, 129_600, 43_200);
    wrong.into_result()?;
    if asked.caller.session.is_some() {
        return Err(AwsRefusal::access_denied("Cannot call GetSessionToken with session credentials"));
    }
    let mfa = check_mfa(inventory, asked)?;
    let owner = asked.caller.owner;
    // AWS shortens root's sessions to one hour instead of refusing the request; the default is one hour too.
    let duration = if inventory.people[owner].name.is_none() { duration.min(HOUR) } else { duration };
    let expires = asked.now + duration;
    let session = inventory.add_session(owner, SessionKind::User { mfa }, expires);
    let inner = credentials(&session, expires, asked.nanoseconds);
    Ok(HttpResponse::result(Service::Sts, Action::GetSessionToken, &inner, asked.request_id))
}

/// Checks and spends the request's code. Returns false if there is none. The messages are AWS's, trailing and double
/// blanks included.
fn check_mfa(inventory: &mut Inventory, asked: &AuthorizedCall<'_>) -> Result<bool, AwsRefusal> {
    let (serial_number, code) = match (asked.field("SerialNumber"), asked.field("TokenCode")) {
        (None, None) => return Ok(false),
        (Some(serial_number), Some(code)) => (serial_number, code),
        _ => {
            return Err(AwsRefusal::access_denied(
                "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code",
            ));
        }
    };
    let (owner, rules) = (asked.caller.owner, inventory.rules);
    let device = inventory.device_mut(serial_number).filter(|device| device.owner == owner && device.enabled);
    match device.map(|device| device.judge(code, asked.now, rules)) {
        Some(Judgement::Good) => Ok(true),
        Some(Judgement::Bad) => {
            Err(AwsRefusal::access_denied("MultiFactorAuthentication failed with invalid MFA one time pass code. "))
        }
        Some(Judgement::Locked) | None => Err(AwsRefusal::access_denied(
            "MultiFactorAuthentication failed, unable to validate MFA code.  \
             Please verify your MFA serial number is valid and associated with this user.",
        )),
    }
}

/// Answers AssumeRole: a session of a role, if its trust policy allows the caller.
pub(crate) fn assume_role(inventory: &mut Inventory, asked: &AuthorizedCall<'_>) -> Result<HttpResponse, AwsRefusal> {
    let duration = check_role_request(asked)?;
    if asked.caller.session.is_none() && inventory.people[asked.caller.owner].name.is_none() {
        return Err(AwsRefusal::access_denied("Roles may not be assumed by root accounts."));
    }
    let mfa = check_mfa(inventory, asked)? || asked.caller.has_mfa();
    let arn = asked.field("RoleArn").unwrap_or_default();
    let found = inventory.roles.iter().position(|role| role.arn == arn);
    let Some(index) = found.filter(|&index| is_trusted(inventory, &inventory.roles[index], asked, mfa)) else {
        let caller = identity(inventory, &asked.caller).0;
        let message = format!("User: {caller} is not authorized to perform: sts:AssumeRole on resource: {arn}");
        return Err(AwsRefusal::access_denied(message));
    };
    check_role_duration(&inventory.roles[index], &asked.caller, duration)?;
    let session_name = asked.field("RoleSessionName").unwrap_or_default().to_owned();
    let role = &inventory.roles[index];
    let assumed = xml::text("AssumedRoleId", &format!("{}:{session_name}", role.unique_id))
        + &xml::text("Arn", &assumed_arn(inventory, role, &session_name));
    let expires = asked.now + duration;
    let session = inventory.add_session(asked.caller.owner, SessionKind::Role { role: index, session_name }, expires);
    let inner = credentials(&session, expires, asked.nanoseconds) + &xml::element("AssumedRoleUser", &assumed);
    Ok(HttpResponse::result(Service::Sts, Action::AssumeRole, &inner, asked.request_id))
}

fn check_role_request(asked: &AuthorizedCall<'_>) -> Result<i64, AwsRefusal> {
    let (arn, name, external_id) = (asked.field("RoleArn"), asked.field("RoleSessionName"), asked.field("ExternalId"));
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || "_+=,.@-".contains(letter);
    let mut wrong = Constraints::default();
    wrong.required("roleArn", arn);
    wrong.length("roleArn", arn, 20, 2_048);
    wrong.required("roleSessionName", name);
    wrong.length("roleSessionName", name, 2, 64);
    wrong.letters("roleSessionName", name, r"[\w+=,.@-]*", is_word);
    wrong.length("externalId", external_id, 2, 1_224);
    wrong.letters("externalId", external_id, r"[\w+=,.@:\/-]*", |letter| {
        letter.is_ascii_alphanumeric() || "_+=,.@:/-".contains(letter)
    });
    wrong.mfa(asked.field("SerialNumber"), asked.field("TokenCode"));
    let duration = wrong.number("durationSeconds", asked.field("DurationSeconds"), 900, 43_200, HOUR);
    wrong.into_result()?;
    Ok(duration)
}

fn is_trusted(inventory: &Inventory, entry: &RoleRecord, asked: &AuthorizedCall<'_>, mfa: bool) -> bool {
    let (role, person) = (&entry.role, &inventory.people[asked.caller.owner]);
    let knows = role.trusts.is_empty() || person.name.as_ref().is_some_and(|name| role.trusts.contains(name));
    let external = role.external_id.is_none() || role.external_id.as_deref() == asked.field("ExternalId");
    entry.account == person.account && knows && external && (mfa || !role.needs_mfa)
}

fn check_role_duration(entry: &RoleRecord, caller: &SignedCaller, duration: i64) -> Result<(), AwsRefusal> {
    let invalid = |message| Err(AwsRefusal::new(400, "ValidationError", message));
    if caller.session.is_some() && duration > HOUR {
        return invalid(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        );
    }
    if duration > entry.role.max_session_duration {
        return invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
    }
    Ok(())
}

fn credentials(session: &AwsSession, expires: UnixSeconds, nanoseconds: bool) -> String {
    let mut expiration = iso_extended(expires);
    if nanoseconds {
        expiration = expiration.replace('Z', ".123456789Z");
    }
    let inner = xml::text("AccessKeyId", &session.access_key_id)
        + &xml::text("SecretAccessKey", &session.secret_access_key)
        + &xml::text("SessionToken", &session.session_token)
        + &xml::text("Expiration", &expiration);
    xml::element("Credentials", &inner)
}
