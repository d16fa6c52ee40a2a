//! Tests that the commands printed after `fix:` cure the fault.

use super::{doctor, healthy};
use crate::harness::stack::clients;
use crate::harness::test_world::{SEED, TestWorld};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use virtual_token::StoredAccount;

/// Returns the findings about `check` that are not ok.
fn ill(bench: &TestWorld, check: &str) -> Vec<Value> {
    let told = doctor(bench, &["--json"]);
    let json: Value = serde_json::from_str(&told.out).unwrap();
    let checks = json["checks"].as_array().unwrap().iter();
    checks.filter(|line| line["check"] == check && line["level"] != "ok").cloned().collect()
}

/// Runs the command between the first two backticks of a fix, in a shell with the world's environment, which the
/// command may change.
fn cure(bench: &mut TestWorld, check: &str) {
    let ill_before = ill(bench, check);
    let fix = ill_before[0]["fix"].as_str().unwrap();
    let command = fix.split('`').nth(1).unwrap_or_else(|| panic!("no command in {fix}"));
    let path = format!("{}:/usr/bin:/bin", clients().join("bin").display());
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{command} && env -0")]).env_clear().envs(&bench.env).env("PATH", path);
    let output = shell.output().unwrap();
    assert!(output.status.success(), "{command}: {output:?}");
    let left = String::from_utf8(output.stdout).unwrap();
    let left = left.split('\0').filter_map(|line| line.split_once('='));
    let known = |name: &&str| bench.env.contains_key(*name);
    bench.env = left.filter(|(name, _)| known(name)).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    assert_eq!(ill(bench, check).len(), ill_before.len() - 1, "`{command}` does not cure {ill_before:?}");
}

#[test]
fn permission_fixes_work() {
    let mut bench = healthy();
    for (file, mode, check) in [
        (".aws/credentials", 0o644, "credentials-file"),
        (".aws/config", 0o666, "config-file"),
        (".local/state/aws-mfa-key", 0o755, "state"),
    ] {
        fs::set_permissions(bench.path(file), fs::Permissions::from_mode(mode)).unwrap();
        cure(&mut bench, check);
    }
    assert_eq!(bench.login(&[]).code, 0);
}

#[test]
fn mfa_device_fixes_work() {
    let mut bench = healthy();
    let config = bench.read(".aws/config");
    for other in ["#mfa_serial = x", "mfa_serial = arn:aws:iam::123456789012:mfa/phone"] {
        let line = config.lines().find(|line| line.starts_with("mfa_serial")).unwrap();
        bench.write(".aws/config", &config.replace(line, other));
        cure(&mut bench, "mfa-device");
        assert!(bench.read(".aws/config").contains(&format!("\nmfa_serial = {}\n", bench.serial)));
    }
}

#[test]
fn account_fixes_work() {
    let mut bench = healthy();
    bench.token.remove(b"Amazon Web Services:alice@example");
    bench.token.add(StoredAccount::totp("it's my alice $HOME", SEED));
    cure(&mut bench, "account");
    assert_eq!(bench.login(&[]).code, 0);
}

#[test]
fn environment_fixes_work() {
    let mut bench = healthy();
    for (name, value) in [
        ("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT12345"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/run/token"),
        ("AWS_PROFILE", "dev"),
        ("AWS_DEFAULT_PROFILE", "prod"),
    ] {
        bench.env.insert(name.into(), value.into());
    }
    for _ in 0..4 {
        cure(&mut bench, "environment");
    }
    assert_eq!((bench.env["AWS_PROFILE"].as_str(), bench.env["AWS_DEFAULT_PROFILE"].as_str()), ("dev-mfa", "dev-mfa"));
    assert!(!bench.env.contains_key("AWS_ACCESS_KEY_ID"));
}
