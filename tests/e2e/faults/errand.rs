//! The commands that talk to a token, and what they are to have done.

use crate::harness::test_world::{Bench, SEED};
use virtual_token::Account;

const ALICE: &str = "Amazon Web Services:alice@example";
const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJR\n";
const PASSWORD: &str = "correct horse";

/// One command, with what is prepared for it.
pub struct Errand {
    pub name: &'static str,
    pub words: &'static [&'static str],
    pub prepare: fn(&mut Bench),
    /// What it does.
    pub aim: Aim,
}

/// What a command is for.
#[derive(Clone, Copy)]
pub enum Aim {
    /// A session, for one code that is sent.
    Session,
    /// A code, which is shown.
    Code,
    /// What is seen.
    Look,
    /// A change to the token: whether it was made.
    Change(fn(&Bench) -> bool),
}

pub const ERRANDS: &[Errand] = &[
    Errand { name: "login", words: &["login", "dev"], prepare: |_| {}, aim: Aim::Session },
    Errand { name: "login, locked", words: &["login", "dev"], prepare: lock, aim: Aim::Session },
    Errand { name: "login, touch", words: &["login", "dev"], prepare: want_touch, aim: Aim::Session },
    Errand { name: "code", words: &["code", "dev"], prepare: |_| {}, aim: Aim::Code },
    Errand { name: "code, known", words: &["code", "dev"], prepare: know, aim: Aim::Code },
    Errand { name: "credential-process", words: &["credential-process", "dev"], prepare: |_| {}, aim: Aim::Session },
    Errand { name: "tokens", words: &["tokens"], prepare: |_| {}, aim: Aim::Look },
    Errand { name: "accounts list", words: &["accounts", "list"], prepare: |_| {}, aim: Aim::Look },
    Errand { name: "accounts list, locked", words: &["accounts", "list"], prepare: lock, aim: Aim::Look },
    Errand {
        name: "accounts add",
        words: &["accounts", "add", "AWS:bob"],
        prepare: |bench| bench.input = SECRET,
        aim: Aim::Change(|bench| has(bench, "AWS:bob")),
    },
    Errand {
        name: "accounts add --force",
        words: &["accounts", "add", ALICE, "--force"],
        prepare: |bench| bench.input = SECRET,
        aim: Aim::Change(|bench| bench.token.accounts()[0].secret[..] != *SEED),
    },
    Errand {
        name: "accounts rename",
        words: &["accounts", "rename", ALICE, "AWS:alice"],
        prepare: |_| {},
        aim: Aim::Change(|bench| has(bench, "AWS:alice") && !has(bench, ALICE)),
    },
    Errand {
        name: "accounts remove, locked",
        words: &["accounts", "remove", ALICE, "--yes"],
        prepare: lock,
        aim: Aim::Change(|bench| !has(bench, ALICE)),
    },
    Errand {
        name: "password set",
        words: &["accounts", "password", "set", "--stdin"],
        prepare: |bench| bench.input = "battery\n",
        aim: Aim::Change(|bench| bench.token.has_password(Some("battery"))),
    },
    Errand {
        name: "password change",
        words: &["accounts", "password", "change", "--stdin"],
        prepare: |bench| {
            lock(bench);
            bench.input = "correct horse\nbattery\n";
        },
        aim: Aim::Change(|bench| bench.token.has_password(Some("battery"))),
    },
    Errand {
        name: "password clear",
        words: &["accounts", "password", "clear", "--stdin"],
        prepare: |bench| {
            lock(bench);
            bench.input = "correct horse\n";
        },
        aim: Aim::Change(|bench| bench.token.has_password(None)),
    },
];

fn lock(bench: &mut Bench) {
    bench.token.set_password(Some(PASSWORD));
    bench.typed = Some(vec![PASSWORD; 4]);
}

fn want_touch(bench: &mut Bench) {
    bench.token.add(Account::totp(ALICE, SEED).with_touch());
}

/// The account is known from a code before.
fn know(bench: &mut Bench) {
    let told = bench.run(&["code", "dev"]);
    assert_eq!(told.code, 0, "{told:?}");
}

fn has(bench: &Bench, id: &str) -> bool {
    bench.token.accounts().iter().any(|account| account.id == id.as_bytes())
}
