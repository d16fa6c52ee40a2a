//! Tests of `--non-interactive`: each command in each situation in which it would ask a person. It never asks,
//! although a person sits at the terminal, and the exit code says what is missing.

use crate::harness::test_world::{READER, SEED, TestWorld};
use hw::memory_bus::Step;
use hw::transport::CarrierError;
use std::time::Duration;
use virtual_token::{SimulatedTouch, StoredAccount};

const ID: &str = "Amazon Web Services:alice@example";

/// The thing that a command lacks.
#[derive(Clone, Copy, Debug)]
enum MissingThing {
    Touch,
    Token,
    Password,
    Code,
    /// The permission to use tokens.
    Right,
    /// An MFA device that is enabled in IAM.
    Device,
    Network,
    Nothing,
}

const SITUATIONS: [MissingThing; 8] = [
    MissingThing::Touch,
    MissingThing::Token,
    MissingThing::Password,
    MissingThing::Code,
    MissingThing::Right,
    MissingThing::Device,
    MissingThing::Network,
    MissingThing::Nothing,
];

/// Each command, and its exit codes in these situations.
#[rustfmt::skip]
const COMMANDS: &[(&[&str], [u8; 8])] = &[
    //                                            touch, token, password, code, right, device, network, nothing
    (&["login", "dev"],                                          [4, 3, 4, 4, 1, 5, 6, 0]),
    (&["login", "--all"],                                        [4, 3, 4, 4, 1, 5, 6, 0]),
    (&["login", "dev", "--wait=1s"],                             [4, 3, 4, 4, 1, 5, 6, 0]),
    (&["exec", "dev", "--", "true"],                             [4, 3, 4, 4, 1, 5, 6, 0]),
    (&["env", "dev"],                                            [4, 3, 4, 4, 1, 5, 6, 0]),
    (&["credential-process", "dev"],                             [4, 3, 4, 4, 1, 5, 6, 0]),
    (&["code", "dev"],                                           [4, 3, 4, 4, 1, 0, 0, 0]),
    (&["accounts", "list"],                                      [0, 3, 4, 0, 1, 0, 0, 0]),
    (&["accounts", "add", "AWS:bob"],                            [4, 3, 4, 4, 1, 4, 4, 4]),
    (&["accounts", "rename", ID, "AWS:alice"],                   [0, 3, 4, 0, 1, 0, 0, 0]),
    (&["accounts", "remove", ID],                                [4, 3, 4, 4, 1, 4, 4, 4]),
    (&["accounts", "password", "set"],                           [4, 3, 2, 4, 1, 4, 4, 4]),
    (&["accounts", "password", "clear"],                         [2, 3, 4, 2, 1, 2, 2, 2]),
    (&["secret", "add", "dev", "--file", "~/new"],               [4, 4, 4, 4, 4, 4, 4, 4]),
    (&["secret", "remove", "dev", "--file", "~/kept"],           [4, 4, 4, 4, 4, 4, 4, 4]),
    (&["tokens"],                                                [0, 3, 0, 0, 1, 0, 0, 0]),
    (&["status"],                                                [0, 0, 0, 0, 0, 0, 0, 0]),
    (&["status", "dev"],                                         [1, 1, 1, 1, 1, 1, 1, 1]),
    (&["logout", "dev"],                                         [0, 0, 0, 0, 0, 0, 0, 0]),
    (&["logout", "--all"],                                       [0, 0, 0, 0, 0, 0, 0, 0]),
    (&["agent", "env", "dev"],                                   [1, 1, 1, 1, 1, 1, 1, 1]),
    (&["secret", "list"],                                        [1, 1, 1, 1, 1, 1, 1, 1]),
    (&["doctor", "dev"],                                         [0, 1, 1, 0, 1, 1, 1, 0]),
];

fn in_need_of(what: MissingThing) -> TestWorld {
    let mut bench = TestWorld::new();
    // A person is there and would type anything.
    bench.typed = Some(vec!["hello"; 5]);
    bench.write("kept", "GEZDGNBVGY3TQOJQ");
    std::fs::set_permissions(bench.path("kept"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    match what {
        MissingThing::Touch => {
            bench.token.remove(ID.as_bytes());
            bench.token.add(StoredAccount::totp(ID, SEED).with_touch());
            bench.token.set_touch(SimulatedTouch::ByItself(Duration::ZERO));
        }
        MissingThing::Token => bench.bus.remove(READER),
        MissingThing::Password => bench.token.set_password(Some("horse")),
        MissingThing::Code => bench.configure("mfa_key_source = prompt\n"),
        MissingThing::Right => bench.bus.guard(Step::Readers, |_| Err(CarrierError::Refused)),
        MissingThing::Device => assert!(bench.aws.set_mfa_enabled(&bench.serial, false)),
        MissingThing::Network => {
            // Nothing listens on port 1 of any current machine.
            bench.env.insert("AWS_ENDPOINT_URL".into(), "http://127.0.0.1:1".into());
        }
        MissingThing::Nothing => {}
    }
    bench
}

#[test]
fn every_command_never_asks_and_has_the_expected_exit_code() {
    let mut wrong = Vec::new();
    for (command, codes) in COMMANDS {
        for (needs, code) in SITUATIONS.into_iter().zip(codes) {
            if command[0] == "exec" && *code == 0 {
                // `exec` would replace this process.
                continue;
            }
            let bench = in_need_of(needs);
            // Options must come before `--`; the rest belongs to the command that is run.
            let at = command.iter().position(|word| *word == "--").unwrap_or(command.len());
            let arguments = [&command[..at], &["--non-interactive"], &command[at..]].concat();
            let told = bench.run(&arguments);
            // A requested wait shows a message, but is no question.
            let is_waiting = ["Plug in the token", "Waiting for"].iter().any(|what| told.terminal.contains(what));
            let is_asked = !told.terminal.is_empty() && !is_waiting;
            if told.code != *code || is_asked {
                wrong.push(format!("{arguments:?}, {needs:?}: {code} was expected: {told:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
