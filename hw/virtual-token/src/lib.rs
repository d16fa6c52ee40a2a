//! A simulated YubiKey, which responds to commands and can be plugged into PC/SC and USB.
//!
//! It is the counterpart of the client `oath-token`, and is written from the protocol alone, without code of the
//! client, so that a mistake in one of them shows as a contradiction.
//!
//! - [`VirtualToken`]: the token. [`Persona`]: the kind of token it simulates. [`StoredAccount`]: an account on it.
//! - [`vpcd`]: plugs the token into a virtual reader. [`pcscd`]: a private PC/SC service with such readers.
//! - [`usbip`]: makes the token a USB device, for a kernel, udev and libccid.

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
