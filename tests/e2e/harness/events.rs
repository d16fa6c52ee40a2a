//! Waiting, with a bound, for a state of another process or any other condition.

use super::stack::PATIENCE;
use std::fs;
use std::time::{Duration, Instant};

/// Waits until `is_so` returns true, at most [`PATIENCE`]. `what` completes "waited too long until …".
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "waited too long until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Returns true if the process sleeps in a kernel function whose name contains `function`, such as `pipe_write`
/// (`wchan` in proc(5)).
pub fn sleeps_in(process: u32, function: &str) -> bool {
    wait_channel(process).contains(function)
}

/// Returns true if the process sleeps, but not in a pipe: it waits for an answer from another process.
pub fn sleeps_outside_a_pipe(process: u32) -> bool {
    let channel = wait_channel(process);
    // `0` while the process runs.
    channel.contains('_') && !channel.contains("pipe")
}

fn wait_channel(process: u32) -> String {
    fs::read_to_string(format!("/proc/{process}/wchan")).unwrap_or_default()
}

/// Returns true if the process's first thread sleeps. `stat` in proc(5) is readable for all users, for any process.
pub fn main_thread_sleeps(process: u32) -> bool {
    fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| stat.contains(") S "))
}

/// Returns true if the process has a sleeping thread with this name.
pub fn has_sleeping_thread(process: u32, name: &str) -> bool {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let is_it = |stat: String| stat.contains(&format!(" ({name}) S "));
    threads.filter_map(|thread| fs::read_to_string(thread.path().join("stat")).ok()).any(is_it)
}
