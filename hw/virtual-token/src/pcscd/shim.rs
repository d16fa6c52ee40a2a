//! The preloaded library that isolates a private pcscd from the machine, built by the system's C compiler.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const SOURCE: &str = include_str!("shim.c");

/// Compiles the library into `folder`. `None` if there is no compiler or it fails; pcscd works without the library.
pub(super) fn make(folder: &Path) -> io::Result<Option<PathBuf>> {
    let (source, library) = (folder.join("shim.c"), folder.join("shim.so"));
    fs::write(&source, SOURCE)?;
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .arg("-ldl")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    Ok(compiled.is_ok_and(|status| status.success()).then_some(library))
}
