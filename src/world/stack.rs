//! Wipes the stack, on which computations leave traces of secrets. A thread's stack outlives the thread.

use std::hint::black_box;
use zeroize::Zeroize;

/// Number of bytes to wipe, which is more than our computations with secrets use.
const DEPTH: usize = 128 * 1024;

/// Wipes the part of this thread's stack that earlier calls have used.
#[inline(never)]
pub fn wipe() {
    let mut below = black_box([0_u8; DEPTH]);
    below.zeroize();
    black_box(&below);
}
