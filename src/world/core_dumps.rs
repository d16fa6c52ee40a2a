//! Disables core dumps and tracing of this process, because its memory holds keys.

#[cfg(target_os = "linux")]
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::sync::OnceLock;

/// The core dump size limit that this process was started with.
static BEFORE: OnceLock<Rlimit> = OnceLock::new();

/// Forbids core dumps of this process. On Linux, also prevents other programs of the same user from tracing the
/// process or reading its memory.
pub fn forbid() {
    // Failures are ignored, because a system that lacks one of these protections has no substitute for it.
    let before = BEFORE.get_or_init(|| getrlimit(Resource::Core));
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), ..*before });
    #[cfg(target_os = "linux")]
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Restores the core dump size limit that [`forbid`] lowered. Called just before exec replaces this program.
pub fn restore_limit() {
    if let Some(before) = BEFORE.get() {
        let _ = setrlimit(Resource::Core, *before);
    }
}
