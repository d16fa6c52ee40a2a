//! An MFA device as STS sees it: a seed, the steps that are spent, and patience that ends.

use std::collections::{BTreeSet, VecDeque};

use crate::clock::UnixSeconds;
use crate::totp;

/// How far around the current step a code is looked for, for the record only.
const RECORD_REACH: i64 = 20;

/// What an MFA device takes, when it stops listening, and for how long.
#[derive(Clone, Copy)]
pub(crate) struct CodeRules {
    /// Steps before and after the current one whose codes are accepted.
    pub(crate) tolerance: i64,
    /// So many bad codes …
    pub(crate) bad_codes: usize,
    /// … within so many seconds lock it for as long again.
    pub(crate) seconds: i64,
}

impl Default for CodeRules {
    /// Two steps (as recorded of AWS in September 2026). Eight bad codes in seven seconds were answered by two minutes of silence; the window is taken to be as long.
    fn default() -> CodeRules {
        CodeRules { tolerance: 2, bad_codes: 8, seconds: 120 }
    }
}

/// One MFA device that shows codes.
pub(crate) struct MfaDevice {
    pub(crate) serial_number: String,
    /// Index of the user it belongs to.
    pub(crate) owner: usize,
    pub(crate) enabled: bool,
    pub(crate) enable_date: UnixSeconds,
    seed: Vec<u8>,
    spent: BTreeSet<i64>,
    bad: VecDeque<UnixSeconds>,
    locked_at: Option<UnixSeconds>,
}

/// How a code was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    Good,
    /// Wrong, too early, too late, or used before: AWS does not say which.
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

    /// Judges a code and, if it is good, spends it. A locked device neither spends nor counts.
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

    /// The step nearest to now that has this code, if any has: what the record says instead of the code.
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
    fn two_steps_either_way_each_once_in_any_order() {
        let mut device = device();
        for offset in [2, -2, 0, 1, -1] {
            assert_eq!(judge(&mut device, offset, NOW), Judgement::Good, "{offset}");
        }
        for offset in [-2, 0, 3, -3] {
            assert_eq!(judge(&mut device, offset, NOW), Judgement::Bad, "{offset}");
        }
    }

    #[test]
    fn no_step_but_the_present_one_where_none_is_tolerated() {
        let (mut device, rules) = (device(), CodeRules { tolerance: 0, ..CodeRules::default() });
        for (offset, judgement) in [(1, Judgement::Bad), (-1, Judgement::Bad), (0, Judgement::Good)] {
            assert_eq!(device.judge(&code(offset), NOW, rules), judgement, "{offset}");
        }
    }

    #[test]
    fn eight_bad_codes_lock_it_for_two_minutes() {
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
    fn seven_bad_codes_do_not() {
        let mut device = device();
        for _ in 0..7 {
            judge(&mut device, 9, NOW);
        }
        assert_eq!(judge(&mut device, 0, NOW), Judgement::Good);
    }

    #[test]
    fn bad_codes_are_forgotten_in_time() {
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
    fn the_record_names_the_step() {
        let step = totp::step_at(NOW);
        assert_eq!(device().step_of(&code(-3), NOW), Some(step - 3));
        assert_eq!(device().step_of("abcdef", NOW), None);
    }
}
