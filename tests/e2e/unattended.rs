//! `--non-interactive`: each command, in each situation in which it would ask somebody. It never does, although a person
//! sits at the terminal, and what is missing is told by the exit code.

use crate::world::{Bench, READER, SEED};
use std::time::Duration;
use virtual_token::{Account, Touch};

const ID: &str = "Amazon Web Services:alice@example";

/// What would need a person.
#[derive(Clone, Copy, Debug)]
enum Needs {
    Touch,
    Token,
    Password,
    Code,
    Nothing,
}

const SITUATIONS: [Needs; 5] = [Needs::Touch, Needs::Token, Needs::Password, Needs::Code, Needs::Nothing];

/// Each command, and its exit codes in these situations.
#[rustfmt::skip]
const COMMANDS: &[(&[&str], [u8; 5])] = &[
    //                                                            touch token password code nothing
    (&["login", "dev"],                                          [4, 3, 4, 4, 0]),
    (&["login", "--all"],                                        [4, 3, 4, 4, 0]),
    (&["login", "dev", "--wait=1s"],                             [4, 3, 4, 4, 0]),
    (&["exec", "dev", "--", "true"],                             [4, 3, 4, 4, 0]),
    (&["env", "dev"],                                            [4, 3, 4, 4, 0]),
    (&["credential-process", "dev"],                             [4, 3, 4, 4, 0]),
    (&["code", "dev"],                                           [4, 3, 4, 4, 0]),
    (&["accounts", "list"],                                      [0, 3, 4, 0, 0]),
    (&["accounts", "add", "AWS:bob"],                            [4, 3, 4, 4, 4]),
    (&["accounts", "rename", ID, "AWS:alice"],                   [0, 3, 4, 0, 0]),
    (&["accounts", "remove", ID],                                [4, 3, 4, 4, 4]),
    (&["accounts", "password", "set"],                           [4, 3, 2, 4, 4]),
    (&["accounts", "password", "clear"],                         [2, 3, 4, 2, 2]),
    (&["secret", "add", "dev", "--file", "~/new"],               [4, 4, 4, 4, 4]),
    (&["secret", "remove", "dev", "--file", "~/kept"],           [4, 4, 4, 4, 4]),
    (&["doctor", "dev"],                                         [0, 1, 1, 0, 0]),
];

fn in_need_of(what: Needs) -> Bench {
    let mut bench = Bench::new();
    // Somebody is there, and would type anything.
    bench.typed = Some(vec!["hello"; 5]);
    bench.write("kept", "GEZDGNBVGY3TQOJQ");
    std::fs::set_permissions(bench.path("kept"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    match what {
        Needs::Touch => {
            bench.token.remove(ID.as_bytes());
            bench.token.add(Account::totp(ID, SEED).with_touch());
            bench.token.set_touch(Touch::ByItself(Duration::ZERO));
        }
        Needs::Token => bench.bus.remove(READER),
        Needs::Password => bench.token.set_password(Some("horse")),
        Needs::Code => bench.configure("mfa_key_source = prompt\n"),
        Needs::Nothing => {}
    }
    bench
}

#[test]
fn nobody_is_asked_and_the_exit_code_says_what_is_missing() {
    let mut wrong = Vec::new();
    for (command, codes) in COMMANDS {
        for (needs, code) in SITUATIONS.into_iter().zip(codes) {
            if command[0] == "exec" && *code == 0 {
                // This process would become the command.
                continue;
            }
            let bench = in_need_of(needs);
            // What belongs to a command that is run stands after `--`.
            let at = command.iter().position(|word| *word == "--").unwrap_or(command.len());
            let arguments = [&command[..at], &["--non-interactive"], &command[at..]].concat();
            let told = bench.run(&arguments);
            // A wait that was asked for says what it waits for.
            let is_asked = !told.terminal.is_empty() && !told.terminal.contains("Plug in the token");
            if told.code != *code || is_asked {
                wrong.push(format!("{arguments:?}, {needs:?}: {code} was expected: {told:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
