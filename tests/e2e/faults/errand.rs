//! The commands that talk to a token, and what they are to have done.

use crate::harness::test_world::{SEED, TestWorld};
use virtual_token::StoredAccount;

const ALICE: &str = "Amazon Web Services:alice@example";
const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJR\n";
const PASSWORD: &str = "correct horse";

/// One command, with what is prepared for it.
pub struct Errand {
    pub name: &'static str,
    pub words: &'static [&'static str],
    pub prepare: fn(&mut TestWorld),
    /// The effect it is to have.
    pub effect: ExpectedEffect,
}

/// The effect that a command is to have.
#[derive(Clone, Copy)]
pub enum ExpectedEffect {
    /// A session, for one code that is sent.
    Session,
    /// A code, which is shown.
    Code,
    /// A look at the token, which changes nothing.
    Look,
    /// A change to the token: whether it was made.
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

/// The account is known from a code before.
fn know(bench: &mut TestWorld) {
    let told = bench.run(&["code", "dev"]);
    assert_eq!(told.code, 0, "{told:?}");
}

fn has(bench: &TestWorld, id: &str) -> bool {
    bench.token.accounts().iter().any(|account| account.id == id.as_bytes())
}
