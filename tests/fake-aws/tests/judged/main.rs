//! Tests of the simulator from outside: a client that shares no code with it, AWS's own clients, and its command
//! line.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's helpers fail the test by panicking")]

mod program;
mod proxied;
mod raw;
mod raw_calls;
mod raw_codes;
mod raw_lies;
mod raw_permissions;
mod real_clients;
mod stage;
mod venv;

/// A frozen time, in seconds since 1970 and in AWS's formats.
const NOW: i64 = 1_600_000_000;
const NOW_BASIC: &str = "20200913T122640Z";
const NOW_HTTP: &str = "Sun, 13 Sep 2020 12:26:40 GMT";

const ACCOUNT: &str = "123456789012";
const SEED: &[u8] = b"12345678901234567890";
/// `SEED` in base32.
const SEED_TEXT: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// Returns the code at `time`, from a library that the simulator does not use.
fn code_at(seed: &[u8], time: i64) -> String {
    let totp = totp_rs::Builder::new().with_algorithm(totp_rs::Algorithm::SHA1).with_secret(seed.to_vec());
    totp.build_noncompliant().generate(u64::try_from(time).unwrap()).to_string()
}
