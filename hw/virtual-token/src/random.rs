//! Eight unpredictable bytes at a time: device ids, challenges.

use std::hash::{BuildHasher, RandomState};

/// SipHash under a key that the system's random source gave this process: enough for a token that guards nothing, and
/// it cannot fail half way through an answer.
pub(crate) fn eight_bytes() -> [u8; 8] {
    RandomState::new().hash_one("virtual-token").to_be_bytes()
}
