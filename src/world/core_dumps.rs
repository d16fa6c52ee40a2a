//! Core dumps and tracing, switched off for this process because its memory holds keys.

#[cfg(target_os = "linux")]
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::sync::OnceLock;

/// The limit for core dumps that this process was started with.
static BEFORE: OnceLock<Rlimit> = OnceLock::new();

/// Forbids core dumps of this process and, on Linux, keeps other programs of the same user from tracing it or reading
/// its memory.
pub fn forbid() {
    // Failures are ignored: a system that lacks one of these has no substitute for it.
    let before = BEFORE.get_or_init(|| getrlimit(Resource::Core));
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), ..*before });
    #[cfg(target_os = "linux")]
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Restores the limit that [`forbid`] lowered, just before exec replaces this process.
pub fn restore_limit() {
    if let Some(before) = BEFORE.get() {
        let _ = setrlimit(Resource::Core, *before);
    }
}
