//! The async runtime, which only commands that await something start.

use std::io;
use tokio::runtime::{Builder, Runtime};

/// Returns a runtime, with timers and sockets enabled, that runs its tasks on the thread that calls `block_on`.
///
/// # Errors
/// If the system has no file descriptors or memory to spare.
pub fn current_thread() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}
