//! Tests of many programs that need the same session at the same time.

use crate::harness::stack::{PATIENCE, ProgramOutput, RealStack};
use fake_aws::{Action, Lie, Times};
use std::process::Child;
use std::time::{Duration, Instant};
use virtual_token::SimulatedTouch;

/// Number of programs started at once.
const CROWD: usize = 50;

fn sent(stack: &RealStack, action: Action) -> usize {
    stack.bench.aws.requests().iter().filter(|request| request.action == action).count()
}

fn touches(stack: &RealStack) -> usize {
    stack.bench.token.commands().iter().filter(|command| command[1] == 0xA2).count()
}

fn wait_for_touch(stack: &RealStack) {
    assert!(stack.bench.token.until_waiting_for_touch(PATIENCE));
}

#[test]
fn fifty_programs_cost_one_touch() {
    let stack = RealStack::new();
    let start = || stack.program(&["credential-process", "dev"]).spawn().unwrap();
    let begun = Instant::now();
    let crowd: Vec<Child> = (0..CROWD).map(|_| start()).collect();
    let told: Vec<ProgramOutput> =
        crowd.into_iter().map(|child| ProgramOutput::from(child.wait_with_output().unwrap())).collect();
    let all = begun.elapsed();
    for one in &told {
        assert_eq!((one.code, &one.out), (Some(0), &told[0].out), "{one:?}");
    }
    assert_eq!((sent(&stack, Action::GetSessionToken), touches(&stack)), (1, 1));
    assert_eq!(sent(&stack, Action::GetCallerIdentity), 1, "only who logs in asks AWS anything");
    assert!(all < PATIENCE, "{all:?}");
}

#[test]
fn a_waiting_login_takes_over_from_a_killed_one() {
    let stack = RealStack::new();
    stack.bench.token.set_touch(SimulatedTouch::Never);
    let mut first = stack.program(&["login", "dev"]).spawn().unwrap();
    wait_for_touch(&stack);
    let second = stack.program(&["login", "dev"]).spawn().unwrap();
    let id = first.id().to_string();
    // Kills `setsid` and the program, which is in a session of its own.
    let children = format!("kill -KILL $(cat /proc/{id}/task/{id}/children) {id}");
    assert!(stack.command("sh", &["-c", &children]).status().unwrap().success());
    first.wait().unwrap();
    stack.bench.token.set_touch(SimulatedTouch::ByItself(Duration::ZERO));
    stack.bench.token.touch();
    let told = ProgramOutput::from(second.wait_with_output().unwrap());
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(sent(&stack, Action::GetSessionToken), 1);
}

#[test]
fn different_mfa_devices_do_not_wait_for_each_other() {
    let stack = RealStack::new();
    let bob = stack.bench.aws.add_user(crate::harness::test_world::ACCOUNT, "bob");
    let key = stack.bench.aws.add_key(&bob);
    let serial = stack.bench.aws.add_mfa(&bob, "bob", crate::harness::test_world::SEED);
    stack.bench.write("seed", crate::harness::test_world::SEED_BASE32);
    assert!(stack.command("chmod", &["600", stack.bench.path("seed").to_str().unwrap()]).status().unwrap().success());
    let credentials = stack.bench.read(".aws/credentials");
    let (id, secret) = (&key.access_key_id, &key.secret_access_key);
    stack.bench.write(
        ".aws/credentials",
        &format!("{credentials}[two]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n"),
    );
    let endpoint = stack.bench.aws.endpoint();
    stack.bench.configure(&format!(
        "[profile two]\nmfa_serial = {serial}\nendpoint_url = {endpoint}\nmfa_key_source = secret:file:~/seed\n"
    ));
    stack.bench.token.set_touch(SimulatedTouch::Never);
    let first = stack.program(&["login", "dev"]).spawn().unwrap();
    wait_for_touch(&stack);
    let told = stack.run(&["login", "two"]);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert!(stack.bench.token.waiting_for_touch(), "the first waits all the while");
    stack.bench.token.touch();
    assert_eq!(first.wait_with_output().unwrap().status.code(), Some(0));
}

#[test]
fn a_lost_response_is_recovered_with_one_more_code() {
    let stack = RealStack::new();
    stack.bench.aws.lie(Action::GetSessionToken, Lie::DropAfter, Times::Next(1));
    let told = stack.run(&["login", "dev"]);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert!(told.err.contains("AWS's response was lost; trying once more with another code\n"), "{told:?}");
    assert_eq!((sent(&stack, Action::GetSessionToken), touches(&stack)), (2, 2));
}
