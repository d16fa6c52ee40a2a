//! Everything that touches a token, from the bytes on the wire to "one code of this account, please".
//!
//! From the bottom up:
//! - [`transport`] is the seam: a bus, its tokens, one exclusive conversation; bytes in, bytes out. Two carriers stand
//!   behind it: [`pcsc_bus`], the system's PC/SC, and [`memory_bus`], tokens made of functions, for tests.
//! - [`apdu`] and `tlv` are the grammar of commands and answers.
//! - [`oath`] is the applet: locked or ready is a type; accounts, codes, passwords.
//!   [`device`] is the token around it: serial number and firmware.
//! - [`otpauth`] reads accounts as issuers give them.
//! - [`conversation`] runs a whole conversation, and runs it again where that can help.
//! - [`survey`], [`fetch`] and [`change`] are what an application sends us for: a look at the tokens, one code, and one
//!   change to a token.
//!
//! Everything blocks until the token has answered, a touch included, so callers give it a thread of its own. A token is
//! left as it was found: never reset, and locked again if we unlocked it. Nothing but [`change`] writes to a token.

pub mod apdu;
pub mod change;
pub mod conversation;
pub mod device;
pub mod fetch;
pub mod memory_bus;
pub mod oath;
pub mod otpauth;
pub mod pcsc_bus;
pub mod survey;
mod tlv;
pub mod transport;
