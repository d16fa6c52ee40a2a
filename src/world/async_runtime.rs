//! The async runtime, started only where something has to be awaited.

use std::io;
use tokio::runtime::{Builder, Runtime};

/// Returns a runtime that runs on the thread that blocks on it, with timers and sockets.
///
/// # Errors
/// If the system has no file descriptors or memory to spare.
pub fn current_thread() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}
