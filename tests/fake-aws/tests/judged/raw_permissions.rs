//! Tests of permissions: IAM's list of MFA devices, roles, AWSDenyAll, and the calls reserved to root.

use fake_aws::AwsRole;

use crate::raw::{RequestSigner, call};
use crate::stage::{BAD_CODE, FrozenFake, UNKNOWN_KEY};
use crate::{ACCOUNT, NOW, SEED, code_at};

#[test]
fn mfa_devices_are_listed_for_oneself_and_root() {
    let stage = FrozenFake::new();
    let (alice, bob) = (&stage.alice, stage.aws.add_user(ACCOUNT, "bob"));
    stage.aws.add_mfa(&bob, "bob", SEED);
    let u2f = stage.aws.add_u2f(alice, "usb");
    let list = |signer: RequestSigner, fields: &[(&str, &str)]| {
        let fields: Vec<_> = [("Action", "ListMFADevices")].iter().chain(fields).copied().collect();
        call(&stage.aws, signer, &fields).unwrap()
    };
    let reply = list((&stage.key).into(), &[]);
    assert_eq!(reply.status, 200);
    assert!(reply.body.starts_with("<ListMFADevicesResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">"));
    let device = |serial: &str| {
        format!(
            "<member><UserName>alice</UserName><SerialNumber>{serial}</SerialNumber>\
             <EnableDate>2020-09-13T12:26:40Z</EnableDate></member>"
        )
    };
    let expected = format!("<MFADevices>{}{}</MFADevices>", device(&stage.serial), device(&u2f));
    assert!(reply.body.contains(&expected), "{}", reply.body);
    assert!(u2f.starts_with("arn:aws:iam::123456789012:u2f/user/alice/usb-"));
    assert_eq!(list((&stage.key).into(), &[("UserName", "alice")]).status, 200);
    assert_eq!(list((&stage.key).into(), &[("UserName", "bob")]).refusal().1, "AccessDenied");
    assert_eq!(list((&stage.aws.add_session(alice, true, 900)).into(), &[]).status, 200);
    assert_eq!(list((&stage.aws.add_session(alice, false, 900)).into(), &[]).refusal(), UNKNOWN_KEY);
    let root = stage.aws.add_root(ACCOUNT);
    let root = stage.aws.add_key(&root);
    let bobs = list((&root).into(), &[("UserName", "bob")]);
    assert_eq!(bobs.xml("SerialNumber"), Some("arn:aws:iam::123456789012:mfa/bob"));
    let message = "The user with name carol cannot be found.";
    assert_eq!(list((&root).into(), &[("UserName", "carol")]).refusal(), (404, "NoSuchEntity", message));
}

#[test]
fn roles_are_assumed_as_their_trust_policy_allows() {
    let stage = FrozenFake::new();
    let mut admin = AwsRole::new("admin");
    (admin.needs_mfa, admin.external_id, admin.max_session_duration) = (true, Some("ext".into()), 7_200);
    admin.trusts = vec!["alice".into()];
    let arn = stage.aws.add_role(ACCOUNT, admin);
    let take = |signer: RequestSigner, fields: &[(&str, &str)]| {
        let fixed = [("Action", "AssumeRole"), ("RoleArn", arn.as_str()), ("RoleSessionName", "me")];
        call(&stage.aws, signer, &fixed.iter().chain(fields).copied().collect::<Vec<_>>()).unwrap()
    };
    let key = || RequestSigner::from(&stage.key);
    let ext = ("ExternalId", "ext");
    let code = code_at(SEED, NOW);
    let (serial, code) = (("SerialNumber", stage.serial.as_str()), ("TokenCode", code.as_str()));
    let refused = "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: sts:AssumeRole on \
                   resource: arn:aws:iam::123456789012:role/admin";
    assert_eq!(take(key(), &[ext]).refusal(), (403, "AccessDenied", refused), "no MFA");
    assert_eq!(take(key(), &[ext, serial, ("TokenCode", "000000")]).refusal(), BAD_CODE);
    let reply = take(key(), &[ext, serial, code, ("DurationSeconds", "7200")]);
    assert_eq!(reply.xml("Arn"), Some("arn:aws:sts::123456789012:assumed-role/admin/me"));
    assert_eq!(reply.xml("Expiration"), Some("2020-09-13T14:26:40Z"));
    let role_session = || reply.session();
    assert_eq!(take(key(), &[ext, serial, code]).refusal(), BAD_CODE, "spent by AssumeRole");
    let mfa = || RequestSigner::from(&stage.aws.add_session(&stage.alice, true, 900));
    assert_eq!(take(mfa(), &[]).refusal().2, refused, "no external id");
    assert_eq!(take(mfa(), &[ext]).xml("Expiration"), Some("2020-09-13T13:26:40Z"));
    let chained = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining";
    assert_eq!(take(mfa(), &[ext, ("DurationSeconds", "3601")]).refusal(), (400, "ValidationError", chained));
    let next = code_at(SEED, NOW + 30);
    let long = take(key(), &[ext, serial, ("TokenCode", &next), ("DurationSeconds", "7201")]);
    let message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
    assert_eq!(long.refusal(), (400, "ValidationError", message));
    let bob = stage.aws.add_user(ACCOUNT, "bob");
    assert_eq!(take((&stage.aws.add_session(&bob, true, 900)).into(), &[ext]).refusal().1, "AccessDenied");
    let who = call(&stage.aws, role_session(), &[("Action", "GetCallerIdentity")]).unwrap();
    assert_eq!(who.xml("Arn"), Some("arn:aws:sts::123456789012:assumed-role/admin/me"));
    assert_eq!(who.xml("UserId"), reply.xml("AssumedRoleId"));
    let token = call(&stage.aws, role_session(), &[("Action", "GetSessionToken")]).unwrap();
    assert_eq!(token.refusal().2, "Cannot call GetSessionToken with session credentials");
    let reply = stage.ask(&[("Action", "AssumeRole")]);
    assert!(reply.refusal().2.starts_with("2 validation errors detected: Value null at 'roleArn' failed"));
}

#[test]
fn deny_all_applies_to_existing_sessions() {
    let stage = FrozenFake::new();
    let role = stage.aws.add_role(ACCOUNT, AwsRole::new("admin"));
    let root = stage.aws.add_key(&stage.aws.add_root(ACCOUNT));
    let session = stage.aws.add_session(&stage.alice, true, 900);
    let ask = |signer: RequestSigner, fields: &[(&str, &str)]| call(&stage.aws, signer, fields).unwrap();
    let deny = |signer: RequestSigner, policy: &str, user: &str| {
        ask(signer, &[("Action", "AttachUserPolicy"), ("UserName", user), ("PolicyArn", policy)])
    };
    let take = [("Action", "AssumeRole"), ("RoleArn", role.as_str()), ("RoleSessionName", "me")];
    let list = [("Action", "ListMFADevices")];
    let of_role = ask((&session).into(), &take);
    let all = "arn:aws:iam::aws:policy/AWSDenyAll";
    assert_eq!(deny((&session).into(), all, "alice").refusal().1, "AccessDenied", "not by a user");
    assert_eq!(deny((&root).into(), all, "carol").refusal().1, "NoSuchEntity");
    assert_eq!(deny((&root).into(), "arn:aws:iam::aws:policy/ReadOnlyAccess", "alice").refusal().1, "NoSuchEntity");
    assert_eq!(ask((&session).into(), &list).status, 200);
    let done = deny((&root).into(), all, "alice");
    assert_eq!(done.status, 200);
    assert!(!done.body.contains("Result"), "{}", done.body);
    for fields in [&take[..], &list] {
        let refused = ask((&session).into(), fields);
        assert_eq!(refused.refusal().1, "AccessDenied");
        assert!(refused.refusal().2.ends_with("with an explicit deny in an identity-based policy"), "{}", refused.body);
        assert_eq!(ask((&stage.key).into(), fields).refusal().1, "AccessDenied");
    }
    // No policy can deny GetCallerIdentity, and a role has policies of its own.
    let who = [("Action", "GetCallerIdentity")];
    for signer in [(&session).into(), (&stage.key).into(), of_role.session()] {
        assert_eq!(ask(signer, &who).status, 200);
    }
}

#[test]
fn only_root_can_delete_a_users_key_and_mfa_device() {
    let stage = FrozenFake::new();
    let root = stage.aws.add_key(&stage.aws.add_root(ACCOUNT));
    let other = stage.aws.add_key(&stage.aws.add_root("210987654321"));
    let session = stage.aws.add_session(&stage.alice, true, 900);
    let (serial, id) = (stage.serial.as_str(), stage.key.access_key_id.as_str());
    let ask = |signer: RequestSigner, fields: &[(&str, &str)]| call(&stage.aws, signer, fields).unwrap();
    let user = ("UserName", "alice");
    let steps = [
        [("Action", "DeleteAccessKey"), user, ("AccessKeyId", id)],
        [("Action", "DeactivateMFADevice"), user, ("SerialNumber", serial)],
        [("Action", "DeleteVirtualMFADevice"), user, ("SerialNumber", serial)],
    ];
    assert_eq!(ask((&root).into(), &steps[2]).refusal().1, "DeleteConflict");
    for step in steps {
        assert_eq!(ask((&session).into(), &step).refusal().1, "AccessDenied");
        assert_eq!(ask((&other).into(), &step).refusal().1, "NoSuchEntity");
        assert_eq!(ask((&root).into(), &step).status, 200);
        assert_eq!(ask((&root).into(), &step).refusal().1, "NoSuchEntity", "it is gone");
    }
    let who = [("Action", "GetCallerIdentity")];
    assert_eq!(ask((&stage.key).into(), &who).refusal(), UNKNOWN_KEY);
    assert_eq!(ask((&session).into(), &who).status, 200);
}
