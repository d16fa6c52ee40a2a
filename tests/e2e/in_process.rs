//! Tests that run commands inside the test process: a virtual token without pcscd, AWS on loopback, and a clock and a
//! person that the test controls.

mod accounts;
mod hostile_text;
mod ledger;
mod login;
mod non_interactive;
mod passwords;
mod personas;
mod session_commands;
mod several_profiles;
mod software_secrets;
mod tokens;
mod waiting;
