//! The virtual token, judged: by vectors, by tables, by a real pcscd, by the vendor's client.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that meets the unexpected has failed")]

mod locked;
mod pcsc_client;
mod personas;
mod program;
mod python;
mod tables;
mod talk;
mod through_pcscd;
mod touch;
mod usbip;
mod vectors;
mod vpcd;
mod ykman;
