//! Reporting of tests that cannot run on this machine.

use std::io::Write;

/// Prints `NOT RUN: NAME: REASON` to the real stderr, past the test runner's capture. NAME is the name of the current
/// thread, so call this from the test's own thread, then return.
pub fn not_run(reason: &str) {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("a test");
    // A single write keeps the lines of parallel tests apart. If stderr is closed, nobody can be told.
    let _ = std::io::stderr().write_all(format!("NOT RUN: {name}: {reason}\n").as_bytes());
}
