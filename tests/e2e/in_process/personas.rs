//! Tests of the commands on each known kind of token. `personas.txt` holds the expected output: success, or the exact
//! reason for failure.

use crate::harness::stack::{ProgramOutput, RealStack};
use crate::harness::test_world::{READER, SEED, TestWorld};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;
use virtual_token::pcscd::Pcscd;
use virtual_token::{HashAlgorithm, Persona, SimulatedTouch, StoredAccount, VirtualToken};

const ALICE: &str = "Amazon Web Services:alice@example";
/// An account that requires a touch.
const TOUCHED: &str = "AWS:touched";
const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJR\n";

/// The command lines for each kind of token, each on a new token: text for stdin, and commands separated by `; `.
const TYPED: &[(&str, &str)] = &[
    ("", "login dev"),
    ("", "login dev --account AWS:touched"),
    ("", "login dev --account AWS:behind-the-PIN"),
    ("", "tokens"),
    ("", "accounts list"),
    (SECRET, "accounts add AWS:bob"),
    (SECRET, "accounts add AWS:bob --touch"),
    (SECRET, "accounts add AWS:bob --algorithm SHA512"),
    (SECRET, "accounts add AWS:touched --force"),
    (SECRET, "accounts add AWS:tou"),
    ("", "accounts rename AWS:touched AWS:renamed"),
    ("", "accounts remove AWS:touched --yes"),
    (
        "horse\nbattery\n",
        "accounts password set --stdin; login dev; accounts password change --stdin; accounts password clear --stdin",
    ),
];

fn token(persona: &Persona) -> VirtualToken {
    let token = VirtualToken::builder(persona.clone()).serial(Some(12_345_678)).build();
    token.add(StoredAccount::totp(ALICE, SEED));
    token.add(StoredAccount { touch: persona.keeps_touch_flag, ..StoredAccount::totp(TOUCHED, SEED) });
    if matches!(persona.select_layout, virtual_token::SelectLayout::PinTries(_)) {
        token.add(StoredAccount { behind_pin: true, ..StoredAccount::totp("AWS:behind-the-PIN", SEED) });
    }
    token.set_touch(SimulatedTouch::ByItself(Duration::ZERO));
    token
}

/// Creates a world with a token of this kind in its own kind of reader.
fn bench(persona: &Persona) -> TestWorld {
    let mut bench = TestWorld::new();
    bench.token = token(persona);
    bench.bus.remove(READER);
    let answering = bench.token.clone();
    bench.bus.insert(&reader(persona), move |command| Ok(answering.exchange(command)));
    bench
}

fn reader(persona: &Persona) -> String {
    format!("{} 00 00", persona.reader)
}

/// Formats the output of a command, with the time of day removed.
fn said(words: &str, code: impl std::fmt::Display, out: &str, err: &str) -> String {
    let mut text = format!("$ {words}\n");
    for line in out.lines().chain(err.lines()) {
        let line = match line.split_once("until ") {
            Some((before, after)) => format!("{before}until …{}", &after["2026-01-01T00:00:00Z".len()..]),
            None => line.to_owned(),
        };
        let _ = writeln!(text, "  {line}");
    }
    let _ = writeln!(text, "  exit {code}");
    text
}

/// Lists the accounts left on the token.
fn left(token: &VirtualToken) -> String {
    let select = token.exchange(&[0, 0xA4, 4, 0, 7, 0xA0, 0, 0, 5, 0x27, 0x21, 1]);
    assert!(select.ends_with(&[0x90, 0]));
    let locked = if token.exchange(&[0, 0xA1, 0, 0, 0]) == [0x69, 0x82] { ", locked" } else { "" };
    let account = |account: &StoredAccount| {
        let touch = if account.touch { " (touch)" } else { "" };
        let sha512 = if account.algorithm == HashAlgorithm::Sha512 { " (SHA-512)" } else { "" };
        let new = if account.secret[..] == *SEED { "" } else { " (new secret)" };
        format!("{}{touch}{sha512}{new}", String::from_utf8_lossy(&account.id))
    };
    format!("  on it: {}{locked}\n", token.accounts().iter().map(account).collect::<Vec<_>>().join(", "))
}

/// Runs command lines on a new token and returns their output, and the accounts left if they changed.
fn run(persona: &Persona, input: &'static str, typed: &str) -> String {
    let mut bench = bench(persona);
    let before = left(&bench.token);
    let mut text = String::new();
    for words in typed.split("; ") {
        bench.token.clear_commands();
        bench.typed = Some(vec!["horse"]);
        bench.input = match words {
            "accounts password clear --stdin" => "battery\n",
            _ if words.starts_with("accounts") => input,
            _ => "",
        };
        let told = bench.run(&words.split(' ').collect::<Vec<_>>());
        text += &said(words, told.code, &told.out, &told.err);
        assert_manners(&bench.token, words);
    }
    let after = left(&bench.token);
    if before == after { text } else { text + &after }
}

/// Asserts that RESET was never sent, and writing commands only by commands that change accounts.
fn assert_manners(token: &VirtualToken, words: &str) {
    let writes = |command: &Vec<u8>| matches!(command[..], [0, 1..=5, p1, ..] if (command[1], p1) != (1, 0x10));
    let sent = token.commands();
    assert!(!sent.iter().any(|command| command.starts_with(&[0, 4])), "{words}: {sent:02x?}");
    let may_write = words.starts_with("accounts") && words != "accounts list";
    assert!(may_write || !sent.iter().any(writes), "{words}: {sent:02x?}");
}

/// Returns the output of all command lines on a kind of token.
fn told(persona: &Persona) -> Vec<String> {
    TYPED.iter().map(|(input, typed)| run(persona, input, typed)).collect()
}

/// Returns the full output for the usual token, and for each other kind what differs from it.
fn differences(all: &[Vec<String>]) -> String {
    let usual = &all[0];
    let mut text = String::new();
    for (persona, told) in Persona::ALL.iter().zip(all) {
        let is_usual = persona.name == Persona::ALL[0].name;
        let but = if is_usual { "" } else { ", as above but for" };
        let _ = writeln!(text, "=== {} in {}{but}", persona.name, reader(persona));
        let told = told.iter().zip(usual).filter(|(told, usual)| is_usual || told != usual);
        text.extend(told.map(|(told, _)| told.as_str()).chain(["\n"]));
    }
    text
}

#[test]
fn each_command_works_on_each_token_or_says_why_not() {
    let all: Vec<Vec<String>> = thread::scope(|scope| {
        let runs: Vec<_> = Persona::ALL.iter().map(|persona| scope.spawn(|| told(persona))).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    let text = differences(&all);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/in_process/personas.txt");
    if std::env::var_os("UPDATE_ERRORS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    for (expected, found) in expected.split("\n\n").zip(text.split("\n\n")) {
        assert_eq!(found, expected, "see {}", path.display());
    }
    assert_eq!(text, expected, "see {}", path.display());
}

#[test]
fn a_real_pcscd_gives_the_same_output_for_each_token() {
    for persona in &Persona::ALL {
        let bench = bench(persona);
        let pcscd = Pcscd::start(&[persona.reader]).unwrap();
        let inserted = Some(pcscd.insert(0, &bench.token).unwrap());
        let stack = RealStack { inserted, pcscd, bench };
        for words in ["tokens", "login dev"] {
            let ProgramOutput { code, out, err } = stack.run(&words.split(' ').collect::<Vec<_>>());
            let here = said(words, code.unwrap_or(-1), &out, &err);
            assert_eq!(here, run(persona, "", words), "{}: {}", persona.name, stack.pcscd.log());
        }
    }
}
