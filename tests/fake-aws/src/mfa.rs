//! An MFA device as STS sees it: its secret, the spent time steps, and the lock after too many bad codes.

use std::collections::{BTreeSet, VecDeque};

use crate::clock::UnixSeconds;
use crate::totp;

/// Distance from the current step within which the record identifies a code's step.
const RECORD_REACH: i64 = 20;

/// The rules by which a code is accepted and an MFA device is locked.
#[derive(Clone, Copy)]
pub(crate) struct CodeRules {
    /// Steps accepted before and after the current one.
    pub(crate) tolerance: i64,
    /// Number of bad codes that lock the MFA device …
    pub(crate) bad_codes: usize,
    /// … if they come within this many seconds; also the duration of the lock.
    pub(crate) seconds: i64,
}

impl Default for CodeRules {
    /// Two steps, as observed of AWS in September 2026. Eight bad codes within seven seconds were answered by a lock
    /// of two minutes; the counting window is assumed to be as long as the lock.
    fn default() -> CodeRules {
        CodeRules { tolerance: 2, bad_codes: 8, seconds: 120 }
    }
}

/// An MFA device that generates codes.
pub(crate) struct MfaDevice {
    pub(crate) serial_number: String,
    /// Index of the owner.
    pub(crate) owner: usize,
    pub(crate) enabled: bool,
    pub(crate) enable_date: UnixSeconds,
    seed: Vec<u8>,
    spent: BTreeSet<i64>,
    bad: VecDeque<UnixSeconds>,
    locked_at: Option<UnixSeconds>,
}

/// The verdict on a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    Good,
    /// Wrong, too early, too late, or already spent: AWS does not say which.
    Bad,
    Locked,
}

impl MfaDevice {
    pub(crate) fn new(serial_number: String, owner: usize, seed: &[u8], now: UnixSeconds) -> MfaDevice {
        MfaDevice {
            serial_number,
            owner,
            enabled: true,
            enable_date: now,
            seed: seed.to_vec(),
            spent: BTreeSet::new(),
            bad: VecDeque::new(),
            locked_at: None,
        }
    }

    /// Judges a code, and spends it if it is good. A locked device neither spends nor counts codes.
    pub(crate) fn judge(&mut self, code: &str, now: UnixSeconds, rules: CodeRules) -> Judgement {
        if self.locked_at.is_some_and(|since| (0..rules.seconds).contains(&(now - since))) {
            return Judgement::Locked;
        }
        self.locked_at = None;
        let step = totp::step_at(now);
        let matching: Vec<i64> = (step - rules.tolerance..=step + rules.tolerance)
            .filter(|&step| totp::code(&self.seed, step) == code)
            .collect();
        if matching.is_empty() || matching.iter().any(|step| self.spent.contains(step)) {
            self.count_bad(now, rules);
            return Judgement::Bad;
        }
        self.spent.extend(matching);
        Judgement::Good
    }

    fn count_bad(&mut self, now: UnixSeconds, rules: CodeRules) {
        self.bad.retain(|&then| (0..rules.seconds).contains(&(now - then)));
        self.bad.push_back(now);
        if self.bad.len() >= rules.bad_codes {
            self.bad.clear();
            self.locked_at = Some(now);
        }
    }

    /// Returns the step nearest to now whose code is `code`, within ±20 steps. The record holds this step instead of
    /// the code.
    pub(crate) fn step_of(&self, code: &str, now: UnixSeconds) -> Option<i64> {
        let step = totp::step_at(now);
        let mut near: Vec<i64> = (step - RECORD_REACH..=step + RECORD_REACH).collect();
        near.sort_by_key(|candidate| (candidate - step).abs());
        near.into_iter().find(|&candidate| totp::code(&self.seed, candidate) == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: &[u8] = b"12345678901234567890";
    const NOW: UnixSeconds = 1_600_000_000;

    fn device() -> MfaDevice {
        MfaDevice::new("arn:aws:iam::123456789012:mfa/alice".to_owned(), 0, SEED, NOW)
    }

    fn code(offset: i64) -> String {
        totp::code(SEED, totp::step_at(NOW) + offset)
    }

    fn judge(device: &mut MfaDevice, offset: i64, now: UnixSeconds) -> Judgement {
        device.judge(&code(offset), now, CodeRules::default())
    }

    #[test]
    fn codes_within_two_steps_are_accepted_once_in_any_order() {
        let mut device = device();
        for offset in [2, -2, 0, 1, -1] {
            assert_eq!(judge(&mut device, offset, NOW), Judgement::Good, "{offset}");
        }
        for offset in [-2, 0, 3, -3] {
            assert_eq!(judge(&mut device, offset, NOW), Judgement::Bad, "{offset}");
        }
    }

    #[test]
    fn without_tolerance_only_the_current_step_is_accepted() {
        let (mut device, rules) = (device(), CodeRules { tolerance: 0, ..CodeRules::default() });
        for (offset, judgement) in [(1, Judgement::Bad), (-1, Judgement::Bad), (0, Judgement::Good)] {
            assert_eq!(device.judge(&code(offset), NOW, rules), judgement, "{offset}");
        }
    }

    #[test]
    fn eight_bad_codes_lock_the_device_for_two_minutes() {
        let mut device = device();
        assert_eq!(judge(&mut device, 0, NOW), Judgement::Good);
        for second in 0..8 {
            assert_eq!(judge(&mut device, 9, NOW + second), Judgement::Bad);
        }
        assert_eq!(judge(&mut device, 1, NOW + 8), Judgement::Locked);
        assert_eq!(judge(&mut device, 5, NOW + 7 + 119), Judgement::Locked);
        assert_eq!(judge(&mut device, 5, NOW + 7 + 120), Judgement::Good, "asking meanwhile does not lock it longer");
    }

    #[test]
    fn seven_bad_codes_do_not_lock_the_device() {
        let mut device = device();
        for _ in 0..7 {
            judge(&mut device, 9, NOW);
        }
        assert_eq!(judge(&mut device, 0, NOW), Judgement::Good);
    }

    #[test]
    fn bad_codes_stop_counting_after_two_minutes() {
        let mut device = device();
        for hour in 0..20 {
            assert_eq!(judge(&mut device, 9, NOW + 3_600 * (hour + 1)), Judgement::Bad);
        }
    }

    #[test]
    fn a_clock_set_back_does_not_lock_for_ever() {
        let mut device = device();
        for _ in 0..8 {
            judge(&mut device, 300, NOW + 7_200);
        }
        assert_eq!(judge(&mut device, 0, NOW), Judgement::Good);
    }

    #[test]
    fn the_step_of_a_code_is_found_for_the_record() {
        let step = totp::step_at(NOW);
        assert_eq!(device().step_of(&code(-3), NOW), Some(step - 3));
        assert_eq!(device().step_of("abcdef", NOW), None);
    }
}
