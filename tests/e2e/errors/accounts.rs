//! Error messages of `tokens` and `accounts`. `errors/accounts.txt` lists the expected ones.

use crate::errors::{ErrorCase, check, told};
use crate::harness::test_world::{CommandOutcome, READER, SEED, TestWorld};
use hw::memory_bus::Step;
use hw::transport::CarrierError;
use std::fs;
use virtual_token::{Applet, Persona, Presence, StoredAccount, VirtualToken};

const ALICE: &str = "Amazon Web Services:alice@example";
const SECRET: &str = "GEZDGNBVGY3TQOJQ\n";

const CASES: &[ErrorCase] = &[
    ("no token to look at", |b| {
        b.bus.remove(READER);
        b.run(&["tokens"])
    }),
    ("another token to look at", |b| b.run(&["tokens", "--token", "87654321"])),
    ("a busy token to look at", |b| {
        b.bus.guard(Step::Open, |_| Err(CarrierError::Busy));
        b.run(&["tokens"])
    }),
    ("an MFA device for a token", |b| b.run(&["tokens", "--device", "arn:aws:iam::123456789012:mfa/alice"])),
    ("no service to list accounts", |b| {
        b.bus.guard(Step::Readers, |_| Err(CarrierError::NoService));
        b.run(&["accounts", "list"])
    }),
    ("two tokens to list accounts of", |b| {
        plug(b, Persona::YUBIKEY_5_7);
        b.run(&["accounts", "list"])
    }),
    ("a token beside a busy one", |b| {
        plug(b, Persona::YUBIKEY_5_7);
        b.bus.guard(Step::Open, |reader| if reader == READER { Err(CarrierError::Busy) } else { Ok(()) });
        b.run(&["accounts", "list"])
    }),
    ("an applet that is switched off", |b| {
        b.token.set_presence(Applet::Oath, Presence::Disabled);
        b.run(&["accounts", "list"])
    }),
    ("a locked token and nobody there", |b| {
        b.token.set_password(Some("correct horse"));
        b.run(&["accounts", "list", "--non-interactive"])
    }),
    ("a wrong password", |b| {
        b.token.set_password(Some("correct horse"));
        b.typed = Some(vec!["a", "b", "c"]);
        b.run(&["accounts", "list"])
    }),
    ("a secret in the arguments", |b| b.run(&["accounts", "add", "AWS:bob", "GEZDGNBVGY3TQOJQ"])),
    ("no secret and nobody there", |b| b.run(&["accounts", "add", "AWS:bob", "--non-interactive"])),
    ("no secret typed", |b| b.run(&["accounts", "add", "AWS:bob"])),
    ("no secret", |b| piped(b, "my secret!\n", &["AWS:bob"])),
    ("a secret without an id", |b| piped(b, SECRET, &[])),
    ("a URI without a secret", |b| piped(b, "otpauth://totp/AWS:bob?issuer=AWS\n", &[])),
    ("an id with a number and a slash", |b| piped(b, SECRET, &["60/AWS:bob", "--period", "30"])),
    ("an id that moves the cursor", |b| piped(b, SECRET, &["AWS:\u{1b}[2J"])),
    ("a long id", |b| piped(b, SECRET, &["AWS:abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-abcdefghi"])),
    ("a code of nine digits", |b| piped(b, SECRET, &["AWS:bob", "--digits", "9"])),
    ("a code for a day", |b| piped(b, SECRET, &["AWS:bob", "--period", "86400"])),
    ("an account that is there", |b| piped(b, SECRET, &[ALICE])),
    ("an account that is there, at a prompt", |b| b.run(&["accounts", "add", ALICE])),
    ("a full token", |b| {
        (0..31).for_each(|at| b.token.add(StoredAccount::totp(format!("account {at}"), SEED)));
        b.run(&["accounts", "add", "AWS:bob"])
    }),
    ("touch on a token of old", |b| old(b, &["add", "AWS:bob", "--touch"])),
    ("SHA-512 on a token of old", |b| old(b, &["add", "AWS:bob", "--algorithm", "SHA512"])),
    ("renaming on a token of old", |b| old(b, &["rename", "counter", "other"])),
    ("an id that another begins with", |b| {
        let persona = Persona { firmware: [4, 3, 1], oath_version: &[4, 3, 1], ..Persona::YUBIKEY_5_4_3 };
        replace(b, persona);
        piped(b, SECRET, &["count"])
    }),
    ("a token that does not overwrite", |b| {
        answering(b, 0x01, &[0x69, 0x85]);
        piped(b, SECRET, &[ALICE, "--force"])
    }),
    ("a token that only says that it is done", |b| {
        answering(b, 0x02, &[0x90, 0x00]);
        b.run(&["accounts", "remove", ALICE, "--yes"])
    }),
    ("a token that refuses", |b| {
        answering(b, 0x02, &[0x65, 0x81]);
        b.run(&["accounts", "remove", ALICE, "--yes"])
    }),
    ("a token pulled out in the middle", |b| {
        let token = b.token.clone();
        b.bus.insert(READER, move |command| match command {
            [0, 0x05, ..] => Err(CarrierError::Removed),
            _ => Ok(token.exchange(command)),
        });
        b.run(&["accounts", "rename", ALICE, "AWS:alice"])
    }),
    ("no picture", |b| b.run(&["accounts", "add", "--qr", "/no/such/picture.png"])),
    ("a folder for a picture", |b| b.run(&["accounts", "add", "--qr", "/"])),
    ("a text for a picture", |b| {
        b.write("picture.png", "no picture\n");
        qr(b)
    }),
    ("half a picture", |b| {
        let whole = fs::read(shown("aws.png")).unwrap();
        fs::write(b.path("picture.png"), &whole[..whole.len() / 2]).unwrap();
        qr(b)
    }),
    ("a picture of a link", |b| b.run(&["accounts", "add", "--qr", &shown("link.png")]).at(&shown("link.png"))),
    ("a picture of two accounts", |b| b.run(&["accounts", "add", "--qr", &shown("two.png")]).at(&shown("two.png"))),
    ("a mistyped id", |b| b.run(&["accounts", "remove", "Amazon Web Service:alice@example"])),
    ("an id that is not there", |b| b.run(&["accounts", "remove", "GitHub"])),
    ("renaming what is not there", |b| b.run(&["accounts", "rename", "alice", "bob"])),
    ("renaming to what is there", |b| {
        b.token.add(StoredAccount::totp("AWS:bob", SEED));
        b.run(&["accounts", "rename", ALICE, "AWS:bob"])
    }),
    ("renaming to nothing", |b| b.run(&["accounts", "rename", ALICE, ""])),
    ("removing what was not meant", |b| {
        b.typed = Some(vec!["no"]);
        b.run(&["accounts", "remove", ALICE])
    }),
    ("removing and nobody there", |b| {
        b.typed = None;
        b.run(&["accounts", "remove", ALICE])
    }),
    ("a password that is set already", |b| {
        b.token.set_password(Some("correct horse"));
        b.run(&["accounts", "password", "set"])
    }),
    ("changing a password that is not there", |b| b.run(&["accounts", "password", "change"])),
    ("clearing a password that is not there", |b| b.run(&["accounts", "password", "clear"])),
    ("a new password and nobody there", |b| {
        b.typed = None;
        b.run(&["accounts", "password", "set"])
    }),
    ("a new password never twice the same", |b| {
        b.typed = Some(vec!["a", "b", "c", "d", "e", "f"]);
        b.run(&["accounts", "password", "set"])
    }),
    ("a wrong password to be changed", |b| {
        b.token.set_password(Some("correct horse"));
        b.input = "wrong\nnew\n";
        b.run(&["accounts", "password", "change", "--stdin"])
    }),
    ("an applet that knows no passwords", |b| {
        answering(b, 0x03, &[0x6D, 0x00]);
        b.input = "correct horse\n";
        b.run(&["accounts", "password", "set", "--stdin"])
    }),
];

fn piped(bench: &mut TestWorld, input: &'static str, arguments: &[&str]) -> CommandOutcome {
    bench.input = input;
    bench.run(&[&["accounts", "add"], arguments].concat())
}

fn plug(bench: &TestWorld, persona: Persona) {
    let token = VirtualToken::builder(persona).serial(Some(87_654_321)).build();
    bench.bus.insert("Yubico YubiKey CCID 01 00", move |command| Ok(token.exchange(command)));
}

/// Replaces the default token by another kind of token.
fn replace(bench: &TestWorld, persona: Persona) {
    let token = VirtualToken::builder(persona).build();
    token.add(StoredAccount::totp("counter", SEED));
    bench.bus.insert(READER, move |command| Ok(token.exchange(command)));
}

fn old(bench: &mut TestWorld, arguments: &[&str]) -> CommandOutcome {
    replace(bench, Persona::NEO);
    bench.input = SECRET;
    bench.run(&[&["accounts"], arguments].concat())
}

/// Makes the token give a fixed response to one instruction, without executing it.
fn answering(bench: &TestWorld, instruction: u8, answer: &'static [u8]) {
    let token = bench.token.clone();
    bench.bus.insert(READER, move |command| {
        let is_it = command[1..3] == [instruction, 0];
        Ok(if is_it { answer.to_vec() } else { token.exchange(command) })
    });
}

fn qr(bench: &TestWorld) -> CommandOutcome {
    bench.run(&["accounts", "add", "--qr", bench.path("picture.png").to_str().unwrap()])
}

/// Returns the path of a test picture.
fn shown(name: &str) -> String {
    format!("{}/tests/e2e/pictures/{name}", env!("CARGO_MANIFEST_DIR"))
}

impl CommandOutcome {
    /// Replaces the path, which depends on the build folder.
    fn at(mut self, path: &str) -> Self {
        self.err = self.err.replace(path, "PICTURE");
        self
    }
}

#[test]
fn errors_of_accounts() {
    check("accounts", CASES, told);
}
