//! Tests of the commands that use a session: `status`, `env`, `exec`, `credential-process`, `code`, `logout`, and
//! logins of several profiles or roles.

use crate::harness::test_world::{ACCOUNT, READER, TestWorld};
use fake_aws::{Action, AwsRole};
use serde_json::Value;
use virtual_token::{Persona, VirtualToken};

fn sent(bench: &TestWorld, action: Action) -> usize {
    bench.aws.requests().iter().filter(|request| request.action == action).count()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Adds a role that alice may assume with MFA, and a profile for it.
fn role(bench: &TestWorld, name: &str, source: &str, more: &str) {
    let mut role = AwsRole::new(name);
    role.trusts = vec!["alice".to_owned()];
    role.needs_mfa = true;
    let arn = bench.aws.add_role(ACCOUNT, role);
    let config = bench.read(".aws/config");
    bench.write(
        ".aws/config",
        &format!(
            "{config}[profile {name}]\nrole_arn = {arn}\nsource_profile = {source}\nendpoint_url = {}\n{more}",
            bench.aws.endpoint()
        ),
    );
}

#[test]
fn status_lists_sessions_without_requests() {
    let bench = TestWorld::new();
    assert_eq!(bench.run(&["status"]).out, "No sessions. Log in: `aws-mfa-key login`\n");
    assert_eq!(bench.run(&["status", "dev"]).code, 1);
    let quiet = bench.run(&["status", "dev", "-q"]);
    assert_eq!((quiet.code, quiet.out.as_str()), (1, ""));
    assert_eq!(bench.login(&[]).code, 0);
    bench.aws.clear_requests();
    let table = bench.run(&["status", "dev"]);
    assert_eq!((table.code, bench.aws.requests().len()), (0, 0));
    let lines: Vec<Vec<&str>> = table
        .out
        .lines()
        .map(|line| line.split("  ").filter(|cell| !cell.is_empty()).map(str::trim).collect())
        .collect();
    assert_eq!(lines[0], ["PROFILE", "SESSION IN", "IDENTITY", "MFA", "LEFT", "UNTIL"]);
    assert_eq!(lines[1][..4], ["dev", "dev-mfa", "arn:aws:iam::123456789012:user/alice", "yes"]);
    let told = json(&bench.run(&["status", "--json"]).out);
    let session = &told["sessions"][0];
    assert_eq!((session["valid"].as_bool(), session["mfa"].as_bool()), (Some(true), Some(true)));
    assert!(session["seconds_left"].as_u64().unwrap() > 43_000);
}

#[test]
fn status_reports_an_expired_session() {
    let mut bench = TestWorld::new();
    assert_eq!(bench.login(&[]).code, 0);
    bench.clock_ahead = 13 * 3600;
    let over = bench.run(&["status", "dev-mfa"]);
    assert_eq!(over.code, 1);
    assert!(over.out.contains("  expired  ") && over.err.contains("next: log in: `aws-mfa-key login dev`"), "{over:?}");
    assert_eq!(bench.run(&["status"]).code, 0, "nobody asked for one in particular");
    assert_eq!(json(&bench.run(&["status", "dev", "--json"]).out)["sessions"][0]["valid"], false);
}

#[test]
fn env_sets_credentials_and_unsets_conflicting_variables() {
    let bench = TestWorld::new();
    let told = bench.run(&["env", "dev", "--shell", "sh"]);
    assert_eq!(told.code, 0, "{told:?}");
    let lines: Vec<&str> = told.out.lines().map(|line| line.split('=').next().unwrap()).collect();
    for line in [
        "unset AWS_PROFILE",
        "unset AWS_SECURITY_TOKEN",
        "export AWS_ACCESS_KEY_ID",
        "export AWS_SESSION_TOKEN",
        "export AWS_REGION",
        "export AWS_DEFAULT_REGION",
        "export AWS_ENDPOINT_URL",
    ] {
        assert!(lines.contains(&line), "{line}: {}", told.out);
    }
    assert!(bench.run(&["env", "dev", "--shell", "fish"]).out.contains("set -gx AWS_SECRET_ACCESS_KEY '"));
    assert!(bench.run(&["env", "dev", "--shell", "powershell"]).out.contains("$Env:AWS_SESSION_TOKEN = '"));
    assert!(bench.run(&["env", "dev", "--shell", "cmd"]).out.contains("set \"AWS_ACCESS_KEY_ID=ASIA"));
    assert_eq!(sent(&bench, Action::GetSessionToken), 1);
    let unset = bench.run(&["env", "--unset", "--shell", "bash"]);
    assert_eq!((unset.code, unset.out.lines().count()), (0, 10));
    assert!(unset.out.lines().all(|line| line.starts_with("unset AWS_")));
}

#[test]
fn credential_process_reads_the_file_and_renews_before_expiry() {
    let mut bench = TestWorld::new();
    let first = bench.run(&["credential-process", "dev"]);
    assert_eq!(first.code, 0, "{first:?}");
    let answer = json(&first.out);
    assert_eq!((answer["Version"].as_u64(), answer["AccountId"].as_str()), (Some(1), Some(ACCOUNT)));
    assert!(answer["Expiration"].as_str().unwrap().ends_with('Z'));
    bench.aws.clear_requests();
    assert_eq!(bench.run(&["credential-process", "dev"]).out, first.out);
    assert_eq!(bench.aws.requests().len(), 0);
    // 12 hours less 10 minutes later, the session is due for renewal.
    bench.clock_ahead = 12 * 3600 - 600;
    bench.aws.advance_clock(12 * 3600 - 600);
    let renewed = bench.run(&["credential-process", "dev"]);
    assert_ne!(json(&renewed.out)["AccessKeyId"], answer["AccessKeyId"]);
}

#[test]
fn credential_process_falls_back_to_a_short_session() {
    let mut bench = TestWorld::new();
    let first = bench.run(&["credential-process", "dev"]);
    bench.clock_ahead = 12 * 3600 - 600;
    bench.aws.advance_clock(12 * 3600 - 600);
    bench.bus.remove(READER);
    let again = bench.run(&["credential-process", "dev", "--non-interactive"]);
    assert_eq!((again.code, again.out), (0, first.out));
    bench.clock_ahead += 1200;
    bench.aws.advance_clock(1200);
    let none = bench.run(&["credential-process", "dev", "--non-interactive"]);
    assert_eq!((none.code, none.out.as_str()), (3, ""));
}

#[test]
fn code_prints_a_fresh_code_without_requests() {
    let mut bench = TestWorld::new();
    bench.clock_ahead = 3600;
    assert_eq!(bench.login(&[]).code, 0);
    bench.aws.clear_requests();
    let codes: Vec<String> = (0..2).map(|_| bench.run(&["code", "dev"]).out).collect();
    assert!(codes.iter().all(|code| code.len() == 7 && code.trim().bytes().all(|b| b.is_ascii_digit())), "{codes:?}");
    assert_ne!(codes[0], codes[1]);
    assert_eq!(bench.aws.requests().len(), 0);
    // The code is of AWS's clock, whose offset the login has recorded, so AWS accepts it.
    let told = bench.login(&["--force", "--code", codes[1].trim(), "--min-ttl", "1"]);
    assert!(told.code == 0 || told.err.contains("was already used"), "{told:?}");
}

#[test]
fn several_profiles_log_in_with_one_command() {
    let bench = TestWorld::new();
    let bob = bench.aws.add_user(ACCOUNT, "bob");
    let key = bench.aws.add_key(&bob);
    let serial = bench.aws.add_mfa(&bob, "bob", b"another secret of twenty");
    bench.token.add(virtual_token::StoredAccount::totp("AWS:bob", b"another secret of twenty".to_vec()));
    let credentials = bench.read(".aws/credentials");
    bench.write(
        ".aws/credentials",
        &format!(
            "{credentials}[two]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            key.access_key_id, key.secret_access_key
        ),
    );
    let endpoint = bench.aws.endpoint();
    bench.configure(&format!(
        "[profile two]\nmfa_serial = {serial}\nendpoint_url = {endpoint}\n[profile three]\nmfa_serial = {serial}\n"
    ));
    let told = bench.run(&["login", "--all", "--json"]);
    assert_eq!(told.code, 2, "{told:?}");
    let sessions = json(&told.out)["sessions"].as_array().unwrap().clone();
    let valid: Vec<(&str, bool)> =
        sessions.iter().map(|one| (one["profile"].as_str().unwrap(), one["valid"].as_bool().unwrap())).collect();
    assert_eq!(valid, [("dev", true), ("three", false), ("two", true)]);
    assert!(told.err.contains("error: 1 of 3 logins failed: could not log in with profile three"), "{told:?}");
    assert_eq!(bench.run(&["login", "two", "dev", "two"]).code, 0);
    assert_eq!(sent(&bench, Action::GetSessionToken), 2);
}

#[test]
fn a_code_takes_two_commands_once_token_and_account_are_known() {
    let bench = TestWorld::new();
    assert_eq!(bench.run(&["code", "dev"]).code, 0);
    let before = bench.bus.log(READER).commands.len();
    let told = bench.run(&["code", "dev"]);
    assert_eq!((told.code, told.out.trim().len()), (0, 6), "{told:?}");
    let instructions: Vec<u8> = bench.bus.log(READER).commands[before..].iter().map(|command| command[1]).collect();
    assert_eq!(instructions, [0xA4, 0xA2], "SELECT and CALCULATE");
}

#[test]
fn a_swapped_token_is_detected() {
    let bench = TestWorld::new();
    assert_eq!(bench.run(&["code", "dev"]).code, 0);
    // Another token in the same reader now has the account, under another name.
    let other = VirtualToken::builder(Persona::named("5.7").unwrap()).serial(Some(87_654_321)).build();
    other.add(virtual_token::StoredAccount::totp("AWS:alice", crate::harness::test_world::SEED));
    bench.bus.remove(READER);
    bench.bus.insert(READER, move |command| Ok(other.exchange(command)));
    let told = bench.run(&["code", "dev"]);
    assert_eq!((told.code, told.out.trim().len()), (0, 6), "{told:?}");
    // A named token is the only one that is used.
    let told = bench.run(&["code", "dev", "--token", "12345678", "--non-interactive"]);
    assert!(told.code == 3 && told.err.contains("87654321"), "{told:?}");
}

#[test]
fn one_code_serves_several_roles() {
    let bench = TestWorld::new();
    role(&bench, "reader", "dev", "region = us-west-2\n");
    role(&bench, "writer", "dev", "duration_seconds = 1800\n");
    let told = bench.run(&["login", "reader", "writer"]);
    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!((sent(&bench, Action::GetSessionToken), sent(&bench, Action::AssumeRole)), (1, 2));
    let credentials = bench.read(".aws/credentials");
    for section in ["[dev-mfa]", "[reader-mfa]", "[writer-mfa]"] {
        assert!(credentials.contains(section), "{credentials}");
    }
    assert!(credentials.contains("mfa_key_identity = arn:aws:sts::123456789012:assumed-role/reader/alice\n"));
    assert!(told.err.contains("Logged in as reader/alice for 1h,"), "{told:?}");
    assert!(told.err.contains(" for 30m,"), "{told:?}");
    assert!(bench.read(".aws/config").contains("[profile reader-mfa]\nregion = us-west-2\n"));
    let again = bench.run(&["login", "reader"]);
    assert!(again.err.starts_with("The session in profile reader-mfa is valid"), "{again:?}");
}

#[test]
fn roles_work_in_every_command() {
    let bench = TestWorld::new();
    role(&bench, "reader", "dev", "region = us-west-2\n");
    let answer = json(&bench.run(&["credential-process", "reader"]).out);
    let env = bench.run(&["env", "reader", "--shell", "sh"]).out;
    assert!(env.contains(&format!("export AWS_ACCESS_KEY_ID='{}'\n", answer["AccessKeyId"].as_str().unwrap())));
    assert!(env.contains("export AWS_REGION='us-west-2'\n"), "{env}");
    assert_eq!(bench.run(&["status", "reader"]).code, 0);
    assert_eq!(bench.run(&["code", "reader"]).out.trim().len(), 6);
    assert_eq!((sent(&bench, Action::GetSessionToken), sent(&bench, Action::AssumeRole)), (1, 1));
}

#[test]
fn a_role_session_over_an_hour_takes_its_own_code() {
    let bench = TestWorld::new();
    role(&bench, "reader", "dev", "");
    let told = bench.run(&["login", "reader", "--duration", "1h"]);
    assert_eq!(told.code, 0, "{told:?}");
    let told = bench.run(&["login", "reader", "--duration", "2h", "--force"]);
    assert!(told.code == 5 && told.err.contains("request a shorter session"), "the role allows an hour: {told:?}");
    let mut longer = AwsRole::new("longer");
    longer.trusts = vec!["alice".to_owned()];
    longer.needs_mfa = true;
    longer.max_session_duration = 43_200;
    let arn = bench.aws.add_role(ACCOUNT, longer);
    let config = bench.read(".aws/config");
    let endpoint = bench.aws.endpoint();
    bench.write(".aws/config", &format!("{config}[profile longer]\nrole_arn = {arn}\nsource_profile = dev\nendpoint_url = {endpoint}\nduration_seconds = 14400\n"));
    bench.aws.clear_requests();
    let told = bench.run(&["login", "longer"]);
    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.err.contains(" for 4h,"), "{told:?}");
    assert_eq!((sent(&bench, Action::GetSessionToken), sent(&bench, Action::AssumeRole)), (0, 1));
}

#[test]
fn roles_can_be_chained() {
    let bench = TestWorld::new();
    role(&bench, "first", "dev", "role_session_name = on-the-way\n");
    let second = AwsRole::new("second");
    let arn = bench.aws.add_role(ACCOUNT, second);
    let config = bench.read(".aws/config");
    let endpoint = bench.aws.endpoint();
    bench.write(
        ".aws/config",
        &format!("{config}[profile second]\nrole_arn = {arn}\nsource_profile = first\nendpoint_url = {endpoint}\n"),
    );
    let told = bench.run(&["login", "second"]);
    assert_eq!(told.code, 0, "{told:?}");
    assert!(
        bench.read(".aws/credentials").contains("assumed-role/second/on-the-way\n"),
        "{}",
        bench.read(".aws/credentials")
    );
    assert_eq!(sent(&bench, Action::AssumeRole), 2);
}

#[test]
fn the_layout_of_broamski_aws_mfa_is_understood() {
    let bench = TestWorld::new();
    bench.edit(".aws/credentials", "[dev]\n", &format!("[work-long-term]\naws_mfa_device = {}\n", bench.serial));
    let endpoint = bench.aws.endpoint();
    bench.write(".aws/config", &format!("[profile work-long-term]\nendpoint_url = {endpoint}\n"));
    let credentials = bench.read(".aws/credentials");
    bench.write(
        ".aws/credentials",
        &format!("{credentials}\n[work]\nassumed_role = False\naws_access_key_id = ASIAOLD\naws_secret_access_key = old\naws_session_token = old\naws_security_token = old\nexpiration = 2020-01-01 00:00:00\n"),
    );
    let told = bench.run(&["login", "work"]);
    assert_eq!(told.code, 0, "{told:?}");
    let after = bench.read(".aws/credentials");
    assert!(after.contains("mfa_key_owner = work-long-term\n") && !after.contains("aws_security_token"), "{after}");
    assert!(after.contains("assumed_role = False\n") && !after.contains("2020-01-01"), "{after}");
    assert!(bench.run(&["login", "work"]).err.contains("The session in profile work is valid"));
}

#[test]
fn logout_restores_both_files_byte_for_byte() {
    let bench = TestWorld::new();
    role(&bench, "reader", "dev", "region = us-west-2\n");
    let before = (bench.read(".aws/credentials"), bench.read(".aws/config"));
    assert_eq!(bench.run(&["login", "reader"]).code, 0);
    let told = bench.run(&["logout", "reader"]);
    assert_eq!((told.code, told.err.as_str()), (0, "Removed the session in profile reader-mfa.\n"));
    assert!(bench.read(".aws/credentials").contains("[dev-mfa]"));
    assert_eq!(bench.run(&["logout", "--all"]).err, "Removed the session in profile dev-mfa.\n");
    assert_eq!((bench.read(".aws/credentials"), bench.read(".aws/config")), before);
    assert_eq!(bench.run(&["logout", "--all"]).err, "There are no sessions.\n");
    let nothing = bench.run(&["logout", "dev"]);
    assert_eq!((nothing.code, nothing.err.as_str()), (0, "Profile dev has no session.\n"));
}

#[test]
fn lines_that_aws_clients_misread_are_reported() {
    let bench = TestWorld::new();
    bench.edit(".aws/credentials", "# keep me\n", "[old]\nAWS_SESSION_TOKEN = x\n");
    let told = bench.login(&[]);
    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.err.contains("/.aws/credentials, line 2: "), "{told:?}");
}

#[test]
fn code_works_without_a_long_term_key() {
    let bench = TestWorld::new();
    bench.write(".aws/credentials", "");
    let told = bench.run(&["code", "dev"]);
    assert!(told.code == 0 && told.out.trim().len() == 6, "{told:?}");
    assert_eq!(bench.login(&[]).code, 2);
}

#[test]
fn exec_without_dashes_gets_a_tip() {
    let bench = TestWorld::new();
    let tip = "tip: put two dashes before the command: aws-mfa-key exec PROFILE -- COMMAND\n";
    for typed in [&["exec", "dev", "aws", "s3", "ls"][..], &["exec", "dev", "ls", "-l"], &["exec", "dev"], &["exec"]] {
        let told = bench.run(typed);
        assert!(told.code == 2 && told.err.contains(tip), "{told:?}");
    }
    let told = bench.run(&["exec", "dev", "--quite", "--", "ls"]);
    assert!(told.code == 2 && !told.err.contains("two dashes") && told.err.contains("--quiet"), "{told:?}");
}
