//! The Python environment that `make test` sets up: it has the vendor's client and a PC/SC client of its own.

use std::path::{Path, PathBuf};

/// A program of that environment.
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
