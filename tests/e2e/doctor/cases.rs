//! The faults for `doctor`, each on an otherwise healthy machine.

use super::{ErrorCase, doctor, on_machine, plug, seat};
use crate::harness::test_world::{ACCOUNT, CommandOutcome, READER, SEED, TestWorld};
use fake_aws::{Action, Lie, Times};
use hw::memory_bus::Step;
use hw::transport::CarrierError;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use virtual_token::{Applet, CodeKind, Persona, Presence, StoredAccount, VirtualToken};

const ALICE: &str = "Amazon Web Services:alice@example";
const SECOND: &str = "Yubico YubiKey CCID 01 00";

pub(super) const TOKEN: &[ErrorCase] = &[
    ("pcscd is not installed on Debian", |b| without_pcscd(b, "ID=ubuntu\nID_LIKE=debian\n")),
    ("pcscd is not installed on Fedora", |b| without_pcscd(b, "ID=\"rhel\"\nID_LIKE=\"fedora\"\n")),
    ("pcscd is not installed on some other system", |b| without_pcscd(b, "ID=plan9\n")),
    ("pcscd does not run", |b| silent(b, CarrierError::NoService)),
    ("pcscd does not run, without systemd", |b| {
        fs::remove_dir_all(b.path("machine/run/systemd/system")).unwrap();
        silent(b, CarrierError::NoService)
    }),
    ("no pcscd in a container", |b| {
        on_machine(b, "run/.containerenv", "");
        without_pcscd(b, "ID=debian\n")
    }),
    ("another library than pcscd's in a sandbox", |b| {
        on_machine(b, ".flatpak-info", "");
        fs::remove_file(b.path("machine/usr/sbin/pcscd")).unwrap();
        silent(b, CarrierError::ServiceStopped)
    }),
    ("another socket", |b| {
        b.env.insert("PCSCLITE_CSOCK_NAME".into(), "/tmp/nothing".into());
        silent(b, CarrierError::NoService)
    }),
    ("polkit over SSH", |b| {
        b.env.insert("SSH_CONNECTION".into(), "10.0.0.1 1 10.0.0.2 22".into());
        silent(b, CarrierError::Refused)
    }),
    ("polkit without a session", |b| {
        seat(b, "ACTIVE=0\nREMOTE=0");
        silent(b, CarrierError::Refused)
    }),
    ("polkit, where there is the group and its rule", |b| {
        on_machine(b, "etc/group", "aws-mfa-key:x:990:bob\n");
        on_machine(b, "usr/local/share/polkit-1/rules.d/40-aws-mfa-key.rules", "");
        silent(b, CarrierError::Refused)
    }),
    ("polkit, where there is the group and no rule", |b| {
        on_machine(b, "etc/group", "aws-mfa-key:x:990:\n");
        silent(b, CarrierError::Refused)
    }),
    ("polkit, which does not heed the group", |b| {
        let us = rustix::process::geteuid().as_raw();
        on_machine(b, "etc/passwd", &format!("bob:x:{us}:{us}::/home/bob:/bin/sh\n"));
        on_machine(b, "etc/group", "aws-mfa-key:x:990:alice,bob\n");
        on_machine(b, "usr/share/polkit-1/rules.d/40-aws-mfa-key.rules", "");
        silent(b, CarrierError::Refused)
    }),
    ("no token", |b| {
        fs::remove_dir_all(b.path("machine/sys")).unwrap();
        b.bus.remove(READER);
        doctor(b, &["-q"])
    }),
    ("no token, and a secret in a file instead", |b| {
        fs::remove_dir_all(b.path("machine/sys")).unwrap();
        b.bus.remove(READER);
        secret(b, "GEZDGNBVGY3TQOJQ", 0o600, "token, secret:file:~/seed")
    }),
    ("a secret in a file that others can read", |b| secret(b, "GEZDGNBVGY3TQOJQ", 0o644, "secret:file:~/seed")),
    ("CCID switched off", |b| {
        plug(b, "1-1", "1050", "0402", "YubiKey FIDO", "03");
        b.bus.remove(READER);
        doctor(b, &["-q"])
    }),
    ("a security key beside it", |b| {
        plug(b, "1-2", "1050", "0120", "Security Key by Yubico", "03");
        doctor(b, &["-q"])
    }),
    ("a token that udev hides", |b| {
        on_machine(b, "run/udev/data/c189:4", "E:ID_MODEL=x\nE:PCSCLITE_IGNORE=1\n");
        b.bus.remove(READER);
        doctor(b, &["-q"])
    }),
    ("no driver", |b| {
        fs::remove_dir_all(b.path("machine/usr/lib/pcsc")).unwrap();
        b.bus.remove(READER);
        doctor(b, &["-q"])
    }),
    ("a token that GnuPG has by its own driver", |b| {
        b.process("scdaemon", 4711);
        b.bus.remove(READER);
        doctor(b, &["-q"])
    }),
    ("a token without a reader, nobody knows why", |b| {
        b.bus.remove(READER);
        doctor(b, &["-q"])
    }),
    ("a busy token", |b| {
        b.process("scdaemon", 4711);
        b.bus.guard(Step::Open, |_| Err(CarrierError::Busy));
        doctor(b, &["-q"])
    }),
    ("a token that is gone as it is looked at", |b| {
        b.bus.guard(Step::Open, |_| Err(CarrierError::Removed));
        doctor(b, &["-q"])
    }),
    ("a mute token", |b| {
        b.bus.guard(Step::Open, |_| Err(CarrierError::Mute));
        doctor(b, &["-q"])
    }),
    ("another token", |b| doctor(b, &["-q", "--token", "87654321"])),
    ("OATH switched off", |b| {
        b.token.set_presence(Applet::Oath, Presence::Disabled);
        doctor(b, &["-q"])
    }),
    ("no OATH", |b| {
        b.token.set_presence(Applet::Oath, Presence::Absent);
        doctor(b, &["-q"])
    }),
    ("a password", |b| {
        b.token.set_password(Some("correct horse"));
        doctor(b, &["-q"])
    }),
    ("a password and nobody to ask", |b| {
        b.token.set_password(Some("correct horse"));
        doctor(b, &["-q", "--non-interactive"])
    }),
    ("a password that is remembered", |b| remembered(b, "correct horse", 0o600)),
    ("a password that is remembered wrongly", |b| remembered(b, "battery staple", 0o600)),
    ("a password that others can read", |b| remembered(b, "correct horse", 0o644)),
    ("no account", |b| {
        b.token.remove(ALICE.as_bytes());
        doctor(b, &["-q"])
    }),
    ("an account that counts", |b| {
        let mut account = StoredAccount::totp("AWS:counter", SEED);
        account.kind = CodeKind::Hotp;
        b.token.add(account);
        doctor(b, &["-q", "--account", "AWS:counter"])
    }),
    ("an account with eight digits", |b| {
        b.token.remove(ALICE.as_bytes());
        let mut account = StoredAccount::totp("AWS:alice", SEED);
        account.digits = 8;
        b.token.add(account);
        doctor(b, &["-q"])
    }),
    ("an account that is guessed", |b| {
        b.token.remove(ALICE.as_bytes());
        b.token.add(StoredAccount::totp("my-alice", SEED));
        doctor(b, &["-q"])
    }),
    ("two accounts", |b| {
        b.token.add(StoredAccount::totp("AWS:alice@other", SEED));
        doctor(b, &["-q"])
    }),
    ("two tokens with the account", |b| {
        let other = VirtualToken::builder(Persona::named("5.7").unwrap()).serial(Some(87_654_321)).build();
        other.add(StoredAccount::totp(ALICE, SEED));
        b.bus.insert(SECOND, move |command| Ok(other.exchange(command)));
        doctor(b, &["-q"])
    }),
];

pub(super) const PROFILE: &[ErrorCase] = &[
    ("no such profile", |b| b.run(&["doctor", "-q", "prod"])),
    ("two profiles", |b| b.run(&["doctor", "-q", "dev", "-p", "prod"])),
    ("no files", |b| {
        fs::remove_dir_all(b.path(".aws")).unwrap();
        b.run(&["doctor", "-q"])
    }),
    ("no HOME", |b| {
        b.env.remove("HOME");
        doctor(b, &["-q"])
    }),
    ("no long-term key", |b| {
        b.edit(".aws/credentials", "aws_secret_access_key", "#aws_secret_access_key");
        doctor(b, &["-q"])
    }),
    ("a session in the place of the key", |b| {
        b.edit(".aws/credentials", "[dev]\n", "[dev]\naws_session_token = abc\n");
        doctor(b, &["-q"])
    }),
    ("several settings at once", |b| {
        b.edit(".aws/credentials", "aws_secret_access_key", "#aws_secret_access_key");
        b.env.insert("AWS_ENDPOINT_URL".into(), "http://alice:hunter2@sts.example.com/x".into());
        doctor(b, &["-q", "--duration", "12"])
    }),
    ("a user's ARN as MFA device", |b| {
        b.edit(".aws/config", ":mfa/", ":user/");
        doctor(b, &["-q"])
    }),
    ("a role from nowhere", |b| {
        b.configure("[profile role]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = prod\n");
        b.run(&["doctor", "-q", "role"])
    }),
    ("a session profile with a role", |b| {
        b.configure("[profile dev-mfa]\nrole_arn = arn:aws:iam::123456789012:role/r\n");
        doctor(b, &["-q"])
    }),
    ("a session profile with a process", |b| {
        b.configure("[profile dev-mfa]\ncredential_process = /bin/false\n");
        doctor(b, &["-q"])
    }),
    ("a session profile with single sign-on", |b| {
        b.configure("[profile dev-mfa]\nsso_session = corp\n");
        doctor(b, &["-q"])
    }),
    ("a role for all profiles", |b| {
        b.configure("[DEFAULT]\nrole_arn = arn:aws:iam::123456789012:role/r\n");
        doctor(b, &["-q"])
    }),
    ("a session profile with a long-term key", |b| {
        b.edit(".aws/credentials", "# keep me\n", "[dev-mfa]\naws_access_key_id = AKIAX\naws_secret_access_key = s\n");
        doctor(b, &["-q"])
    }),
    ("files that others can read and write", |b| {
        for (file, mode) in [(".aws/credentials", 0o644), (".aws/config", 0o666)] {
            fs::set_permissions(b.path(file), fs::Permissions::from_mode(mode)).unwrap();
        }
        doctor(b, &["-q"])
    }),
    ("a hard link", |b| {
        fs::hard_link(b.path(".aws/credentials"), b.path("copy")).unwrap();
        doctor(b, &["-q"])
    }),
    ("links in a circle", |b| {
        fs::remove_file(b.path(".aws/credentials")).unwrap();
        symlink("credentials", b.path(".aws/credentials")).unwrap();
        doctor(b, &["-q"])
    }),
    ("a line that some clients misread", |b| {
        b.edit(".aws/credentials", "# keep me\n", "[old]\nregion: eu-central-1\n");
        doctor(b, &["-q"])
    }),
    ("a damaged config file", |b| {
        b.configure("rubbish\n");
        doctor(b, &["-q"])
    }),
    ("a damaged credentials file", |b| {
        b.edit(".aws/credentials", "# keep me", "rubbish");
        doctor(b, &["-q"])
    }),
    ("our folder is open to others", |b| {
        fs::create_dir_all(b.path(".local/state/aws-mfa-key")).unwrap();
        fs::set_permissions(b.path(".local/state/aws-mfa-key"), fs::Permissions::from_mode(0o777)).unwrap();
        doctor(b, &["-q"])
    }),
    ("a file in the place of our folder", |b| {
        b.write("state", "");
        b.env.insert("AWS_MFA_KEY_STATE_DIR".into(), "~/state".into());
        doctor(b, &["-q"])
    }),
    ("a key in the environment", |b| {
        b.env.insert("AWS_ACCESS_KEY_ID".into(), "AKIAENVIRONMENT12345".into());
        doctor(b, &["-q"])
    }),
    ("a session in the environment", |b| {
        b.env.insert("AWS_ACCESS_KEY_ID".into(), "ASIAENVIRONMENT12345".into());
        b.env.insert("AWS_SESSION_TOKEN".into(), "token".into());
        doctor(b, &["-q"])
    }),
    ("a web identity in the environment", |b| {
        b.env.insert("AWS_WEB_IDENTITY_TOKEN_FILE".into(), "/run/token".into());
        doctor(b, &["-q"])
    }),
    ("a container's role in the environment", |b| {
        b.env.insert("AWS_CONTAINER_CREDENTIALS_FULL_URI".into(), "http://127.0.0.1:1/".into());
        doctor(b, &["-q"])
    }),
    ("AWS_PROFILE is the owner of the session", |b| {
        b.env.insert("AWS_PROFILE".into(), "dev".into());
        b.run(&["doctor", "-q"])
    }),
    ("AWS_DEFAULT_PROFILE is another", |b| {
        b.env.insert("AWS_PROFILE".into(), "dev-mfa".into());
        b.env.insert("AWS_DEFAULT_PROFILE".into(), "prod".into());
        doctor(b, &["-q"])
    }),
];

pub(super) const AWS: &[ErrorCase] = &[
    ("an inactive key", |b| {
        let text = b.read(".aws/credentials");
        let id = text.lines().find_map(|line| line.strip_prefix("aws_access_key_id = ")).unwrap();
        assert!(b.aws.deactivate_key(id));
        doctor(b, &["-q"])
    }),
    ("a wrong secret access key", |b| {
        b.edit(".aws/credentials", "aws_secret_access_key = ", "aws_secret_access_key = x");
        doctor(b, &["-q"])
    }),
    ("the root user's key", |b| {
        let root = b.aws.add_root(ACCOUNT);
        let key = b.aws.add_key(&root);
        let (id, secret) = (key.access_key_id, key.secret_access_key);
        b.write(".aws/credentials", &format!("[dev]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n"));
        let serial = b.aws.add_mfa(&root, "root-account-mfa-device", SEED);
        doctor(b, &["-q", "--mfa-serial", &serial, "--account", ALICE])
    }),
    ("an MFA device of another AWS account", |b| {
        doctor(b, &["-q", "--mfa-serial", "arn:aws:iam::210987654321:mfa/alice", "--account", ALICE])
    }),
    ("an MFA device that is not the user's", |b| {
        doctor(b, &["-q", "--mfa-serial", "arn:aws:iam::123456789012:mfa/phone", "--account", ALICE])
    }),
    ("no MFA device is named", |b| {
        b.edit(".aws/config", "mfa_serial", "#mfa_serial");
        doctor(b, &["-q"])
    }),
    ("no MFA device is named, and there are several", |b| {
        b.edit(".aws/config", "mfa_serial", "#mfa_serial");
        let phone = b.aws.add_mfa(&b.alice, "phone", SEED);
        b.token.add(StoredAccount::totp(format!("AWS:{phone}"), SEED));
        doctor(b, &["-q"])
    }),
    ("passkeys only", |b| {
        assert!(b.aws.set_mfa_enabled(&b.serial, false));
        b.aws.add_u2f(&b.alice, "passkey");
        b.edit(".aws/config", "mfa_serial", "#mfa_serial");
        doctor(b, &["-q"])
    }),
    ("a user who may not list MFA devices", |b| {
        b.aws.lie(Action::ListMfaDevices, Lie::S3ShapedError("AccessDenied".into()), Times::Always);
        doctor(b, &["-q"])
    }),
    ("a user who may not list MFA devices, and none is named", |b| {
        b.aws.lie(Action::ListMfaDevices, Lie::S3ShapedError("AccessDenied".into()), Times::Always);
        b.edit(".aws/config", "mfa_serial", "#mfa_serial");
        doctor(b, &["-q"])
    }),
    ("a clock that is 40 s ahead", |b| clock(b, 40)),
    ("a clock that is an hour behind", |b| clock(b, -3600)),
    ("nothing at AWS's address", |b| {
        // Nothing listens on port 1 of any current machine.
        b.env.insert("AWS_ENDPOINT_URL".into(), "http://127.0.0.1:1".into());
        doctor(b, &["-q"])
    }),
    ("IAM cannot be reached", |b| {
        b.env.insert("AWS_ENDPOINT_URL_IAM".into(), "http://127.0.0.1:1".into());
        doctor(b, &["-q"])
    }),
    ("a portal", |b| {
        b.aws.lie(None, Lie::HtmlPortal, Times::Always);
        doctor(b, &["-q"])
    }),
    ("an outage", |b| {
        b.aws.lie(None, Lie::InternalFailure, Times::Always);
        doctor(b, &["-q"])
    }),
    ("a CA bundle that is not there", |b| {
        b.env.insert("AWS_CA_BUNDLE".into(), "~/ca.pem".into());
        doctor(b, &["-q"])
    }),
    ("a CA bundle without a certificate", |b| {
        b.write("ca.pem", "rubbish");
        b.env.insert("AWS_CA_BUNDLE".into(), "~/ca.pem".into());
        doctor(b, &["-q"])
    }),
    ("a proxy of another kind", |b| {
        b.env.insert("HTTPS_PROXY".into(), "socks5://alice:hunter2@127.0.0.1:1".into());
        doctor(b, &["-q"])
    }),
    ("a proxy that is not there", |b| {
        b.env.insert("HTTPS_PROXY".into(), "http://alice:hunter2@127.0.0.1:1".into());
        b.edit(".aws/config", "endpoint_url", "#endpoint_url");
        b.env.remove("AWS_ENDPOINT_URL");
        doctor(b, &["-q"])
    }),
];

fn silent(bench: &mut TestWorld, why: CarrierError) -> CommandOutcome {
    bench.bus.guard(Step::Readers, move |_| Err(why.clone()));
    doctor(bench, &["-q"])
}

fn without_pcscd(bench: &mut TestWorld, release: &str) -> CommandOutcome {
    fs::remove_file(bench.path("machine/usr/sbin/pcscd")).unwrap();
    on_machine(bench, "etc/os-release", release);
    silent(bench, CarrierError::NoService)
}

fn secret(bench: &mut TestWorld, text: &str, mode: u32, source: &str) -> CommandOutcome {
    bench.write("seed", text);
    fs::set_permissions(bench.path("seed"), fs::Permissions::from_mode(mode)).unwrap();
    doctor(bench, &["-q", "--source", source])
}

fn remembered(bench: &mut TestWorld, password: &str, mode: u32) -> CommandOutcome {
    bench.token.set_password(Some("correct horse"));
    bench.write("password", password);
    fs::set_permissions(bench.path("password"), fs::Permissions::from_mode(mode)).unwrap();
    bench.env.insert("AWS_MFA_KEY_PASSWORD_FILE".into(), "~/password".into());
    doctor(bench, &["-q"])
}

fn clock(bench: &mut TestWorld, ahead: i64) -> CommandOutcome {
    bench.clock_ahead = ahead;
    let mut outcome = doctor(bench, &["-q"]);
    // The `Date` header has a resolution of one second.
    for off in [ahead.abs() - 1, ahead.abs(), ahead.abs() + 1] {
        let said = humantime_of(off.unsigned_abs());
        outcome.out = outcome.out.replace(&format!("is {said} "), "is ABOUT THAT MUCH ");
    }
    outcome
}

/// Formats seconds as in messages: `40s`, `1h 1s`.
fn humantime_of(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let part = |number: u64, unit: &str| (number > 0).then(|| format!("{number}{unit}"));
    [part(hours, "h"), part(minutes, "m"), part(seconds, "s")].into_iter().flatten().collect::<Vec<_>>().join(" ")
}
