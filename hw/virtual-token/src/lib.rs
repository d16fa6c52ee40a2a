//! A YubiKey made of memory: bytes in, bytes out, and a way to plug it into PC/SC.
//!
//! It is the other end of our client, written from the protocol alone, so that the two can contradict each other.
//!
//! - [`VirtualToken`]: the token; [`Persona`]: which token it plays; [`StoredAccount`]: what is on it.
//! - [`vpcd`]: plugs it into a virtual reader; [`pcscd`]: a private PC/SC service that has such readers.
//! - [`usbip`]: makes it a USB device, for a kernel, udev and libccid.

mod account;
mod apdu;
mod applet;
mod management;
mod oath;
mod otp;
#[cfg(unix)]
pub mod pcscd;
mod persona;
mod random;
mod tlv;
mod token;
mod touch;
pub mod usbip;
pub mod vpcd;

pub use account::{CodeKind, HashAlgorithm, StoredAccount};
pub use applet::{Applet, Presence};
pub use persona::{Capacity, Cut, Duplicate, Persona, SelectLayout, Sha512Support};
pub use token::{Builder, VirtualToken};
pub use touch::SimulatedTouch;
