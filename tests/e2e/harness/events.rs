//! Events that tests wait for, each with a bound: a state of the kernel's, or anything that can be looked at.

use super::stack::PATIENCE;
use std::fs;
use std::time::{Duration, Instant};

/// Waits until `is_so`, at most [`PATIENCE`]; `what` completes "waited too long until …".
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "waited too long until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// True if the process sleeps in a kernel function whose name contains `function`, such as `pipe_write` (proc(5), `wchan`).
pub fn sleeps_in(process: u32, function: &str) -> bool {
    wait_channel(process).contains(function)
}

/// True if the process sleeps, and not for a pipe: it waits for somebody it has asked.
pub fn sleeps_outside_a_pipe(process: u32) -> bool {
    let channel = wait_channel(process);
    // `0` while it runs.
    channel.contains('_') && !channel.contains("pipe")
}

fn wait_channel(process: u32) -> String {
    fs::read_to_string(format!("/proc/{process}/wchan")).unwrap_or_default()
}

/// True if the process's first thread sleeps. Everybody may look at that, of any process (proc(5), `stat`).
pub fn main_thread_sleeps(process: u32) -> bool {
    fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| stat.contains(") S "))
}

/// True if the process has a thread of this name, and that sleeps.
pub fn has_sleeping_thread(process: u32, name: &str) -> bool {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let is_it = |stat: String| stat.contains(&format!(" ({name}) S "));
    threads.filter_map(|thread| fs::read_to_string(thread.path().join("stat")).ok()).any(is_it)
}
