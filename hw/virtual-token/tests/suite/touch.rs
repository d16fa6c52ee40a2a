//! The wait for a touch: what ends it, and its effect on other commands.

use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use virtual_token::{Persona, SimulatedTouch, StoredAccount, VirtualToken};

use crate::talk::*;

const CODE: &str = "76050641397eea";

fn blinking() -> (VirtualToken, JoinHandle<Vec<u8>>) {
    let token = selected(Persona::default());
    token.add(StoredAccount::totp("t", SECRET).with_touch());
    let waiting = begin(&token);
    (token, waiting)
}

/// Requests a code in another thread, and returns when the token waits for a touch.
fn begin(token: &VirtualToken) -> JoinHandle<Vec<u8>> {
    let asking = token.clone();
    let waiting = thread::spawn(move || asking.exchange(&unhex(&calculate(b"t", &1u64.to_be_bytes()))));
    assert!(token.until_waiting_for_touch(PATIENCE));
    waiting
}

#[test]
fn a_touch_counts_only_while_the_token_waits() {
    let token = selected(Persona::default());
    token.add(StoredAccount::totp("t", SECRET).with_touch());
    assert!(!token.touch(), "a touch before the question is none");
    for _ in 0..3 {
        let waiting = begin(&token);
        assert!(!waiting.is_finished());
        assert!(token.touch());
        assert!(!token.touch(), "one touch is enough");
        assert_eq!(split(waiting.join().unwrap()), (CODE.into(), 0x9000));
        assert!(!token.waiting_for_touch() && !token.touch());
    }
}

#[test]
fn an_automatic_touch_comes_after_its_delay() {
    let token = selected(Persona::default());
    token.add(StoredAccount::totp("t", SECRET).with_touch());
    token.set_touch(SimulatedTouch::ByItself(Duration::from_millis(50)));
    let began = Instant::now();
    assert_eq!(ask(&token, &calculate(b"t", &1u64.to_be_bytes())), (CODE.into(), 0x9000));
    assert!(began.elapsed() >= Duration::from_millis(50));
    token.set_touch_timeout(Duration::from_millis(20));
    assert_eq!(status(&token, &calculate(b"t", &[1])), 0x6982, "too late");
}

#[test]
fn a_missing_touch_ends_in_6982() {
    let (token, waiting) = blinking();
    token.set_touch(SimulatedTouch::Never);
    assert!(!waiting.is_finished());
    token.set_touch_timeout(Duration::from_millis(1));
    assert_eq!(split(waiting.join().unwrap()), (String::new(), 0x6982));
    assert_eq!(status(&token, LIST), 0x9000, "the session goes on");
}

#[test]
fn changed_settings_affect_a_wait_in_progress() {
    let (token, waiting) = blinking();
    token.set_touch(SimulatedTouch::ByItself(Duration::ZERO));
    assert_eq!(split(waiting.join().unwrap()), (CODE.into(), 0x9000));
}

#[test]
fn a_power_cut_ends_the_wait_without_a_response() {
    let (token, waiting) = blinking();
    token.reset();
    assert_eq!(waiting.join().unwrap(), Vec::<u8>::new());
    assert_eq!(status(&token, LIST), 0x6d00, "nothing is selected any more");
}

#[test]
fn other_commands_wait_until_the_touch_has_come() {
    let (token, waiting) = blinking();
    let other = token.clone();
    let list = thread::spawn(move || other.exchange(&unhex(LIST)));
    thread::sleep(Duration::from_millis(30));
    assert!(!list.is_finished());
    assert!(token.touch());
    assert_eq!(split(waiting.join().unwrap()).1, 0x9000);
    assert_eq!(split(list.join().unwrap()), ("72022174".into(), 0x9000));
}

#[test]
fn a_command_that_will_be_refused_waits_for_no_touch() {
    let token = selected(Persona::default());
    token.add(StoredAccount { only_increasing: true, ..StoredAccount::totp("t", SECRET).with_touch() });
    token.set_touch(SimulatedTouch::ByItself(Duration::ZERO));
    assert_eq!(status(&token, &calculate(b"t", &[9])), 0x9000);
    token.set_touch(SimulatedTouch::OnCommand);
    assert_eq!(status(&token, &calculate(b"t", &[8])), 0x6982);
    assert_eq!(status(&token, &calculate(b"t", &[])), 0x6a80);
    assert_eq!(ask(&token, &calculate_all(1)), ("7101747c0106".into(), 0x9000));
}
