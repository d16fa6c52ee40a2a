//! Tests of error messages. `errors/*.txt` list the expected ones; the cases of `login` are in this file.
//!
//! After an intended change, `UPDATE_ERRORS=1` rewrites the lists; review the difference.

mod accounts;
mod agent;

use crate::harness::company_network::CompanyNetwork;
use crate::harness::test_world::{CommandOutcome, READER, SEED, TestWorld};
use fake_aws::{Action, Authority, FakeProxy, Lie, ProxyBehaviour, Times};
use hw::memory_bus::Step;
use hw::transport::CarrierError;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use virtual_token::{Applet, CodeKind, Persona, Presence, SimulatedTouch, StoredAccount, VirtualToken};

pub type ErrorCase = (&'static str, fn(&mut TestWorld) -> CommandOutcome);
type NetworkErrorCase = (&'static str, fn(&mut CompanyNetwork) -> CommandOutcome);

const COMMAND_LINE: &[ErrorCase] = &[
    ("two profiles", |b| b.run(&["login", "dev", "-p", "other"])),
    ("an unknown profile", |b| b.run(&["login", "prod"])),
    ("how long is waited, as a profile", |b| b.run(&["login", "--wait", "10m"])),
    ("a mistyped profile", |b| b.run(&["login", "devv"])),
    ("the status of an unknown profile", |b| b.run(&["status", "prod"])),
    ("no profile at all", |b| {
        fs::remove_file(b.path(".aws/credentials")).unwrap();
        fs::remove_file(b.path(".aws/config")).unwrap();
        b.run(&["login"])
    }),
    ("a passkey's serial number", |b| b.login(&["--mfa-serial", "arn:aws:iam::123456789012:u2f/user/alice/key"])),
    ("a user's ARN as serial number", |b| b.login(&["--serial-number", "arn:aws:iam::123456789012:user/alice"])),
    ("a role's ARN as serial number", |b| b.login(&["--device", "arn:aws:iam::123456789012:role/alice"])),
    ("a serial number that is none", |b| b.login(&["--mfa-serial", "my phone"])),
    ("a session of a week", |b| b.login(&["-d", "168h"])),
    ("a session of twelve seconds", |b| b.login(&["--duration", "12"])),
    ("a session of 45 seconds", |b| b.login(&["--duration", "45"])),
    ("a min-ttl that is no time", |b| b.login(&["--min-ttl", "soon"])),
    ("a token's name", |b| b.login(&["--token", "my-yubikey"])),
    ("an unknown source", |b| b.login(&["--source", "token, carrier-pigeon"])),
    ("a code of five digits", |b| b.login(&["--code", "12345"])),
    ("a Yubico OTP as code", |b| b.login(&["--code", "ccccccbchvthlivuitriujjifivbvtrjkjfirllluurj"])),
    ("a session profile with a blank", |b| b.login(&["-u", "my profile"])),
    ("the session over its own key", |b| b.login(&["-u", "dev"])),
    ("a session profile that Python reads into all others", |b| b.login(&["-u", "DEFAULT"])),
    ("a secret in the place of a source", |b| b.login(&["--source", "secret:GEZDGNBVGY3TQOJQ"])),
    ("a secret alone in the place of a source", |b| b.login(&["--source", "GEZDGNBVGY3TQOJQ"])),
    ("a region that is none", |b| b.login(&["--region", "localhost:9/?"])),
    ("a switch that is neither on nor off", |b| {
        b.env.insert("AWS_MFA_KEY_FORCE".into(), "perhaps".into());
        b.login(&[])
    }),
    ("no HOME", |b| {
        b.env.clear();
        b.login(&[])
    }),
    ("no HOME for the ledger", |b| {
        b.env.clear();
        for (name, file) in [("AWS_CONFIG_FILE", ".aws/config"), ("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials")] {
            b.env.insert(name.into(), b.path(file).to_str().unwrap().into());
        }
        b.login(&[])
    }),
];

const CONFIGURATION: &[ErrorCase] = &[
    ("no long-term key", |b| {
        b.write(".aws/credentials", "");
        b.login(&[])
    }),
    ("a role and nothing to assume it with", |b| role(b, "arn:aws:iam::123456789012:role/r", "")),
    ("a role that is none", |b| role(b, "arn:aws:iam::123456789012:user/r", "source_profile = dev\n")),
    ("a role of a machine", |b| role(b, "arn:aws:iam::123456789012:role/r", "credential_source = Environment\n")),
    ("a role from nowhere", |b| role(b, "arn:aws:iam::123456789012:role/r", "source_profile = prod\n")),
    ("a role that comes from itself", |b| {
        let other = "[profile other]\nrole_arn = arn:aws:iam::123456789012:role/o\nsource_profile = role\n";
        role(b, "arn:aws:iam::123456789012:role/r", &format!("source_profile = other\n{other}"))
    }),
    ("two roles for two hours", |b| {
        let other = "[profile other]\nrole_arn = arn:aws:iam::123456789012:role/o\nsource_profile = dev\n";
        role(
            b,
            "arn:aws:iam::123456789012:role/r",
            &format!("source_profile = other\nduration_seconds = 7200\n{other}"),
        )
    }),
    ("a role for a day", |b| {
        role(b, "arn:aws:iam::123456789012:role/r", "source_profile = dev\nmfa_key_duration = 24h\n")
    }),
    ("one serial number for two keys", |b| {
        let text = b.read(".aws/credentials").replace("[dev]", "[dev]\n")
            + "[two]\naws_access_key_id = AKIAX\naws_secret_access_key = s\n";
        b.write(".aws/credentials", &text);
        b.run(&["login", "dev", "two", "--mfa-serial", "arn:aws:iam::123456789012:mfa/alice"])
    }),
    ("all of nothing", |b| {
        b.write(".aws/config", "");
        b.run(&["login", "--all"])
    }),
    ("a profile that holds a session", |b| {
        b.edit(".aws/credentials", "[dev]\n", "[dev]\naws_session_token = abc\n");
        b.login(&[])
    }),
    ("a session profile with a role", |b| {
        b.configure("[profile dev-mfa]\nrole_arn = arn:aws:iam::123456789012:role/r\n");
        b.login(&[])
    }),
    ("a role for all profiles", |b| {
        b.configure("[DEFAULT]\nrole_arn = arn:aws:iam::123456789012:role/r\n");
        b.login(&[])
    }),
    ("a session profile with a long-term key", |b| {
        b.edit(".aws/credentials", "# keep me\n", "[dev-mfa]\naws_access_key_id = AKIAX\naws_secret_access_key = s\n");
        b.login(&[])
    }),
    ("a session profile with a secret key alone", |b| {
        b.edit(".aws/credentials", "# keep me\n", "[dev-mfa]\naws_secret_access_key = s\n");
        b.login(&[])
    }),
    ("a session profile with a long-term key behind an empty one", |b| {
        let twice = "[dev-mfa]\naws_access_key_id =\naws_access_key_id = AKIAX\naws_session_token = t\n";
        b.edit(".aws/credentials", "# keep me\n", twice);
        b.login(&[])
    }),
    ("a header with blanks", |b| {
        b.edit(".aws/credentials", "# keep me\n", "[ dev-mfa ]\n");
        b.login(&[])
    }),
    ("a comment below a key of ours", |b| {
        b.edit(".aws/credentials", "# keep me\n", "[dev-mfa]\naws_session_token = t\n  # my note\n");
        b.login(&[])
    }),
    ("an endpoint beyond this machine without TLS", |b| {
        b.env.insert("AWS_ENDPOINT_URL_STS".into(), "http://sts.example.com".into());
        b.login(&[])
    }),
    ("an endpoint that is no URL", |b| {
        b.env.insert("AWS_ENDPOINT_URL".into(), "sts.example.com".into());
        b.login(&[])
    }),
    ("a damaged config file", |b| {
        b.configure("rubbish\n");
        b.login(&[])
    }),
    ("a damaged credentials file", |b| {
        b.edit(".aws/credentials", "# keep me", "rubbish");
        b.login(&[])
    }),
    ("a credentials file that is not UTF-8", |b| {
        fs::write(b.path(".aws/credentials"), b"[dev]\n# caf\xe9\n").unwrap();
        b.login(&[])
    }),
    ("a section twice", |b| {
        b.edit(".aws/credentials", "# keep me\n", "[dev-mfa]\n[dev-mfa]\n");
        b.login(&[])
    }),
    ("a folder as credentials file", |b| {
        fs::remove_file(b.path(".aws/credentials")).unwrap();
        fs::create_dir(b.path(".aws/credentials")).unwrap();
        b.login(&[])
    }),
    ("links in a circle", |b| {
        fs::remove_file(b.path(".aws/credentials")).unwrap();
        symlink("credentials", b.path(".aws/credentials")).unwrap();
        b.login(&[])
    }),
    ("a CA bundle without a certificate", |b| {
        b.write("ca.pem", "rubbish");
        b.env.insert("AWS_CA_BUNDLE".into(), "~/ca.pem".into());
        b.login(&[])
    }),
    ("a CA bundle that is not there", |b| {
        b.env.insert("AWS_CA_BUNDLE".into(), "~/ca.pem".into());
        b.login(&[])
    }),
    ("a ledger that cannot be", |b| {
        b.write("state", "");
        b.env.insert("AWS_MFA_KEY_STATE_DIR".into(), "~/state".into());
        b.login(&[])
    }),
];

const AWS: &[ErrorCase] = &[
    ("an inactive key", |b| {
        let text = b.read(".aws/credentials");
        let id = text.lines().find_map(|line| line.strip_prefix("aws_access_key_id = ")).unwrap();
        assert!(b.aws.deactivate_key(id));
        b.login(&[])
    }),
    ("a wrong secret access key", |b| {
        b.edit(".aws/credentials", "aws_secret_access_key = ", "aws_secret_access_key = x");
        b.login(&[])
    }),
    ("an MFA device of another AWS account", |b| b.login(&["--mfa-serial", "arn:aws:iam::210987654321:mfa/alice"])),
    ("no MFA device", |b| {
        b.edit(".aws/config", "mfa_serial", "#mfa_serial");
        let bob = b.aws.add_user("210987654321", "bob");
        let key = b.aws.add_key(&bob);
        let (id, secret) = (key.access_key_id.clone(), key.secret_access_key.clone());
        b.write(".aws/credentials", &format!("[dev]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n"));
        b.login(&[])
    }),
    ("several MFA devices", |b| {
        b.edit(".aws/config", "mfa_serial", "#mfa_serial");
        let phone = b.aws.add_mfa(&b.alice, "phone", SEED);
        b.token.add(StoredAccount::totp(format!("AWS:{phone}"), SEED));
        b.login(&[])
    }),
    ("a secret that is not the MFA device's", |b| {
        b.token.remove(b"Amazon Web Services:alice@example");
        b.token.add(StoredAccount::totp("AWS:alice", b"another secret".to_vec()));
        b.login(&[])
    }),
    ("a wrong typed code", |b| b.login(&["--code", "000000"])),
    ("a code given twice", |b| {
        // Both codes at the beginning of the same step.
        b.clock_ahead = (-b.aws.now()).rem_euclid(30);
        b.aws.set_clock_offset(b.clock_ahead);
        assert_eq!(b.login(&["--code", "000000"]).code, 5);
        let mut outcome = b.login(&["--code", "000000"]);
        let seconds = outcome.err.split("wait ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
        outcome.err = outcome.err.replace(&format!("wait {seconds} s"), "wait N s");
        outcome
    }),
    ("an MFA device that is gone", |b| {
        assert!(b.aws.set_mfa_enabled(&b.serial, false));
        b.login(&[])
    }),
    ("a connection that breaks before the code arrives", |b| lied(b, Lie::DropBefore)),
    ("a connection that breaks afterwards", |b| lied(b, Lie::DropAfter)),
    ("an outage", |b| lied(b, Lie::InternalFailure)),
    ("throttling", |b| lied(b, Lie::Throttling)),
    ("half an answer", |b| lied(b, Lie::CutXml)),
    ("half an answer, where all was promised", |b| lied(b, Lie::CutBody)),
    ("an empty answer", |b| lied(b, Lie::EmptyBody)),
    ("a proxy's page", |b| lied(b, Lie::HtmlBadGateway)),
    ("an error without a message", |b| lied(b, Lie::S3ShapedError("AccessDenied".into()))),
    ("a portal's page", |b| {
        b.aws.lie(None, Lie::HtmlPortal, Times::Always);
        b.login(&[])
    }),
    ("nothing at AWS's address", |b| {
        // Nothing listens on port 1 of any current machine.
        b.env.insert("AWS_ENDPOINT_URL".into(), "http://127.0.0.1:1".into());
        b.login(&[])
    }),
];

/// Cases in a company network, where AWS is behind a proxy and its certificates come from the company's authority.
const NETWORK: &[NetworkErrorCase] = &[
    ("a proxy that refuses", |c| {
        c.proxy = FakeProxy::start(ProxyBehaviour::Refusing(403)).unwrap();
        through(c, "http://alice:hunter2@PROXY")
    }),
    ("a proxy that refuses an endpoint", |c| {
        c.proxy = FakeProxy::start(ProxyBehaviour::Refusing(502)).unwrap();
        c.set("AWS_ENDPOINT_URL", "https://sts.example.com");
        through(c, "http://PROXY")
    }),
    ("a proxy that wants a password", |c| {
        c.proxy = FakeProxy::start(ProxyBehaviour::Password("YWxpY2U6c2VjcmV0")).unwrap();
        through(c, "http://PROXY")
    }),
    ("a proxy that wants another password", |c| {
        c.proxy = FakeProxy::start(ProxyBehaviour::Password("YWxpY2U6c2VjcmV0")).unwrap();
        through(c, "http://alice:hunter2@PROXY")
    }),
    // Nothing listens on port 1 of any current machine.
    ("a proxy that is not there", |c| through(c, "http://alice:hunter2@127.0.0.1:1")),
    ("a proxy that is none", |c| {
        let address = c.bench.aws.endpoint().replace("http://", "");
        let mut outcome = through(c, &format!("http://{address}"));
        outcome.err = outcome.err.replace(&address, "PROXY");
        outcome
    }),
    ("a proxy of another kind", |c| through(c, "socks5://alice:hunter2@PROXY")),
    ("a proxy whose password breaks its URL", |c| through(c, "http://alice:hunter#2@PROXY")),
    ("an authority that the bundle does not have", |c| {
        c.bench.write("ca.pem", &Authority::new("another").unwrap().pem());
        c.login()
    }),
    ("an authority that the system does not trust", |c| {
        c.bench.env.remove("AWS_CA_BUNDLE");
        c.login()
    }),
    ("a certificate of somebody else", |c| {
        let certificate = c.authority.certificate(&["wifi.example.com"]).unwrap();
        c.proxy.lead_to(c.bench.aws.listen_with_tls(&certificate).unwrap());
        c.login()
    }),
    ("somebody who does not speak TLS", |c| {
        c.proxy.lead_to(c.bench.aws.endpoint().replace("http://", "").parse().unwrap());
        c.login()
    }),
    ("a bundle with a damaged certificate", |c| {
        let good = c.authority.pem();
        let bad = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        c.bench.write("ca.pem", &format!("{good}{bad}"));
        c.login()
    }),
    ("a bundle that is cut short", |c| {
        let good = c.authority.pem();
        c.bench.write("ca.pem", &format!("{good}{}", &good[..good.len() / 2]));
        c.login()
    }),
    ("a bundle of the profile that is not there", |c| {
        c.bench.env.remove("AWS_CA_BUNDLE");
        c.configure("ca_bundle = /nowhere/ca.pem\n");
        c.login()
    }),
    ("a portal behind a redirect", |c| {
        c.bench.aws.lie(None, Lie::Redirect("http://wifi.example.com/login?from=\u{e9}".into()), Times::Always);
        c.login()
    }),
    ("a portal's page that would take over the terminal", |c| {
        c.bench.aws.lie(None, Lie::HtmlNasty, Times::Always);
        c.login()
    }),
    ("an answer without an end", |c| {
        c.bench.aws.lie(Action::GetSessionToken, Lie::Flood, Times::Always);
        c.login()
    }),
];

fn through(company: &mut CompanyNetwork, proxy: &str) -> CommandOutcome {
    company.proxy.lead_to(company.tls);
    company.set("HTTPS_PROXY", &proxy.replace("PROXY", &company.proxy.address()));
    company.login()
}

const TOKEN: &[ErrorCase] = &[
    ("no token", |b| {
        b.bus.remove(READER);
        b.login(&["--non-interactive"])
    }),
    ("another token", |b| b.login(&["--token", "87654321", "--source", "token"])),
    ("no OATH applet", |b| {
        b.token.set_presence(Applet::Oath, Presence::Absent);
        b.login(&["--source", "token"])
    }),
    ("the OATH applet switched off", |b| {
        b.token.set_presence(Applet::Oath, Presence::Disabled);
        b.login(&["--source", "token"])
    }),
    ("two accounts that match", |b| {
        b.token.add(StoredAccount::totp("AWS:alice@other", SEED));
        b.login(&[])
    }),
    ("no account that matches", |b| {
        b.token.remove(b"Amazon Web Services:alice@example");
        b.token.add(StoredAccount::totp("GitHub:bob\u{1b}[2J", SEED));
        b.login(&["--source", "token"])
    }),
    ("no account of that name", |b| b.login(&["--source", "token", "--account", "AWS:bob"])),
    ("an account that counts", |b| {
        let mut account = StoredAccount::totp("AWS:counter", SEED);
        account.kind = CodeKind::Hotp;
        b.token.add(account);
        b.login(&["--account", "AWS:counter"])
    }),
    ("an account with eight digits", |b| {
        b.token.remove(b"Amazon Web Services:alice@example");
        let mut account = StoredAccount::totp("AWS:alice", SEED);
        account.digits = 8;
        b.token.add(account);
        b.login(&[])
    }),
    ("another service's user of the same name", |b| {
        b.token.remove(b"Amazon Web Services:alice@example");
        b.token.add(StoredAccount::totp("GitHub:alice", SEED));
        b.login(&["--source", "token"])
    }),
    ("a guess beside a locked token", |b| {
        b.token.set_password(Some("correct horse"));
        let other = VirtualToken::builder(Persona::named("5.7").unwrap()).serial(Some(87_654_321)).build();
        other.add(StoredAccount::totp("my-alice", SEED));
        b.bus.insert("Yubico YubiKey CCID 01 00", move |command| Ok(other.exchange(command)));
        b.login(&["--non-interactive"])
    }),
    ("two tokens with the account", |b| {
        let other = VirtualToken::builder(Persona::named("5.7").unwrap()).serial(None).build();
        other.add(StoredAccount::totp("Amazon Web Services:alice@example", SEED));
        b.bus.insert("Yubico YubiKey CCID 01 00", move |command| Ok(other.exchange(command)));
        b.login(&[])
    }),
    ("a locked token and nobody there", |b| {
        b.token.set_password(Some("correct horse"));
        b.login(&["--non-interactive"])
    }),
    ("a locked token and no password typed", |b| {
        b.token.set_password(Some("correct horse"));
        b.login(&[])
    }),
    ("three wrong passwords", |b| {
        b.token.set_password(Some("correct horse"));
        b.typed = Some(vec!["a", "b", "c", "correct horse"]);
        b.login(&[])
    }),
    ("a password in a file that is not the token's", |b| {
        b.token.set_password(Some("correct horse"));
        b.env.insert("AWS_MFA_KEY_PASSWORD_FILE".into(), "~/password".into());
        b.write("password", "battery\n");
        fs::set_permissions(b.path("password"), fs::Permissions::from_mode(0o600)).unwrap();
        b.login(&["--non-interactive"])
    }),
    ("a password in a file that others can read", |b| {
        b.token.set_password(Some("correct horse"));
        b.env.insert("AWS_MFA_KEY_PASSWORD_FILE".into(), "~/password".into());
        b.write("password", "correct horse\n");
        fs::set_permissions(b.path("password"), fs::Permissions::from_mode(0o644)).unwrap();
        b.login(&[])
    }),
    ("an empty password file", |b| {
        b.token.set_password(Some("correct horse"));
        b.env.insert("AWS_MFA_KEY_PASSWORD_FILE".into(), "~/password".into());
        b.write("password", "\n");
        fs::set_permissions(b.path("password"), fs::Permissions::from_mode(0o600)).unwrap();
        b.login(&[])
    }),
    ("a password to remember, and no keyring", |b| {
        b.token.set_password(Some("correct horse"));
        b.run(&["accounts", "password", "remember"])
    }),
    ("no service", |b| guarded(b, Step::Readers, CarrierError::NoService)),
    ("a user without permission", |b| guarded(b, Step::Readers, CarrierError::Refused)),
    ("a busy token", |b| guarded(b, Step::Open, CarrierError::Busy)),
    ("a token that GnuPG is using", |b| held(b, &["bash", "gpg-agent", "scdaemon"])),
    ("a token that an agent is using", |b| held(b, &["yubikey-agent"])),
    ("a token that one of several is using", |b| held(b, &["ykman", "authenticator"])),
    ("a token that does not start", |b| guarded(b, Step::Open, CarrierError::Mute)),
    ("a token pulled out while it was used", |b| {
        let token = b.token.clone();
        let answered = AtomicUsize::new(0);
        b.bus.remove(READER);
        b.bus.insert(READER, move |command| {
            // The look at the token succeeds; the code fails.
            if command[1] == 0xA2 {
                return Err(CarrierError::Removed);
            }
            answered.fetch_add(1, Ordering::Relaxed);
            Ok(token.exchange(command))
        });
        b.login(&[])
    }),
    ("a token that talks rubbish", |b| {
        b.token.distort(|command, answer| if command[1] == 0xA2 { vec![0x90] } else { answer });
        b.login(&[])
    }),
    ("a touch that nobody may be asked for", |b| {
        b.token.remove(b"Amazon Web Services:alice@example");
        b.token.add(StoredAccount::totp("Amazon Web Services:alice@example", SEED).with_touch());
        b.login(&["--non-interactive"])
    }),
    ("another user's account", |b| {
        b.token.remove(b"Amazon Web Services:alice@example");
        b.token.add(StoredAccount::totp("Amazon Web Services:bob@123456789012", SEED));
        b.login(&["--source", "token"])
    }),
    ("a touch that does not come", |b| {
        b.token.remove(b"Amazon Web Services:alice@example");
        b.token.add(StoredAccount::totp("Amazon Web Services:alice@example", SEED).with_touch());
        b.token.set_touch(SimulatedTouch::Never);
        // The virtual token would take anything below five seconds for another refusal.
        b.token.set_touch_timeout(Duration::from_millis(5100));
        b.login(&[])
    }),
];

const OTHER_SOURCES: &[ErrorCase] = &[
    ("no secret file", |b| b.login(&["--source", "secret:file:~/seed"])),
    ("a secret file that others can read", |b| secret(b, "GEZDGNBVGY3TQOJQ", 0o640)),
    ("a pipe as secret file", |b| {
        assert!(std::process::Command::new("mkfifo").arg(b.path("seed")).status().unwrap().success());
        b.login(&["--source", "secret:file:~/seed"])
    }),
    ("a secret file with rubbish", |b| secret(b, "my secret!", 0o600)),
    ("a secret with eight digits", |b| secret(b, "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ&digits=8", 0o600)),
    ("no secret in the keyring, and no keyring", |b| b.login(&["--source", "secret:keyring:work"])),
    ("no systemd credential", |b| b.login(&["--source", "secret:credential:mfa"])),
    ("a source that is none", |b| b.login(&["--source", "secret:key:GEZDGNBVGY3TQOJQ"])),
    ("a command that fails", |b| printed(b, "exit 3")),
    ("a command that is not there", |b| printed(b, "no-such-command")),
    ("a command that prints nothing", |b| printed(b, "true")),
    ("a command that prints what a YubiKey types", |b| printed(b, "echo ccccccbchvthlivuitriujjifivbvtrjkjfirllluurj")),
    ("a command that prints words", |b| printed(b, "echo your code is 123456")),
    ("a command that prints too much", |b| printed(b, "head -c 9000 /dev/zero | tr '\\0' 1")),
    ("a command that prints eight digits", |b| printed(b, "echo; echo 12345678; echo 123456")),
    ("a command that is ended", |b| printed(b, "kill -KILL $$")),
    ("a secret to be added where nobody is", |b| {
        b.typed = None;
        b.run(&["secret", "add", "dev", "--file", "~/seed"])
    }),
    ("a secret to be added, and no keyring", |b| b.run(&["secret", "add", "dev"])),
    ("a secret to be added that is none", |b| {
        b.input = "my secret!\n";
        b.run(&["secret", "add", "dev", "--file", "~/seed"])
    }),
    ("a secret to be added that counts", |b| {
        b.input = "otpauth://hotp/x?secret=GEZDGNBVGY3TQOJQ&counter=1\n";
        b.run(&["secret", "add", "dev", "--file", "~/seed"])
    }),
    ("secrets that were exported", |b| {
        b.input = "otpauth-migration://offline?data=CjEKCkhlbGxvId6tvu8SGEV4YW1wbGU6YWxpY2VAZ29vZ2xlLmNvbQ%3D%3D\n";
        b.run(&["secret", "add", "dev", "--file", "~/seed"])
    }),
    ("a prompt and nobody there", |b| {
        b.typed = None;
        b.login(&["--source", "prompt"])
    }),
    ("a prompt without an answer", |b| b.login(&["--source", "prompt"])),
    ("a prompt with three wrong answers", |b| {
        b.typed = Some(vec!["1", "one", "ccccccbchvthlivuitriujjifivbvtrjkjfirllluurj", "two", "123456"]);
        b.login(&["--source", "prompt"])
    }),
];

fn role(bench: &mut TestWorld, arn: &str, more: &str) -> CommandOutcome {
    bench.configure(&format!("[profile role]\nrole_arn = {arn}\n{more}"));
    bench.run(&["login", "role"])
}

fn lied(bench: &mut TestWorld, lie: Lie) -> CommandOutcome {
    bench.aws.lie(Action::GetSessionToken, lie, Times::Always);
    let outcome = bench.login(&[]);
    let sent = bench.aws.requests().iter().filter(|request| request.had_code).count();
    assert!((1..=2).contains(&sent), "two codes are sent at most");
    outcome
}

fn guarded(bench: &mut TestWorld, step: Step, why: CarrierError) -> CommandOutcome {
    bench.bus.guard(step, move |_| Err(why.clone()));
    bench.login(&["--non-interactive"])
}

fn held(bench: &mut TestWorld, by: &[&str]) -> CommandOutcome {
    for (name, pid) in by.iter().zip(4711..) {
        bench.process(name, pid);
    }
    guarded(bench, Step::Open, CarrierError::Busy)
}

fn printed(bench: &mut TestWorld, line: &str) -> CommandOutcome {
    bench.env.insert("PATH".into(), "/usr/bin:/bin".into());
    bench.login(&["--non-interactive", "--source", &format!("command:{line}")])
}

fn secret(bench: &mut TestWorld, text: &str, mode: u32) -> CommandOutcome {
    bench.write("seed", text);
    fs::set_permissions(bench.path("seed"), fs::Permissions::from_mode(mode)).unwrap();
    bench.login(&["--source", "secret:file:~/seed"])
}

/// Runs a case, and asserts that it wrote no session.
pub fn told((name, case): &ErrorCase) -> String {
    let mut bench = TestWorld::new();
    let fresh = before(&bench);
    let outcome = case(&mut bench);
    lines(name, &bench, fresh, &outcome)
}

fn told_in_a_company((name, case): &NetworkErrorCase) -> String {
    let mut company = CompanyNetwork::new();
    let fresh = before(&company.bench);
    let outcome = case(&mut company);
    assert!(!outcome.err.contains("hunter"), "{name} tells the password: {}", outcome.err);
    lines(name, &company.bench, fresh, &outcome)
}

fn before(bench: &TestWorld) -> (Vec<u8>, Vec<u8>) {
    (fs::read(bench.path(".aws/credentials")).unwrap(), fs::read(bench.path(".aws/config")).unwrap())
}

/// Returns the three lines of the error, with everything replaced that differs between runs.
fn lines(name: &str, bench: &TestWorld, fresh: (Vec<u8>, Vec<u8>), outcome: &CommandOutcome) -> String {
    for (file, before) in [(".aws/credentials", fresh.0), (".aws/config", fresh.1)] {
        let Ok(after) = fs::read(bench.path(file)) else { continue };
        let text = String::from_utf8_lossy(&after);
        assert!(
            after == before || !text.contains("= ASIA") && !text.contains("mfa_key_owner"),
            "{name} changed {file}: {text}"
        );
    }
    let leftovers = fs::read_dir(bench.path(".aws")).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(leftovers.filter(|file| file.to_string_lossy().contains(".new-")).count(), 0, "{name}");
    let lines: Vec<&str> = outcome.err.lines().collect();
    let report = lines.len() - lines.iter().rev().position(|line| line.starts_with("error: ")).unwrap() - 1;
    assert_eq!(lines.len() - report, 3, "{name}: {}", outcome.err);
    let mut text = format!("{name}: exit {}\n{}\n", outcome.code, lines[report..].join("\n"));
    let endpoint = bench.aws.endpoint();
    let host = endpoint.trim_start_matches("http://");
    for (real, stands) in [(bench.home.path().to_str().unwrap(), "~"), (&endpoint, "ENDPOINT"), (host, "HOST")] {
        text = text.replace(real, stands);
    }
    without_request_id(&text)
}

fn without_request_id(text: &str) -> String {
    match text.split_once(", request ") {
        Some((before, rest)) => format!("{before}, request ID{}", &rest[rest.find(')').unwrap_or(0)..]),
        None => text.to_owned(),
    }
}

pub fn check<C>(part: &str, cases: &[C], told: fn(&C) -> String) {
    let mut text = String::new();
    for case in cases {
        let _ = writeln!(text, "{}", told(case));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/e2e/errors/{part}.txt"));
    if std::env::var_os("UPDATE_ERRORS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    for (expected, found) in expected.split("\n\n").zip(text.split("\n\n")) {
        assert_eq!(found, expected, "see {}", path.display());
    }
    assert_eq!(text, expected, "see {}", path.display());
}

#[test]
fn errors_of_the_command_line() {
    check("command-line", COMMAND_LINE, told);
}

#[test]
fn errors_of_the_configuration() {
    check("configuration", CONFIGURATION, told);
}

#[test]
fn errors_of_aws() {
    check("aws", AWS, told);
}

#[test]
fn errors_of_the_network() {
    check("network", NETWORK, told_in_a_company);
}

#[test]
fn errors_of_tokens() {
    check("token", TOKEN, told);
}

#[test]
fn errors_of_other_sources() {
    check("other-sources", OTHER_SOURCES, told);
}
