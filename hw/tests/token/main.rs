//! The contract of a token, on every carrier: a table of contents.
//!
//! - `contract`: what holds for a token in memory and for one behind a real PC/SC service
//! - `manners`: what holds for PC/SC alone: shared, never reset, patient with others
//! - `replay`: the recorded conversations, byte for byte
//! - `change`: what is written, when it is refused, and what is so where it breaks off
//! - `leniency`: tokens that are not YubiKeys
//! - `faults`: each command of each errand, each fault
//! - `patience`: how often and how long is asked again
//! - `watch`: what is plugged in and pulled out is seen
//!
//! `bench` is what they stand on: the virtual token on each carrier, and what must be true after every conversation.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a helper that cannot go on fails the test it helps")]

mod bench;
mod change;
mod contract;
mod faults;
mod leniency;
#[cfg(target_os = "linux")]
mod manners;
mod patience;
mod replay;
mod watch;
