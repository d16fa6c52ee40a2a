//! Client of the OATH applet of YubiKeys and other tokens, from the encoding of single commands up to computing the
//! code of an account.
//!
//! From the bottom up:
//! - [`transport`]: the interface between applets and the carrier of their bytes. Two carriers implement it:
//!   `pcsc_bus` (feature `pcsc`) uses the system's PC/SC service, `memory_bus` (feature `memory`) simulates tokens
//!   with functions, for tests.
//! - [`apdu`] and `tlv`: the encoding of commands and responses.
//! - [`oath`]: the OATH applet, locked or ready, with its accounts, codes and password.
//! - [`device`]: serial number and firmware version.
//! - [`otpauth`]: accounts as issuers hand them out, in URIs and base32.
//! - [`conversation`]: exclusive conversations with a token, with retries.
//! - [`survey`], [`fetch`] and [`change`]: inspecting all tokens and their accounts, computing one code, and making
//!   one change to a token.
//!
//! Every call blocks until the token has responded, which includes the wait for a touch, so make it in a thread of
//! its own. A token is left as it was found: never reset, and locked again if this crate unlocked it. Only [`change`]
//! and the writing methods of [`oath::Ready`] write to a token.

pub mod apdu;
pub mod change;
pub mod conversation;
pub mod device;
pub mod fetch;
#[cfg(feature = "memory")]
pub mod memory_bus;
pub mod oath;
pub mod otpauth;
#[cfg(feature = "pcsc")]
pub mod pcsc_bus;
pub mod survey;
mod tlv;
pub mod transport;

/// Compiles the README's example as a test.
#[cfg(all(doctest, feature = "pcsc"))]
#[doc = include_str!("../README.md")]
struct Readme;
