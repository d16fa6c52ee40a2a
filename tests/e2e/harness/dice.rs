//! Random numbers that can be repeated: a failed test prints the seed.

use std::thread;
use std::time::UNIX_EPOCH;

/// Environment variable that sets the seed; the default is the time.
const SEED: &str = "AWS_MFA_KEY_SEED";

/// Returns true if open-ended tests shall run for minutes and report their counts (`AWS_MFA_KEY_SOAK` is set).
pub fn is_soak_run() -> bool {
    std::env::var_os("AWS_MFA_KEY_SOAK").is_some()
}

/// Prints a test's counts, which are shown if the test fails or with `--nocapture`.
#[allow(clippy::print_stderr, reason = "a test has nowhere else to say it")]
pub fn say(what: &str) {
    eprintln!("{what}");
}

pub struct Dice {
    seed: u64,
    state: u64,
}

impl Dice {
    pub fn new() -> Self {
        let given = std::env::var(SEED).ok().map(|seed| seed.parse().unwrap());
        let seed = given.unwrap_or_else(|| u64::try_from(UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap());
        Self { seed, state: seed }
    }

    /// Returns a uniform random number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        // SplitMix64 (Steele, Lea, Flood 2014).
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

impl Drop for Dice {
    fn drop(&mut self) {
        if thread::panicking() {
            say(&format!("the same again: {SEED}={}", self.seed));
        }
    }
}
