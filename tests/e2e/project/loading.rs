//! The shared libraries that the system's loader reads at each start of the program.

use crate::harness::stack;
use std::process::Command;

#[test]
fn the_loader_reads_no_library_that_few_commands_need() {
    let output = Command::new(stack::program()).env("LD_TRACE_LOADED_OBJECTS", "1").output().unwrap();
    let libraries = String::from_utf8(output.stdout).unwrap();
    assert!(libraries.contains("libc.so"), "{libraries}");
    for spared in ["libgcc_s.so", "libm.so"] {
        assert!(!libraries.contains(spared), "{libraries}");
    }
}
