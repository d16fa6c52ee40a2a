//! End-to-end tests, from the command line to the files that a command leaves. One test binary, a folder for each
//! subject.
//!
//! - [`harness`]: the environments that tests run commands in.
//! - [`in_process`]: commands run inside the test process.
//! - [`real_stack`]: the built program with a real pcscd, and AWS's own clients.
//! - [`agent`]: a running agent, its endpoint, and a month of renewals.
//! - [`errors`]: every error message, one list for each subject.
//! - [`doctor`]: the findings of `doctor`, each provoked by a fault.
//! - [`faults`]: every command under every fault of the reader, at every APDU.
//! - [`network`]: proxies, certificate authorities, partitions, and unreachable networks.
//! - [`writer`]: edits of the credentials file, checked by reading the result with AWS's clients.
//! - [`project`]: the repository itself: the layers of modules, the manual, `make install`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "what goes wrong in a test's own work is a failed test"
)]

mod agent;
mod doctor;
mod errors;
mod faults;
mod harness;
mod in_process;
mod network;
mod project;
mod real_stack;
mod writer;
