//! Client of the OATH applet of YubiKeys and other tokens, from the bytes on the wire to "one code of this account".
//!
//! From the bottom up:
//! - [`transport`]: the seam between applets and what carries their bytes. Two carriers: `pcsc_bus` (feature `pcsc`), the
//!   system's PC/SC, and `memory_bus` (feature `memory`), tokens made of functions, for tests.
//! - [`apdu`] and `tlv`: the grammar of commands and responses.
//! - [`oath`]: the applet, locked or ready; accounts, codes, passwords.
//! - [`device`]: serial number and firmware.
//! - [`otpauth`]: accounts as issuers give them, in URIs and base32.
//! - [`conversation`]: a whole conversation, run again where that can help.
//! - [`survey`], [`fetch`] and [`change`]: all tokens and their accounts; one code; one change to a token.
//!
//! Every call blocks until the token has answered, a touch included, so give it a thread of its own. A token is left as it
//! was found: never reset, and locked again if it was unlocked here. Only [`change`] writes to a token.

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

/// Compiles the README's example.
#[cfg(all(doctest, feature = "pcsc"))]
#[doc = include_str!("../README.md")]
struct Readme;
