//! Tests of the agent with two hundred profiles for twenty long-term keys.

use crate::harness::events::until;
use crate::harness::running_agent::{EndpointClient, agent, ours};
use crate::harness::stack::RealStack;
use fake_aws::Action;
use std::time::Duration;

/// Upper bound of the anonymous memory with two hundred sessions, in KiB. The logins take twice that for a moment.
const TWO_HUNDRED: u64 = 6 * 1024;

#[test]
fn two_hundred_profiles_are_kept_with_little_memory() {
    let stack = RealStack::new();
    stack.bench.add_twenty_users(10);
    let sent = |action| stack.bench.aws.requests().iter().filter(|request| request.action == action).count();
    let mut agent = agent(&stack, &[]);
    agent.until("renewing the sessions of dev, ");
    agent.until_sessions(201);
    // The key whose codes require a touch was checked once before anybody was asked, and again for the login.
    assert_eq!((sent(Action::GetSessionToken), sent(Action::GetCallerIdentity)), (21, 22));
    let served = |profile| ours(&stack, &["agent", "env", profile]);
    until("each is served", || ["dev", "p19-9"].iter().all(|profile| served(profile).code == Some(0)));
    EndpointClient::of(&stack).assert_prompt();
    // All sessions are due for renewal: one code for each MFA device.
    stack.bench.sessions_end_in(Duration::from_mins(10));
    until("each is renewed", || sent(Action::GetSessionToken) == 42);
    agent.until_sessions(201);
    until("what that took for a moment is given back", || agent.memory().1 < TWO_HUNDRED);
    assert_eq!(agent.end().0, Some(0));
}
