//! Tests of writing the credentials file: each difficult case as a readable file, checked by reading the result with
//! AWS's clients.
//!
//! `writer/NN-….txt` hold the cases by number: the contents of the files before and after. A line of a file starts
//! with `| `; in it `\r`, `\t`, `\\` and `\xHH` stand for bytes, and a `\` at the end means that the line has no line
//! break. Unless a case says `unread by`, each client in [`aws_clients::ALL`] must find the new session in the
//! result.
//! `surroundings` has the cases about links, modes, mounts and full disks; `crowd` those with many or killed writers;
//! `properties` tests generated files. `hand` is the writing process that the others start.

mod case;
mod crowd;
mod hand;
mod properties;
mod surroundings;

use crate::harness::aws_clients::{self, AwsClient, FileQuestion, KeysFound};
use crate::harness::test_world::TestWorld;
use aws_mfa_key::aws::credentials_file::{self, CredentialsError, SessionEntry};
use aws_mfa_key::aws::{Identity, MfaSerial, Session};
use aws_mfa_key::report::{self, Failure};
use aws_smithy_types::DateTime;
use case::{ExpectedOutcome, WriterCase};
use secrecy::SecretString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

const ID: &str = "ASIANEW";
const SECRET: &str = "new/secret+";
const TOKEN: &str = "new/token+==";

/// Exit code and cause of a failed write.
type WriteFailure = (u8, String);

fn failed(error: CredentialsError) -> WriteFailure {
    let report = report::report(&Failure::Write { spent: false, error });
    (report.exit as u8, report.cause)
}

/// Writes a session as `login` does: first the rehearsal, then the write. Returns the warnings.
pub fn write(path: &Path, profile: &str, token: &str) -> Result<Vec<String>, WriteFailure> {
    let rehearsal =
        credentials_file::rehearse(path, &[&profile.into()]).map_err(CredentialsError::File).map_err(failed)?;
    if let Some(error) = rehearsal.refused.into_iter().flatten().next() {
        return Err(failed(error));
    }
    write_now(path, profile, token)?;
    Ok(report::notices(path, &rehearsal.notices))
}

pub fn write_now(path: &Path, profile: &str, token: &str) -> Result<(), WriteFailure> {
    let serial = MfaSerial::parse("arn:aws:iam::123456789012:mfa/alice").unwrap();
    let identity =
        Identity { arn: "arn:aws:iam::123456789012:user/alice".to_owned(), account: "123456789012".to_owned() };
    let session = Session {
        access_key_id: ID.to_owned(),
        secret_access_key: SecretString::from(SECRET),
        session_token: SecretString::from(token),
        expires: DateTime::from_secs(1_795_341_600),
    };
    let (profile, owner) = (&profile.into(), &"long".into());
    let entry = SessionEntry { profile, owner, identity: &identity, mfa_serial: &serial, session: &session };
    entry.write(path).map_err(failed)
}

/// Returns the session of [`write`], as a client must find it.
pub fn session(token: &str) -> KeysFound {
    Ok([ID, SECRET, token].map(str::to_owned))
}

#[test]
fn all_cases_are_written_as_expected_and_read_by_all_clients() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/writer");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "txt"));
    files.sort();
    let cases: Vec<WriterCase> = files.iter().flat_map(|path| WriterCase::read_all(path)).collect();
    let mut wrong = Vec::new();
    let homes: Vec<TempDir> = cases.iter().map(|case| run(case, &mut wrong)).collect();
    let written: Vec<(&WriterCase, &TempDir)> =
        cases.iter().zip(&homes).filter(|(case, _)| matches!(case.outcome, ExpectedOutcome::After(_))).collect();
    let jobs: Vec<FileQuestion> = written.iter().map(|(case, home)| job(home.path(), &case.profile)).collect();
    for (client, answers) in aws_clients::ask_all(&jobs) {
        for ((case, _), found) in written.iter().zip(answers) {
            let reads = found == session(&case.token);
            if reads == case.unread_by.contains(&client) {
                wrong.push(format!("{}: {client} found {found:?}", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let numbers: std::collections::BTreeSet<&str> = cases.iter().map(|case| &case.name[..2]).collect();
    assert_eq!(numbers.len(), 25, "the others are about what surrounds the text, and are functions: {numbers:?}");
}

#[test]
fn case_23_overriding_keys_in_the_config_file_are_refused() {
    let role = "arn:aws:iam::123456789012:role/r";
    let cases = [
        ("role_arn", role),
        ("sso_session", "s"),
        ("sso_start_url", "https://example.awsapps.com/start"),
        ("credential_process", "true"),
        ("web_identity_token_file", "/token"),
        ("login_session", "s"),
    ];
    for (key, value) in cases {
        let bench = TestWorld::new();
        bench.configure(&format!("[profile dev-mfa]\n{key} = {value}\n"));
        let before = bench.read(".aws/credentials");
        let outcome = bench.login(&[]);
        assert!(outcome.code == 2 && outcome.err.contains(key), "{key}: {outcome:?}");
        assert_eq!((bench.read(".aws/credentials"), bench.aws.requests().len()), (before, 0), "{key}");
    }
}

#[test]
fn case_17_overriding_keys_in_default_are_refused() {
    let role = "role_arn = arn:aws:iam::123456789012:role/r";
    let sso = "sso_account_id = 123456789012\nsso_role_name = r";
    // Python's clients read [DEFAULT] into every profile of the config file. If it holds only some of these keys,
    // they ignore the session.
    let cases = [
        (role.to_owned(), Some("role_arn")),
        ("web_identity_token_file = /token".to_owned(), Some("web_identity_token_file")),
        (format!("{sso}\nsso_session = s"), Some("sso_session")),
        (format!("{sso}\nsso_region = r\nsso_start_url = https://x"), Some("sso_start_url")),
        ("credential_process = echo".to_owned(), None),
        ("login_session = s".to_owned(), None),
        ("aws_session_token = x\naws_security_token = x".to_owned(), None),
        ("aws_access_key_id = AKIADEFAULT\naws_secret_access_key = x".to_owned(), None),
    ];
    let mut jobs = Vec::new();
    let homes = cases.each_ref().map(|(keys, winner)| {
        let home = tempfile::tempdir().unwrap();
        write(&home.path().join("credentials"), "dev", TOKEN).unwrap();
        let text = format!(
            "[DEFAULT]\n{keys}\n[profile dev]\nregion = r\n[sso-session s]\nsso_region = r\nsso_start_url = https://x\n"
        );
        fs::write(home.path().join("config"), text).unwrap();
        jobs.push(job(home.path(), "dev"));
        let bench = TestWorld::new();
        bench.configure(&format!("[DEFAULT]\n{keys}\n"));
        let before = bench.read(".aws/credentials");
        let outcome = bench.login(&[]);
        match winner {
            Some(key) => {
                let told = format!("config: boto3 and the AWS CLI apply {key} in [DEFAULT] to every section\n");
                assert!(outcome.code == 2 && outcome.err.contains(&told), "{outcome:?}");
                assert_eq!((bench.read(".aws/credentials"), bench.aws.requests().len()), (before, 0), "{keys}");
            }
            None => assert_eq!(outcome.code, 0, "{keys}: {outcome:?}"),
        }
        home
    });
    for (client, answers) in aws_clients::ask_all(&jobs) {
        let is_python = named("Python").contains(&client);
        for ((keys, winner), found) in cases.iter().zip(answers) {
            assert_eq!(found == session(TOKEN), winner.is_none() || !is_python, "{client}, {keys}: {found:?}");
        }
    }
    drop(homes);
    // Nothing is read into a session profile that exists only in the credentials file.
    let mut bench = TestWorld::new();
    bench.env.extend([
        ("AWS_ENDPOINT_URL".to_owned(), bench.aws.endpoint()),
        ("AWS_REGION".to_owned(), "eu-central-1".to_owned()),
    ]);
    bench.write(".aws/config", &format!("[DEFAULT]\n{role}\n"));
    let outcome = bench.login(&["--mfa-serial", &bench.serial]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
}

pub fn job(home: &Path, profile: &str) -> FileQuestion {
    FileQuestion { credentials: home.join("credentials"), config: home.join("config"), profile: profile.to_owned() }
}

/// Runs a case, and adds its deviations to `wrong`.
fn run(case: &WriterCase, wrong: &mut Vec<String>) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("credentials");
    let shown = |told: &str| told.replace(&*path.to_string_lossy(), "credentials").replacen("warning: ", "", 1);
    fs::write(home.path().join("config"), &case.config).unwrap();
    if let Some(before) = &case.before {
        fs::write(&path, before).unwrap();
        settle(&path);
    }
    let mut compare = |what: &str, expected: &str, found: &str| {
        if expected != found {
            wrong.push(format!("{}: {what}:\n{found}\nis not\n{expected}", case.name));
        }
    };
    let now = || lines(&fs::read(&path).unwrap_or_default());
    let told = write(&path, &case.profile, &case.token);
    match (&case.outcome, told) {
        (ExpectedOutcome::After(expected), Ok(warnings)) => {
            let warnings: Vec<String> = warnings.iter().map(|warning| shown(warning)).collect();
            compare("warnings", &case.warnings.join("\n"), &warnings.join("\n"));
            compare("after", &lines(expected), &now());
            let again = write(&path, &case.profile, &case.token).map(|_| ());
            compare("twice", &format!("{:?}\n{}", Ok::<_, ()>(()), lines(expected)), &format!("{again:?}\n{}", now()));
        }
        (ExpectedOutcome::Refused(code, cause), Err((found, why))) => {
            compare("refused", &format!("{code}, {cause}"), &format!("{found}, {}", shown(&why)));
            compare("file", &lines(case.before.as_deref().unwrap_or_default()), &now());
        }
        (_, told) => compare("outcome", "the other", &format!("{told:?}")),
    }
    if case.removed {
        let copy = fs::read(&path).unwrap();
        let removed = credentials_file::remove(&path, &case.profile.as_str().into(), &"long".into())
            .map_err(|error| format!("{error:?}"));
        compare("remove", "Ok(Session)", &format!("{removed:?}"));
        compare("removed", &lines(case.before.as_deref().unwrap_or_default()), &now());
        fs::write(&path, copy).unwrap();
    }
    home
}

fn lines(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string().replace("\\n", "\n")
}

/// Sets a file's mode to 0600 and its modification time to an hour ago.
pub fn settle(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let file = fs::File::options().append(true).open(path).unwrap();
    file.set_permissions(fs::Permissions::from_mode(0o600)).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
}

/// Returns the names of temporary files, which must not be left in a folder.
pub fn leftovers(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.contains(".new-")).collect()
}

/// Returns the clients with the same parser.
fn named(name: &str) -> Vec<AwsClient> {
    match name.trim() {
        "Python" => vec![AwsClient::Boto3, AwsClient::Cli1, AwsClient::Cli2],
        "Rust" => vec![AwsClient::Rust],
        "JavaScript" => vec![AwsClient::JavaScript],
        other => panic!("no client {other}"),
    }
}
