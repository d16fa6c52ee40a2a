//! Tests that text from outside is escaped in all output of all commands: names on a token, responses of AWS or of a
//! server in its place, names in AWS's files, URIs and pictures.

use crate::harness::test_world::{ACCOUNT, CommandOutcome, READER, SEED, SEED_BASE32, TestWorld};
use fake_aws::{Lie, Times};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use virtual_token::StoredAccount;

/// Clears the screen, sets the title, changes colours, moves back, rings the bell; changes the writing direction;
/// contains invisible characters and stacked combining marks.
const NASTY: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\r\u{8}\u{7f}\u{85}\u{202e}\u{2066}\u{200b}\u{200f}\u{feff}\u{ad}\u{2028}a\u{301}\u{301}\u{20dd}";

/// Returns true for characters that a terminal only prints.
fn is_harmless(c: char) -> bool {
    let is_mark = matches!(c, '\u{300}'..='\u{36f}' | '\u{20d0}'..='\u{20f0}');
    let is_unseen = matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
    !c.is_control() && !is_mark && !is_unseen
}

/// Longest output of one command, in bytes: a hostile page of 64 KiB must not be shown in full.
const MOST: usize = 8 * 1024;

#[track_caller]
fn assert_harmless(what: &str, told: &CommandOutcome) {
    for (place, text, allowed) in
        [("out", &told.out, "\n"), ("err", &told.err, "\n"), ("terminal", &told.terminal, "\n\r")]
    {
        let harm = text.chars().find(|c| !is_harmless(*c) && !allowed.contains(*c));
        assert_eq!(harm, None, "{what}: {place}: {text:?}");
        assert!(text.len() <= MOST, "{what}: {place}: {} bytes", text.len());
    }
}

/// Runs a command, which may fail, and asserts that its output is harmless.
#[track_caller]
fn harmless(bench: &TestWorld, words: &[&str]) -> CommandOutcome {
    let told = bench.run(words);
    assert_harmless(&format!("{words:?}"), &told);
    told
}

#[test]
fn names_of_accounts_and_readers_are_escaped() {
    let mut bench = TestWorld::new();
    // AWS accepts each code once, and these are many logins.
    bench.hurry(20);
    bench.typed = Some(vec!["y"; 8]);
    bench.token.add(StoredAccount::totp(format!("AWS:{NASTY}"), SEED).with_touch());
    bench.token.add(StoredAccount::totp("\u{301}".repeat(32), SEED));
    bench.token.add(StoredAccount::totp(b"AWS:\xff\xfe\x1b[2J\xc0\x80\xed\xa0\x80".to_vec(), SEED));
    let token = bench.token.clone();
    bench.bus.remove(READER);
    bench.bus.insert(&format!("YubiKey {NASTY}"), move |command| Ok(token.exchange(command)));
    let nasty = format!("AWS:{NASTY}");
    let shown = harmless(&bench, &["tokens"]).out;
    assert!(shown.contains("AWS:\\u{1b}[2J"), "{shown}");
    for words in [
        &["tokens", "--json"][..],
        &["accounts", "list"],
        &["accounts", "list", "--json"],
        &["login", "dev", "--verbose"],
        &["login", "dev", "--account", &nasty, "--force", "--verbose"],
        &["login", "dev", "--account", "AWS:nobody", "--force"],
        &["login", "dev", "--account", &format!("{NASTY}x"), "--force", "--json"],
        &["code", "dev", "--account", &nasty, "--verbose"],
        &["code", "dev", "--account", "a"],
        &["credential-process", "dev", "--verbose"],
        &["status"],
        &["status", "--json"],
        &["accounts", "add", &nasty],
        &["accounts", "add", "--force", &nasty],
        &["accounts", "rename", &nasty, NASTY],
        &["accounts", "rename", "nobody", &nasty],
        &["accounts", "remove", "nobody"],
        &["accounts", "remove", &nasty],
        &["accounts", "password", "clear"],
        &["tokens", "--token", NASTY],
        &["tokens", NASTY],
        &[NASTY],
    ] {
        harmless(&bench, words);
    }
    let token = bench.token.clone();
    bench.bus.insert(&format!("Nitrokey {NASTY}"), move |command| Ok(token.exchange(command)));
    bench.token.set_password(Some("correct horse"));
    for words in [&["tokens"][..], &["accounts", "list"], &["login", "dev", "--force"], &["login", "dev", "--json"]] {
        harmless(&bench, words);
    }
}

#[test]
fn text_from_awss_files_and_the_environment_is_escaped() {
    let profile = format!("d{NASTY}v").replace(['\r', '\n', ']', ';'], "");
    let keys = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n";
    let settings = [
        "mfa_serial",
        "region",
        "role_arn",
        "source_profile",
        "mfa_key_source",
        "mfa_key_token",
        "mfa_key_account",
        "mfa_key_session_profile",
        "mfa_key_duration",
        "duration_seconds",
        "endpoint_url",
        "services",
        "ca_bundle",
        "mfa_process",
        "credential_process",
        "role_session_name",
        "external_id",
        "output",
    ];
    let value = NASTY.replace(['\r', '\n', '\u{85}', '\u{2028}'], "");
    for (at, setting) in settings.into_iter().enumerate() {
        let mut bench = TestWorld::new();
        bench.configure(&format!("{setting} = {value}\n"));
        let first = bench.read(".aws/config");
        bench.write(".aws/config", &format!("{first}[profile {profile}]\nmfa_serial = {value}\n"));
        let first = bench.read(".aws/credentials");
        bench.write(
            ".aws/credentials",
            &format!(
                "{first}[{profile}]\n{keys}[{profile}-mfa]\n{keys}aws_session_token = x\nx_security_token_expires = \
                 2099-01-01T00:00:00Z\nmfa_key_owner = {profile}\nmfa_key_identity = {value}\nmfa_key_mfa_serial = {value}\n[ours-mfa]\n\
                 {keys}aws_session_token = x\nx_security_token_expires = 2099-01-01T00:00:00Z\nmfa_key_owner = ours\n\
                 mfa_key_identity = {value}\n"
            ),
        );
        for words in [&["login", "dev", "--verbose"][..], &["code", "dev"]] {
            harmless(&bench, words);
        }
        // Output that does not depend on the setting is checked once.
        if at > 0 {
            continue;
        }
        let shown = harmless(&bench, &["status"]);
        assert!(shown.out.contains("\\u{1b}[2J"), "{shown:?}");
        for words in [
            &["login", &profile][..],
            &["login", "--all", "--json"],
            &["login", "de"],
            &["status", "--json"],
            &["status", &profile],
            &["credential-process", &profile],
            &["code", &profile],
            &["exec", "dev", "--", NASTY],
            &["exec", &profile, "--", "/no/such/program"],
            &["logout", &profile, "--verbose"],
            &["logout", "--all"],
        ] {
            harmless(&bench, words);
        }
        for name in ["AWS_PROFILE", "AWS_REGION", "AWS_ENDPOINT_URL", "AWS_MFA_SERIAL", "AWS_MFA_KEY_DURATION"] {
            bench.env.insert(name.to_owned(), NASTY.to_owned());
            harmless(&bench, &["login"]);
            harmless(&bench, &["status"]);
            bench.env.remove(name);
        }
        for name in ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE", "AWS_MFA_KEY_STATE_DIR"] {
            bench.env.insert(name.to_owned(), format!("/no/such{NASTY}/file"));
            harmless(&bench, &["login", "dev", "--verbose"]);
            bench.env.remove(name);
        }
    }
}

#[test]
fn text_from_uris_and_pictures_is_escaped() {
    let escaped: String = NASTY.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let uris = [
        format!("otpauth://totp/AWS:{escaped}?secret={SEED_BASE32}&issuer=AWS"),
        format!("otpauth://totp/AWS:bob?secret={SEED_BASE32}&issuer={escaped}"),
        format!("otpauth://totp/AWS:bob?secret={escaped}"),
        format!("otpauth://{NASTY}/AWS:bob?secret={SEED_BASE32}"),
        format!("otpauth://totp/AWS:bob?secret={SEED_BASE32}&algorithm={NASTY}&digits={escaped}&period={NASTY}"),
        format!("otpauth://totp/%FF%FE?secret={SEED_BASE32}"),
        NASTY.to_owned(),
    ];
    for uri in uris {
        let mut bench = TestWorld::new();
        bench.input = Box::leak(format!("{uri}\n").into_boxed_str());
        let told = harmless(&bench, &["accounts", "add"]);
        assert_ne!(told.code, 0, "{told:?}");
        bench.typed = Some(vec![Box::leak(uri.into_boxed_str()); 3]);
        bench.input = "";
        harmless(&bench, &["accounts", "add"]);
        harmless(&bench, &["accounts", "add", "AWS:ours"]);
        harmless(&bench, &["login", "dev", "--source", "prompt"]);
    }
    let bench = TestWorld::new();
    let picture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/pictures/hostile.png");
    let told = harmless(&bench, &["accounts", "add", "--qr", picture]);
    assert!(told.code == 2 && told.err.contains("control characters"), "{told:?}");
    let path = bench.path(&format!("{}.png", NASTY.replace('/', "")));
    fs::write(&path, "no picture").unwrap();
    harmless(&bench, &["accounts", "add", "--qr", path.to_str().unwrap()]);
}

#[test]
fn text_from_aws_is_escaped() {
    for lie in [
        Lie::HtmlNasty,
        Lie::HtmlPortal,
        Lie::HtmlBadGateway,
        Lie::Redirect(format!("http://127.0.0.1:9/{}", "x".repeat(9000))),
        Lie::S3ShapedError("Access\u{202e}Denied".to_owned()),
    ] {
        let bench = TestWorld::new();
        bench.aws.lie(None, lie.clone(), Times::Always);
        for words in [&["login", "dev", "--verbose"][..], &["login", "dev", "--json"], &["credential-process", "dev"]] {
            assert_ne!(harmless(&bench, words).code, 0, "{lie:?}");
        }
    }
    let entities: String = NASTY.chars().map(|c| format!("&#x{:x};", c as u32)).collect();
    let long = format!("{entities}&lt;html&gt;{}", "&lt;p&gt;&#27;[31m".repeat(4000));
    let error = |code: &str, message: &str| {
        format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        )
    };
    let who = |name: &str| {
        format!(
            "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::{ACCOUNT}:user/{name}</Arn><UserId>A\
             </UserId><Account>{ACCOUNT}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
        )
    };
    let devices = |name: &str| {
        let device = |at: u8| {
            format!(
                "<member><UserName>alice</UserName><SerialNumber>arn:aws:iam::{ACCOUNT}:mfa/{name}{at}</SerialNumber><EnableDate>2026-01-01T00:00:00Z</EnableDate></member>"
            )
        };
        format!(
            "<ListMFADevicesResponse><ListMFADevicesResult><MFADevices>{}{}</MFADevices><IsTruncated>false</IsTruncated>\
             </ListMFADevicesResult></ListMFADevicesResponse>",
            device(1),
            device(2)
        )
    };
    // Status, and the responses to GetCallerIdentity, ListMFADevices and any other call.
    let cases = [
        (403, error("AccessDenied", &long), devices("a"), String::new()),
        (403, error(&entities, &long), devices("a"), String::new()),
        (200, who(&entities), devices(&entities), error("AccessDenied", &long)),
        (200, who("alice"), devices(&entities), error("AccessDenied", &long)),
        (200, who("alice"), error(&entities, &long), error(&entities, &entities)),
        (200, who("alice"), devices("a"), error("AccessDenied", &format!("MultiFactorAuthentication failed {long}"))),
        (200, who("alice"), devices("a"), NASTY.repeat(1500)),
        (200, NASTY.repeat(1500), NASTY.repeat(1500), String::new()),
    ];
    let mut escaped = 0;
    for (status, identity, devices, session) in cases {
        let endpoint = liar(status, [identity, devices, session]);
        for serial in [true, false] {
            let bench = TestWorld::new();
            bench.edit(".aws/config", &bench.aws.endpoint(), &endpoint);
            if !serial {
                bench.edit(".aws/config", &format!("mfa_serial = {}\n", bench.serial), "");
            }
            for words in
                [&["login", "dev", "--verbose"][..], &["login", "dev", "--json"], &["credential-process", "dev"]]
            {
                let told = harmless(&bench, words);
                assert_ne!(told.code, 0, "{told:?}");
                escaped += told.err.matches("\\u{1b}").count();
            }
        }
    }
    assert!(escaped > 10, "what AWS says is shown, {escaped} times");
}

/// Serves fixed responses to GetCallerIdentity, ListMFADevices and any other call. A response that is an error has
/// status 403, others have `status`. Returns the endpoint, which runs until the process ends.
fn liar(status: u16, [identity, devices, rest]: [String; 3]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let request = whole_request(&mut client);
            let body = match () {
                () if request.contains("Action=GetCallerIdentity") => &identity,
                () if request.contains("Action=ListMFADevices") => &devices,
                () => &rest,
            };
            let status = if body.starts_with("<Error") { 403 } else { status };
            // A client that has read enough closes the connection.
            let _ = write!(
                client,
                "HTTP/1.1 {status} X\r\nContent-Type: text/xml\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    format!("http://{address}")
}

/// Reads head and body, or as much as arrives.
fn whole_request(client: &mut impl Read) -> String {
    let mut request = Vec::new();
    let mut bytes = [0; 16_384];
    loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        match client.read(&mut bytes) {
            Ok(count) if count > 0 => request.extend_from_slice(&bytes[..count]),
            _ => return text,
        }
    }
}
