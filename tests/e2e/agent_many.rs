//! The agent with two hundred profiles over twenty long-term keys.

use crate::running::{Door, agent, ours, until};
use crate::stack::Stack;
use fake_aws::Action;
use std::time::Duration;

#[test]
fn two_hundred_profiles_of_twenty_keys_are_kept() {
    let stack = Stack::new();
    stack.bench.add_twenty_users(10);
    let sent = |action| stack.bench.aws.requests().iter().filter(|request| request.action == action).count();
    let mut agent = agent(&stack, &[]);
    agent.until("keeping the sessions of dev, ");
    agent.until_sessions(201);
    // The key whose codes want a touch was looked at before anybody was asked, and again then.
    assert_eq!((sent(Action::GetSessionToken), sent(Action::GetCallerIdentity)), (21, 22));
    let served = |profile| ours(&stack, &["agent", "env", profile]);
    until("the last one is served", || served("p19-9").code == Some(0));
    Door::of(&stack).assert_prompt();
    let (_, at_first) = agent.memory();
    // All of them are nearly over: a code for each MFA device.
    stack.bench.sessions_end_in(Duration::from_mins(10));
    until("each is renewed", || sent(Action::GetSessionToken) == 42);
    agent.until_sessions(201);
    // What one round took serves the next.
    let (_, now) = agent.memory();
    assert!(now < at_first * 2, "{at_first} KiB were its own, and then {now}");
    assert_eq!(agent.end().0, Some(0));
}
