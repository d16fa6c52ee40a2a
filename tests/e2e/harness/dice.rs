//! Chance that can be repeated: one number says all that is thrown, and a test that fails names it.

use std::thread;
use std::time::UNIX_EPOCH;

/// The number comes from here, if it is set, and else from the clock.
const SEED: &str = "AWS_MFA_KEY_SEED";

/// Whether tests that go on for as long as one likes shall go on for minutes, and tell what they counted.
pub fn whole() -> bool {
    std::env::var_os("AWS_MFA_KEY_SOAK").is_some()
}

/// Says what a test counted; it is seen where the test fails, and with `--nocapture`.
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

    /// Below `end`, each as likely.
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
