//! Tests that cannot run on this machine: each says so where it is seen.

use std::io::Write;

/// Prints `NOT RUN: NAME: REASON` to the real standard error, which the test runner's capture does not reach. NAME is the
/// test's own; call it from the test's thread, and return.
pub fn not_run(reason: &str) {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("a test");
    // One write, so that tests side by side do not mix their lines. Nobody can be told of a standard error that is closed.
    let _ = std::io::stderr().write_all(format!("NOT RUN: {name}: {reason}\n").as_bytes());
}
