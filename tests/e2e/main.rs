//! The whole program, from the command line to the files it leaves: one test binary, a folder for each subject.
//!
//! - [`harness`]: the environments that tests run commands in.
//! - [`in_process`]: commands run inside the test.
//! - [`real_stack`]: the built program with a real pcscd, and AWS's own clients beside it.
//! - [`agent`]: an agent that runs, its endpoint, and a month of it.
//! - [`errors`]: every error as a person reads it, one list for each subject.
//! - [`doctor`]: each fault provoked, and what `doctor` says of it.
//! - [`faults`]: every command, every APDU, every fault between us and a token.
//! - [`network`]: proxies, certificate authorities, partitions, and networks that lead nowhere.
//! - [`writer`]: the credentials file, case by case, read by AWS's clients afterwards.
//! - [`project`]: the repository itself, from the order of the modules to `make install`.

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
