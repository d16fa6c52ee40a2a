//! Property tests with generated files: other sections stay the same for every parser, writing is idempotent, and
//! removing restores the bytes.

use super::{TOKEN, settle, write};
use crate::harness::aws_clients;
use aws_mfa_key::aws::credentials_file::{self, Removed};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_types::os_shim_internal::{Env, Fs};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const FILES: usize = 300;

/// Lines of generated files. Most are accepted by all parsers, since otherwise hardly any file could be read.
const LINES: [&str; 27] = [
    "[a]",
    "[b] # note",
    "[c]",
    "[dev]",
    "[dev2]",
    "[DEV]",
    "[profile dev]",
    "[e.f]",
    "",
    "",
    "# note",
    "; note",
    "#aws_session_token = x",
    "region = eu-central-1",
    "output=json",
    "k = v # w",
    "aws_account_id = 210987654321",
    "aws_access_key_id = ASIAOLD",
    "aws_secret_access_key = old",
    "aws_session_token = old",
    "AWS_SECURITY_TOKEN = old",
    "expiration = 2020-01-01 00:00:00",
    "s3 =\n  addressing_style = path",
    "long = a\n  b",
    "l:m = n",
    "x = [dev]",
    "[DEFAULT]",
];

type ParsedSections = BTreeMap<String, BTreeMap<String, String>>;

fn file() -> impl Strategy<Value = String> {
    let lines = prop::collection::vec(prop::sample::select(LINES.to_vec()), 0..14);
    let ending = prop::sample::select(vec!["\n", "\n", "\r\n"]);
    (lines, ending, any::<bool>(), any::<bool>()).prop_map(|(lines, ending, begun, ended)| {
        let text = format!("{}{}{}", if begun { "[z]\n" } else { "" }, lines.join("\n"), if ended { "\n" } else { "" });
        text.replace('\n', ending)
    })
}

#[test]
fn other_sections_stay_the_same_for_every_parser() {
    let home = tempfile::tempdir().unwrap();
    let mut runner = TestRunner::deterministic();
    let mut files: Vec<(PathBuf, PathBuf)> = Vec::new();
    for n in 0..FILES {
        let text = file().new_tree(&mut runner).unwrap().current();
        let (before, after) = (home.path().join(format!("before-{n}")), home.path().join(format!("after-{n}")));
        fs::write(&before, &text).unwrap();
        fs::write(&after, &text).unwrap();
        settle(&after);
        if change(&after, &text) {
            files.push((before, after));
        }
    }
    assert!(files.len() > FILES / 4, "{} were written", files.len());
    let paths: Vec<&Path> = files.iter().flat_map(|(before, after)| [before.as_path(), after]).collect();
    let parsers = [("botocore", by_botocore(&paths)), ("JavaScript", by_javascript(&paths)), ("Rust", by_rust(&paths))];
    for (parser, found) in parsers {
        let read = found.chunks(2).zip(&files).filter(|(pair, files)| is_same_outside(parser, pair, files)).count();
        assert!(read > FILES / 8, "{parser} could read {read}");
    }
}

/// Writes the section `dev` twice. If the section is new, also removes it and writes it again. Returns false if the
/// write was refused.
fn change(path: &Path, before: &str) -> bool {
    let read = || fs::read_to_string(path).unwrap();
    if write(path, "dev", TOKEN).is_err() {
        assert_eq!(read(), before);
        return false;
    }
    let once = read();
    write(path, "dev", TOKEN).unwrap();
    assert_eq!(read(), once, "twice is once: {before:?}");
    if !before.lines().any(|line| line.starts_with("[dev]")) {
        let removed = credentials_file::remove(path, &"dev".into(), &"long".into()).unwrap();
        assert_eq!((removed, read()), (Removed::Session, before.to_owned()));
        write(path, "dev", TOKEN).unwrap();
        assert_eq!(read(), once);
    }
    true
}

/// Returns true if the parser could read the file before. Asserts that the parser then finds the same other sections
/// after the write.
fn is_same_outside(parser: &str, pair: &[Option<ParsedSections>], files: &(PathBuf, PathBuf)) -> bool {
    let Some(before) = &pair[0] else { return false };
    let text = || fs::read_to_string(&files.1).unwrap();
    let after = pair[1].as_ref().unwrap_or_else(|| panic!("{parser} cannot read it any more:\n{}", text()));
    let others = |sections: &ParsedSections| -> ParsedSections {
        sections.iter().filter(|(name, _)| *name != "dev").map(|(name, keys)| (name.clone(), keys.clone())).collect()
    };
    assert_eq!(others(after), others(before), "{parser}:\n{}", text());
    assert_eq!(after["dev"]["aws_session_token"], TOKEN, "{parser}:\n{}", text());
    assert!(!after["dev"].contains_key("aws_security_token"), "{parser}:\n{}", text());
    true
}

fn by_botocore(paths: &[&Path]) -> Vec<Option<ParsedSections>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/sections.py");
    let mut command = aws_clients::python();
    command.arg(script);
    by(command, paths)
}

fn by_javascript(paths: &[&Path]) -> Vec<Option<ParsedSections>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/sections.js");
    let mut command = Command::new(aws_clients::node());
    command.arg(script).arg(aws_clients::javascript());
    by(command, paths)
}

/// Runs a parser as a separate program on all files.
fn by(mut command: Command, paths: &[&Path]) -> Vec<Option<ParsedSections>> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(serde_json::to_string(paths).unwrap().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let found: Vec<Option<BTreeMap<String, BTreeMap<String, Value>>>> = serde_json::from_slice(&output.stdout).unwrap();
    let text = |(key, value): (String, Value)| (key, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    let section = |(name, keys): (String, BTreeMap<_, _>)| (name, keys.into_iter().map(text).collect());
    found.into_iter().map(|file| file.map(|sections| sections.into_iter().map(section).collect())).collect()
}

fn by_rust(paths: &[&Path]) -> Vec<Option<ParsedSections>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let read = |path: &&Path| {
        let files = EnvConfigFiles::builder().with_file(EnvConfigFileKind::Credentials, path).build();
        let env = Env::from_slice(&[]);
        let found = runtime.block_on(aws_config::profile::load(&Fs::real(), &env, &files, None)).ok()?;
        let keys = |name: &str| {
            let profile = found.get_profile(name).unwrap();
            // The SDK cannot list the keys of a profile.
            let known = ["region", "output", "k", "long", "l:m", "x", "s3", "expiration", "aws_account_id"];
            let aws = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_security_token"];
            let value = |key: &&str| Some(((*key).to_owned(), profile.get(key)?.to_owned()));
            known.iter().chain(&aws).filter_map(value).collect()
        };
        Some(found.profiles().map(|name| (name.to_owned(), keys(name))).collect())
    };
    paths.iter().map(read).collect()
}
