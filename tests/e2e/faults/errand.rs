//! The commands that use a token, and their expected effects.

use crate::harness::test_world::{SEED, TestWorld};
use virtual_token::StoredAccount;

const ALICE: &str = "Amazon Web Services:alice@example";
const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJR\n";
const PASSWORD: &str = "correct horse";

/// A command and its preparation.
pub struct Errand {
    pub name: &'static str,
    pub words: &'static [&'static str],
    pub prepare: fn(&mut TestWorld),
    pub effect: ExpectedEffect,
}

/// The effect that a command has if it succeeds.
#[derive(Clone, Copy)]
pub enum ExpectedEffect {
    /// A session, for one code that is sent.
    Session,
    /// A code, which is printed.
    Code,
    /// Output only; the token stays unchanged.
    Look,
    /// A change to the token. The function returns true if the change was made.
    Change(fn(&TestWorld) -> bool),
}

pub const ERRANDS: &[Errand] = &[
    Errand { name: "login", words: &["login", "dev"], prepare: |_| {}, effect: ExpectedEffect::Session },
    Errand { name: "login, locked", words: &["login", "dev"], prepare: lock, effect: ExpectedEffect::Session },
    Errand { name: "login, touch", words: &["login", "dev"], prepare: want_touch, effect: ExpectedEffect::Session },
    Errand { name: "code", words: &["code", "dev"], prepare: |_| {}, effect: ExpectedEffect::Code },
    Errand { name: "code, known", words: &["code", "dev"], prepare: know, effect: ExpectedEffect::Code },
    Errand {
        name: "credential-process",
        words: &["credential-process", "dev"],
        prepare: |_| {},
        effect: ExpectedEffect::Session,
    },
    Errand { name: "tokens", words: &["tokens"], prepare: |_| {}, effect: ExpectedEffect::Look },
    Errand { name: "accounts list", words: &["accounts", "list"], prepare: |_| {}, effect: ExpectedEffect::Look },
    Errand { name: "accounts list, locked", words: &["accounts", "list"], prepare: lock, effect: ExpectedEffect::Look },
    Errand {
        name: "accounts add",
        words: &["accounts", "add", "AWS:bob"],
        prepare: |bench| bench.input = SECRET,
        effect: ExpectedEffect::Change(|bench| has(bench, "AWS:bob")),
    },
    Errand {
        name: "accounts add --force",
        words: &["accounts", "add", ALICE, "--force"],
        prepare: |bench| bench.input = SECRET,
        effect: ExpectedEffect::Change(|bench| bench.token.accounts()[0].secret[..] != *SEED),
    },
    Errand {
        name: "accounts rename",
        words: &["accounts", "rename", ALICE, "AWS:alice"],
        prepare: |_| {},
        effect: ExpectedEffect::Change(|bench| has(bench, "AWS:alice") && !has(bench, ALICE)),
    },
    Errand {
        name: "accounts remove, locked",
        words: &["accounts", "remove", ALICE, "--yes"],
        prepare: lock,
        effect: ExpectedEffect::Change(|bench| !has(bench, ALICE)),
    },
    Errand {
        name: "password set",
        words: &["accounts", "password", "set", "--stdin"],
        prepare: |bench| bench.input = "battery\n",
        effect: ExpectedEffect::Change(|bench| bench.token.has_password(Some("battery"))),
    },
    Errand {
        name: "password change",
        words: &["accounts", "password", "change", "--stdin"],
        prepare: |bench| {
            lock(bench);
            bench.input = "correct horse\nbattery\n";
        },
        effect: ExpectedEffect::Change(|bench| bench.token.has_password(Some("battery"))),
    },
    Errand {
        name: "password clear",
        words: &["accounts", "password", "clear", "--stdin"],
        prepare: |bench| {
            lock(bench);
            bench.input = "correct horse\n";
        },
        effect: ExpectedEffect::Change(|bench| bench.token.has_password(None)),
    },
];

fn lock(bench: &mut TestWorld) {
    bench.token.set_password(Some(PASSWORD));
    bench.typed = Some(vec![PASSWORD; 4]);
}

fn want_touch(bench: &mut TestWorld) {
    bench.token.add(StoredAccount::totp(ALICE, SEED).with_touch());
}

/// Runs `code` once, so that the program knows the token and the account.
fn know(bench: &mut TestWorld) {
    let told = bench.run(&["code", "dev"]);
    assert_eq!(told.code, 0, "{told:?}");
}

fn has(bench: &TestWorld, id: &str) -> bool {
    bench.token.accounts().iter().any(|account| account.id == id.as_bytes())
}
