//! The stack: what was computed leaves its traces there, and a thread's stack outlives the thread.

use std::hint::black_box;
use zeroize::Zeroize;

/// Deeper than what we compute with secrets goes, in bytes.
const DEPTH: usize = 128 * 1024;

/// Wipes the part of the stack that the functions called until now have used.
#[inline(never)]
pub fn wipe() {
    let mut below = black_box([0_u8; DEPTH]);
    below.zeroize();
    black_box(&below);
}
