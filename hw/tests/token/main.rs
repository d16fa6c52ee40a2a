//! Tests of the client on every carrier.
//!
//! - `contract`: rules for a token in memory and for one behind a real PC/SC service
//! - `manners`: rules for PC/SC alone: a token is shared, never reset, and waited for while another program holds it
//! - `replay`: recorded conversations, byte for byte
//! - `change`: what is written, what is refused, and the state after a conversation that breaks off
//! - `leniency`: tokens that are not YubiKeys
//! - `faults`: every fault at every command
//! - `patience`: number and length of retries
//! - `watch`: tokens that are plugged in and pulled out
//!
//! `bench` contains their helpers: the virtual token on each carrier, and the checks after every conversation.

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
