//! Measurements of writing a session to a credentials file with 10 000 sections, in total and by step.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement prints")]

use aws_mfa_key::aws::config_file::Profiles;
use aws_mfa_key::aws::credentials_file::{SessionEntry, rehearse, write_all};
use aws_mfa_key::aws::sections::warnings::warnings;
use aws_mfa_key::aws::sections::{Edits, Sections};
use aws_mfa_key::aws::{Identity, MfaSerial, ProfileName, Session, SessionProfile};
use aws_mfa_key::world::Environment;
use aws_smithy_types::DateTime;
use secrecy::SecretString;
use std::ffi::OsString;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

const SECTIONS: usize = 10_000;

fn main() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("credentials");
    for (name, token) in [("long-term keys", 0), ("sessions", 600)] {
        let token = if token == 0 { String::new() } else { format!("aws_session_token = {}\n", "t".repeat(token)) };
        let section = |n: usize| {
            format!(
                "[p{n}]\naws_access_key_id = AKIA{n:016}\naws_secret_access_key = {n:040}\n{token}region = eu-central-1\n\n"
            )
        };
        let text: String = (0..SECTIONS).map(section).collect();
        fs::write(&path, &text).unwrap();
        println!("{SECTIONS} sections with {name}, {:.1} MB", text.len() as f64 / 1e6);
        measure(&path, &home, &text);
    }
}

fn measure(path: &Path, home: &tempfile::TempDir, text: &str) {
    let show = |what: &str, mut act: Box<dyn FnMut() + '_>| {
        let mut times: Vec<Duration> = (0..15)
            .map(|_| {
                let start = Instant::now();
                act();
                start.elapsed()
            })
            .collect();
        times.sort_unstable();
        println!("  {what:<28} {:>7.2} ms", times[times.len() / 2].as_secs_f64() * 1e3);
    };
    let mut round = 0;
    let mut next = || {
        round += 1;
        format!("round{round}")
    };
    let bytes = || Zeroizing::new(text.as_bytes().to_vec());
    show("write", Box::new(|| write(path, &["dev".to_owned()], &next())));
    show("  of it the edit", Box::new(|| Edits::of(&Sections::new(bytes())).set("dev", &[("a", "b")], &[]).unwrap()));
    let many: Vec<String> = (0..200).map(|n| format!("p{}-mfa", n * 37)).collect();
    show("write 200 sessions at once", Box::new(|| write(path, &many, &next())));
    show("rehearse", Box::new(|| assert!(rehearse(path, &[&"dev".into()]).unwrap().notices.is_empty())));
    show("  of it the warnings", Box::new(|| assert!(warnings(&Sections::new(bytes())).is_empty())));
    show("a copy in memory, wiped", Box::new(|| drop(black_box(bytes()))));
    show("a plain copy, synced", Box::new(|| copy(path, &home.path().join("copy"))));
    let env: Environment = [("HOME", "/nowhere"), ("AWS_SHARED_CREDENTIALS_FILE", path.to_str().unwrap())]
        .into_iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)))
        .collect();
    show("all profiles read (the SDK)", Box::new(|| drop(black_box(Profiles::read(&env).unwrap()))));
}

fn copy(from: &Path, to: &Path) {
    fs::copy(from, to).unwrap();
    fs::File::open(to).unwrap().sync_all().unwrap();
}

fn write(path: &Path, profiles: &[String], token: &str) {
    let serial = MfaSerial::parse("arn:aws:iam::123456789012:mfa/alice").unwrap();
    let identity =
        Identity { arn: "arn:aws:iam::123456789012:user/alice".to_owned(), account: "123456789012".to_owned() };
    let session = Session {
        access_key_id: "ASIANEW".to_owned(),
        secret_access_key: SecretString::from("secret"),
        session_token: SecretString::from(token),
        expires: DateTime::from_secs(1_795_341_600),
    };
    let (names, owner): (Vec<SessionProfile>, ProfileName) =
        (profiles.iter().map(|name| name.as_str().into()).collect(), "long".into());
    let entry =
        |profile| SessionEntry { profile, owner: &owner, identity: &identity, mfa_serial: &serial, session: &session };
    let entries: Vec<SessionEntry<'_>> = names.iter().map(entry).collect();
    write_all(path, &entries).unwrap();
}
