//! Tests of the virtual token: by recorded vectors, by tables of commands, through a real pcscd, and with Yubico's
//! client.

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
