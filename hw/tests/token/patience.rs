//! Number and length of retries, and the failure that is reported after the last retry.

use std::time::{Duration, Instant};

use oath_token::conversation::Patience;
use oath_token::memory_bus::{MemoryBus, Step};
use oath_token::survey;
use oath_token::transport::CarrierError;
use virtual_token::Persona;

use crate::bench::{READER, assert_left_alone, error_of, in_memory, no_keys, token};

/// Returns a gate that fails `times` times with `why`, and then succeeds.
fn at_first(times: usize, why: CarrierError) -> impl FnMut(&str) -> Result<(), CarrierError> + Send {
    let mut left = times;
    move |_| match left {
        0 => Ok(()),
        _ => {
            left -= 1;
            Err(why.clone())
        }
    }
}

/// Returns a bus with a token, whose gate at `step` fails `times` times with `why`.
fn meeting(step: Step, times: usize, why: CarrierError) -> MemoryBus {
    let (bus, _plugged) = in_memory(&token(Persona::YUBIKEY_5_4_3));
    bus.guard(step, at_first(times, why));
    bus
}

#[test]
fn a_busy_token_is_waited_for_up_to_a_limit() {
    for step in [Step::Open, Step::Begin] {
        let bus = meeting(step, 3, CarrierError::Busy);
        let asked = Instant::now();
        assert!(survey::inspect(&bus, READER, Patience::USUAL, &no_keys).is_ok());
        assert!(asked.elapsed() >= Duration::from_millis(600));
        let bus = meeting(step, usize::MAX, CarrierError::Busy);
        let asked = Instant::now();
        let why = error_of(survey::inspect(&bus, READER, Patience::USUAL, &no_keys));
        assert_eq!(why.carrier(), Some(&CarrierError::Busy));
        assert!((1000..9000).contains(&asked.elapsed().as_millis()));
        assert_left_alone(&bus.log(READER));
    }
}

#[test]
fn a_token_that_wakes_up_is_waited_for_up_to_a_limit() {
    for why in [CarrierError::Empty, CarrierError::Mute] {
        let bus = meeting(Step::Open, 3, why.clone());
        assert!(survey::inspect(&bus, READER, Patience::USUAL, &no_keys).is_ok());
        let bus = meeting(Step::Open, usize::MAX, why.clone());
        let asked = Instant::now();
        assert_eq!(error_of(survey::inspect(&bus, READER, Patience::USUAL, &no_keys)).carrier(), Some(&why));
        assert!((3000..9000).contains(&asked.elapsed().as_millis()));
    }
}

#[test]
fn lasting_failures_are_reported_at_once() {
    for why in [CarrierError::NoService, CarrierError::Refused, CarrierError::Removed] {
        for step in [Step::Open, Step::Begin] {
            let bus = meeting(step, usize::MAX, why.clone());
            let asked = Instant::now();
            assert_eq!(error_of(survey::inspect(&bus, READER, Patience::USUAL, &no_keys)).carrier(), Some(&why));
            assert!(asked.elapsed() < Duration::from_secs(1));
            assert_left_alone(&bus.log(READER));
        }
    }
    let bus = meeting(Step::Readers, 1, CarrierError::NoService);
    assert_eq!(survey::survey(&bus, Patience::USUAL, &no_keys), Err(CarrierError::NoService));
    assert!(survey::survey(&bus, Patience::USUAL, &no_keys).is_ok());
}

#[test]
fn two_resets_are_retried_and_a_third_is_reported() {
    for (times, forgiven) in [(1, true), (2, true), (3, false)] {
        for step in [Step::Open, Step::Begin] {
            let bus = meeting(step, times, CarrierError::Reset);
            assert_eq!(
                survey::inspect(&bus, READER, Patience::NONE, &no_keys).is_ok(),
                forgiven,
                "{times} at {step:?}"
            );
            assert_left_alone(&bus.log(READER));
        }
    }
}

#[test]
fn a_silent_token_with_an_empty_reader_was_removed() {
    let (bus, plugged) = in_memory(&token(Persona::YUBIKEY_5_4_3));
    let mut opened = 0;
    bus.guard(Step::Open, move |_| {
        opened += 1;
        if opened == 1 { Ok(()) } else { Err(CarrierError::Empty) }
    });
    plugged.token.distort(|_, _| vec![]);
    let asked = Instant::now();
    let why = error_of(survey::inspect(&bus, READER, Patience::USUAL, &no_keys));
    assert_eq!(why.carrier(), Some(&CarrierError::Removed));
    assert!(asked.elapsed() < Duration::from_secs(1), "it is not waited for");
}

#[test]
fn an_empty_reader_beside_a_token_is_not_waited_for_but_a_busy_one_is() {
    let (bus, _plugged) = in_memory(&token(Persona::YUBIKEY_5_4_3));
    for reader in ["Yubico empty", "Yubico mute"] {
        bus.insert(reader, |_| Ok(vec![]));
    }
    bus.guard(Step::Open, |reader| match reader {
        "Yubico empty" => Err(CarrierError::Empty),
        "Yubico mute" => Err(CarrierError::Mute),
        "Yubico busy" => Err(CarrierError::Busy),
        _ => Ok(()),
    });
    let asked = Instant::now();
    let seen = survey::survey(&bus, Patience::USUAL, &no_keys).unwrap();
    assert!(asked.elapsed() < Duration::from_secs(1));
    assert_eq!((seen.tokens.len(), seen.unseen.len()), (1, 2));
    assert_eq!(seen.most_hopeful().unwrap().reader, "Yubico mute");
    bus.insert("Yubico busy", |_| Ok(vec![]));
    let asked = Instant::now();
    let seen = survey::survey(&bus, Patience::USUAL, &no_keys).unwrap();
    assert!((1000..9000).contains(&asked.elapsed().as_millis()), "a busy one is waited for all the same");
    assert_eq!(seen.most_hopeful().unwrap().reader, "Yubico busy");
    assert_eq!(survey::survey(&MemoryBus::new(), Patience::USUAL, &no_keys).unwrap().most_hopeful(), None);
}

#[test]
fn a_survey_waits_for_the_only_token_to_wake_up() {
    let bus = meeting(Step::Open, 4, CarrierError::Mute);
    assert_eq!(survey::survey(&bus, Patience::USUAL, &no_keys).unwrap().tokens.len(), 1);
}
