//! The Python environment that `make test` sets up, with Yubico's client and a PC/SC library.

use std::path::{Path, PathBuf};

/// Returns the path of a program in the Python environment. Fails if it is missing.
pub(crate) fn program(name: &str) -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/test-env");
    let folder = std::env::var_os("AWS_MFA_KEY_TEST_ENV").map_or(beside, PathBuf::from);
    let program = folder.join("bin").join(name);
    assert!(
        program.exists(),
        "{} is missing: `make test` sets up that environment, or set AWS_MFA_KEY_TEST_ENV to one that has ykman",
        program.display()
    );
    program
}
