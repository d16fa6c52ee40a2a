//! Links the program so that it starts quickly, where the machine that builds it shows that this works.
//!
//! `credential-process` runs for each call of an AWS SDK, and nearly all of its time goes to the dynamic loader. What is tried
//! here changes no instruction of ours; where a trial fails, the program is linked as any other.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program that needs what is linked in another way: relative relocations, and the unwinder.
const TRIAL: &str = r#"
use std::backtrace::{Backtrace, BacktraceStatus};
static NAMES: [&str; 2] = ["relative", "relocations"];
fn main() {
    assert!(std::hint::black_box(NAMES).iter().all(|name| name.starts_with("rel")));
    assert_eq!(Backtrace::force_capture().status(), BacktraceStatus::Captured);
}
"#;

#[allow(clippy::print_stdout, reason = "a build script talks to cargo on stdout")]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let arguments = linux_arguments().unwrap_or_default();
    for argument in arguments {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
}

/// The arguments for the linker that work on this machine, if the program is for this machine.
fn linux_arguments() -> Option<Vec<String>> {
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|is| is == value);
    let is_for_here = std::env::var_os("HOST") == std::env::var_os("TARGET");
    if !(is_for_here && is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu")) {
        return None;
    }
    let folder = PathBuf::from(std::env::var_os("OUT_DIR")?);
    let candidates = [Some(packed_relocations()), static_unwinder(&folder)];
    Some(candidates.into_iter().flatten().filter(|argument| starts(&folder, argument)).collect())
}

/// Relative relocations as a bitmap (RELR): the loader reads 3 KB instead of 240. Needs glibc 2.36.
fn packed_relocations() -> String {
    "-Wl,-z,pack-relative-relocs".to_owned()
}

/// A folder in which the linker finds the unwinder's archives under the name of `libgcc_s`, which is loaded by every Rust
/// program and used by a backtrace only. `-static-libgcc` has no effect: rustc names the shared library itself.
fn static_unwinder(folder: &Path) -> Option<String> {
    let compiler = std::env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    let archive = |name: &str| {
        let answer = Command::new(&compiler).arg(format!("-print-file-name={name}")).output().ok()?;
        let path = String::from_utf8(answer.stdout).ok()?.trim().to_owned();
        // A compiler that does not have it answers with the bare name.
        Path::new(&path).is_absolute().then_some(path)
    };
    let (unwinder, helpers) = (archive("libgcc_eh.a")?, archive("libgcc.a")?);
    let folder = folder.join("static-unwinder");
    fs::create_dir_all(&folder).ok()?;
    fs::write(folder.join("libgcc_s.so"), format!("GROUP ( \"{unwinder}\" \"{helpers}\" )\n")).ok()?;
    Some(format!("-L{}", folder.to_str()?))
}

/// Whether a program that is linked with `argument`, by the compiler, flags and linker of this build, starts here.
fn starts(folder: &Path, argument: &str) -> bool {
    let (source, program) = (folder.join("trial.rs"), folder.join("trial"));
    let build = || -> Option<()> {
        fs::write(&source, TRIAL).ok()?;
        let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
        let linker = std::env::var_os("RUSTC_LINKER").map(|linker| {
            let mut flag = OsString::from("-Clinker=");
            flag.push(linker);
            flag
        });
        let mut rustc = Command::new(std::env::var_os("RUSTC")?);
        rustc.args(flags.split('\u{1f}').filter(|flag| !flag.is_empty())).args(linker);
        rustc.arg("--edition=2024").arg(format!("-Clink-arg={argument}")).arg("-o").arg(&program).arg(&source);
        rustc.output().ok()?.status.success().then_some(())
    };
    build().is_some() && Command::new(&program).output().is_ok_and(|output| output.status.success())
}
