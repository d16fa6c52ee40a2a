//! Random bytes for device ids and challenges, eight at a time.

use std::hash::{BuildHasher, RandomState};

/// Returns eight bytes of SipHash with a key from the system's random source. They are random enough for a token that
/// guards nothing, and computing them cannot fail in the middle of a response.
pub(crate) fn eight_bytes() -> [u8; 8] {
    RandomState::new().hash_one("virtual-token").to_be_bytes()
}
